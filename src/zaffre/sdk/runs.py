"""The runs of a workspace: jobs with what they logged, to search, count and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zaffre.base import errors
from zaffre.core.run_fields import ATTRIBUTES
from zaffre.sdk.collection import Collection, listed, pages
from zaffre.wire import runs as wire
from zaffre.wire.runs import Kind, RunComparison, RunKey, RunRow


class Runs(Collection):
    """`ws.runs`. One filter language here, on the command line, in the Studio and over REST (docs/filter.md).

    >>> best = ws.runs.search("metrics.loss < 0.3", order_by=["metrics.loss"], max_results=5)   # doctest: +SKIP
    >>> [(run.name, run.metrics["loss"]) for run in best]                                       # doctest: +SKIP
    """

    def search(
        self,
        filter: str | None = None,
        *,
        order_by: Sequence[str] = (),
        fields: Sequence[str] | None = ("*",),
        experiment_names: Sequence[str] = (),
        parent_job_name: str | None = None,
        top_level: bool = False,
        max_results: int | None = None,
        archived_only: bool = False,
        include_archived: bool = False,
    ) -> Iterator[RunRow]:
        """Runs, newest first unless `order_by` says otherwise (`"metrics.loss desc"`), page by page as they are used.

        `fields` are those of the rows (`"status"`, `"metrics.loss"`, `"params.*"`); `"*"` is everything, None
        everything but metrics, parameters and tags. Raises `InvalidRequest` for a wrong filter, order or field.
        """
        given = self._chosen(filter, experiment_names, parent_job_name, top_level, archived_only, include_archived)
        wanted = (
            None if fields is None else [name for field in fields for name in (EVERYTHING if field == "*" else [field])]
        )

        def ask(cursor: str | None, size: int) -> wire.RunList:
            request = wire.SearchRuns(**given, order_by=list(order_by), fields=wanted, max_results=size, cursor=cursor)
            return self._transport.call(wire.SEARCH, request)

        return pages(ask, max_results, 200)

    def get(self, name: str) -> RunRow:
        """A run with everything it logged. Raises `NotFound`."""
        text = name.replace("'", "''")
        for run in self.search(f"name = '{text}'", max_results=1, include_archived=True):
            return run
        raise errors.NotFound(f"run {name} not found", code="RunNotFound", hint="`zaffre run list`")

    def count(
        self,
        filter: str | None = None,
        *,
        experiment_names: Sequence[str] = (),
        parent_job_name: str | None = None,
        top_level: bool = False,
        archived_only: bool = False,
        include_archived: bool = False,
    ) -> int:
        """How many runs a search would give."""
        given = self._chosen(filter, experiment_names, parent_job_name, top_level, archived_only, include_archived)
        return self._transport.call(wire.COUNT, wire.CountRuns(**given)).count

    def keys(
        self,
        prefix: str = "",
        *,
        kind: Kind | None = None,
        experiment_name: str | None = None,
        max_results: int | None = None,
    ) -> Iterator[RunKey]:
        """The names of metrics, parameters and tags, how many runs logged each, and the range of the last values."""
        fields = self._scope.about(prefix=prefix, kind=kind, experiment_name=experiment_name)

        def ask(cursor: str | None, size: int) -> wire.KeyList:
            return self._transport.call(wire.KEYS, wire.ListKeys(**fields, max_results=size, cursor=cursor))

        return pages(ask, max_results)

    def compare(
        self,
        *runs: str,
        baseline: str | None = None,
        only_differences: bool = False,
        parts: Sequence[str] | None = None,
    ) -> RunComparison:
        """Up to 100 runs beside each other: parameters, metrics with their distance from the baseline, tags, inputs,
        packages, code. The baseline is the first one unless another is named.

        `parts` are some of `params`, `metrics`, `tags`, `inputs`, `environment`, `code`. Raises `NotFound`.
        """
        fields = self._scope.about(baseline=baseline, only_differences=only_differences, parts=parts and list(parts))
        return self._transport.call(wire.COMPARE, wire.CompareRuns(**fields, runs=list(runs)))

    def _chosen(
        self,
        filter: str | None,
        experiment_names: Sequence[str],
        parent_job_name: str | None,
        top_level: bool,
        archived_only: bool,
        include_archived: bool,
    ) -> dict[str, Any]:
        return self._scope.about(
            filter=filter,
            experiment_names=list(experiment_names),
            parent_job_name=parent_job_name,
            top_level=top_level,
            listed=listed(archived_only, include_archived),
        )


EVERYTHING = (*ATTRIBUTES, "metrics.*", "params.*", "tags.*")
