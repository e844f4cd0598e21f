"""The jobs of a workspace."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zaffre.base import errors, ids
from zaffre.sdk.collection import Collection, Done, listed, pages, texts
from zaffre.sdk.follow import follow
from zaffre.sdk.unpack import unpack
from zaffre.wire import jobs as wire
from zaffre.wire.jobs import FactsView, JobDiff, JobEvent, JobView, PlanView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable

ENDED = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})


class Jobs(Collection):
    """`ws.jobs`.

    >>> job = ws.jobs.create_or_update(load_job("job.yml"))     # doctest: +SKIP
    >>> ws.jobs.stream(job.name)                                # doctest: +SKIP
    """

    def create_or_update(
        self, job: Submittable, *, experiment_name: str | None = None, verify: float | None = None, **changes: Any
    ) -> JobView:
        """Submit a job. Local files that it names are sent first, only those that are not there yet.

        `verify` is the fraction of reused steps that run all the same, to compare what they make with what is known.

        `changes` replace top-level fields (`name=`, `display_name=`, `tags=`...). Raises `InvalidRequest`.
        """
        submission = self._submission(job, experiment_name, changes, verify)
        chosen = submission.spec.get("name") is not None
        # With a name made here, a request sent again after the server died over it cannot become a second job.
        submission.spec.setdefault("name", ids.job_name())
        try:
            return self._transport.call(wire.CREATE, submission)
        except errors.Conflict as error:
            if chosen or error.code != "JobExists":
                raise
            return self.get(submission.spec["name"])

    def plan(self, job: Submittable, **changes: Any) -> PlanView:
        """Which steps would run if the job were submitted now, and the one cause of each. Nothing is run."""
        return self._transport.call(wire.PLAN, self._submission(job, None, changes))

    def get(self, name: str) -> JobView:
        """Raises `NotFound`."""
        return self._transport.call(wire.SHOW, self._ref(name))

    def facts(self, name: str) -> FactsView:
        """What a run can be repeated from: code, commit and uncommitted diff, packages, machine, parameters, seeds."""
        return self._transport.call(wire.FACTS, self._ref(name))

    def list(
        self,
        *,
        parent_job_name: str | None = None,
        experiment_name: str | None = None,
        status: str | None = None,
        tag: str | None = None,
        max_results: int | None = None,
        archived_only: bool = False,
        include_archived: bool = False,
    ) -> Iterator[JobView]:
        """Jobs, newest first; those below a job with `parent_job_name`. `tag` is `key` or `key=value`."""
        fields = self._scope.about(
            parent_job_name=parent_job_name,
            experiment_name=experiment_name,
            status=status,
            tag=tag,
            listed=listed(archived_only, include_archived),
        )

        def ask(cursor: str | None, size: int) -> wire.JobList:
            request = wire.ListJobs(**fields, max_results=size, cursor=cursor)
            return self._transport.call(wire.LIST, request)

        return pages(ask, max_results)

    def update(
        self,
        name: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> JobView:
        """Change names and tags; a tag that is None is taken away."""
        fields = self._scope.about(
            name=name,
            display_name=display_name,
            description=description,
            experiment_name=experiment_name,
            tags=texts(tags),
        )
        return self._transport.call(wire.UPDATE, wire.UpdateJob(**fields))

    def cancel(self, name: str) -> JobView:
        """End a job and everything below it. A job that has ended stays as it is."""
        return self._transport.call(wire.CANCEL, self._ref(name))

    def begin_cancel(self, name: str) -> Done[JobView]:
        """Like `cancel`."""
        return Done(self.cancel(name))

    def archive(self, name: str) -> JobView:
        """Hide a job from lists."""
        return self._transport.call(wire.ARCHIVE, self._ref(name))

    def restore(self, name: str) -> JobView:
        """Show an archived job in lists again."""
        return self._transport.call(wire.RESTORE, self._ref(name))

    def resume(self, name: str) -> JobView:
        """Run again what failed, was cancelled or never ran; what completed is kept."""
        return self._transport.call(wire.RESUME, wire.ResumeJob(**self._scope.about(name=name)))

    def rerun(
        self, name: str, *, exact: bool = False, overrides: Sequence[str] = (), changed_data: bool = False
    ) -> JobView:
        """Submit the document of a job again, with `path=value` overrides; or run it `exact`ly as it was.

        An exact repetition has the code, data, versions of packages, parameters and seeds that the job had. Every step
        runs; outputs go to places of their own, under no registered name; `diff` tells afterwards what differs. Raises
        `Conflict` (code `DataNotAsItWas`) naming data that changed, unless `changed_data` takes it as it is now.

        >>> again = ws.jobs.rerun("merry_falcon_x7k2m9p4qr", exact=True)                # doctest: +SKIP
        >>> ws.jobs.wait(again.name)                                                   # doctest: +SKIP
        >>> ws.jobs.diff(again.name).same                                              # doctest: +SKIP
        True
        """
        fields = self._scope.about(name=name, exact=exact, overrides=[*overrides], changed_data=changed_data)
        return self._transport.call(wire.RERUN, wire.RerunJob(**fields))

    def diff(self, name: str, other: str | None = None) -> JobDiff:
        """What a job was given and made that `other` was not; without it, the one that this job repeats."""
        return self._transport.call(wire.DIFF, wire.DiffJobs(**self._scope.about(name=name, other=other)))

    def events(self, name: str, after: int = 0, *, below: bool = True) -> Iterator[JobEvent]:
        """Every change of a job (and of those `below` it), as it happens, until the job has ended."""
        fields = self._scope.about(name=name, after=after, below=below)
        return self._transport.events(wire.WATCH, wire.WatchJob(**fields))

    def log(self, name: str, *, follow: bool = False, tail_lines: int | None = None) -> Iterator[bytes]:
        """The log of a job in pieces; with `follow` until the job ends. A broken connection leaves no gap."""
        offset, tries = 0, 0
        while True:
            fields = self._scope.about(name=name, follow=follow, tail_lines=tail_lines, offset=offset)
            try:
                for chunk in self._transport.stream_down(wire.LOG, wire.ReadLog(**fields)):
                    offset, tries = offset + len(chunk), 0
                    yield chunk
                return
            except errors.Unavailable:
                if tries == 4 or tail_lines is not None:
                    raise
                tries += 1
                time.sleep(0.1 * 2**tries)

    def stream(self, name: str, write: Callable[[str], object] | None = None) -> JobView:
        """Show the log of a job as it grows (of a pipeline: of every step, with its name before each line).

        Returns the job when it has ended. Raises `ZaffreError` with code `JobFailed` unless it completed.
        """
        follow(self, self.get(name), write or _to_stdout)
        return succeeded(self.get(name))

    def wait(self, name: str, timeout_s: float | None = None) -> JobView:
        """Wait for the end of a job. Raises `Unavailable` with code `Timeout` when it takes longer."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        if deadline is None:
            for _ in self.events(name, below=False):
                pass
        pause = 0.05
        while (job := self.get(name)).status not in ENDED:
            if deadline is not None and time.monotonic() > deadline:
                raise errors.Unavailable(
                    f"job `{name}` is still {job.status} after {timeout_s:g} s",
                    code="Timeout",
                    hint=f"`zaffre job cancel --name {name}` ends it",
                )
            time.sleep(pause)
            pause = min(pause * 1.3, 1.0)
        return job

    def download(
        self, name: str, download_path: str | Path = ".", *, output_name: str | None = None, all: bool = False
    ) -> Sequence[Path]:
        """Download logs and default outputs to `artifacts/`, one or `all` outputs to `named-outputs/<output>/`."""
        fields = self._scope.about(name=name, output_name=output_name, all=all)
        return unpack(self._transport.stream_down(wire.DOWNLOAD, wire.Download(**fields)), Path(download_path))

    def _submission(
        self, job: Submittable, experiment_name: str | None, changes: Mapping[str, Any], verify: float | None = None
    ) -> wire.SubmitJob:
        closed = self._scope.closer.close(job, changes, default_kind="job")
        fields = self._scope.about(
            spec=closed.spec, facts=closed.facts or None, experiment_name=experiment_name, verify=verify
        )
        return wire.SubmitJob(**fields)

    def _ref(self, name: str) -> wire.JobRef:
        return wire.JobRef(**self._scope.about(name=name))


def succeeded(job: JobView) -> JobView:
    """The job, if it completed. Raises `ZaffreError` with code `JobFailed`."""
    if job.status == "Completed":
        return job
    why = (job.error or {}).get("message") or job.reason
    raise errors.ZaffreError(
        f"job `{job.name}` ended as {job.status}{f': {why}' if why else ''}",
        code="JobFailed",
        hint=(job.error or {}).get("hint") or f"`zaffre job stream --name {job.name}` shows its log",
    )


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
