"""Jobs on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import NUMBER, Body, Operation, Tags, View, WorkspaceRequest

Listed = Literal["active", "archived", "all"]
Part = Literal["code", "data", "parameter", "variable", "package", "machine", "status", "metric", "output", "step"]


class SubmitJob(WorkspaceRequest):
    """`spec` is the document, closed: every local file in it was uploaded and is a content:// reference."""

    spec: dict[str, Any]
    facts: dict[str, Any] = Field(default_factory=dict)  # what the client knows: git commit and uncommitted diff
    experiment_name: str | None = None  # when the document names none
    # Of the steps whose result is known, run this fraction all the same and compare: a pipeline in which one made
    # something else than before ends as Failed (VerificationFailed), with every step done and its outputs in place.
    verify: float | None = Field(default=None, ge=0, le=1)


class JobRef(WorkspaceRequest):
    name: str


class ListJobs(WorkspaceRequest):
    parent_job_name: str | None = None
    experiment_name: str | None = None
    status: str | None = None
    tag: str | None = None  # key or key=value
    listed: Listed = "active"
    max_results: int = Field(default=100, ge=1, le=100_000)
    cursor: str | None = None


class UpdateJob(JobRef):
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: Tags | None = None


class ReadLog(JobRef):
    """Bytes of the log from an offset; with `follow` the stream goes on until the job ends."""

    offset: int = Field(default=0, ge=0, le=NUMBER)
    follow: bool = False
    tail_lines: int | None = Field(default=None, ge=0, le=NUMBER)


class Download(JobRef):
    """A tar stream: `artifacts/...` and `named-outputs/<output>/...`."""

    output_name: str | None = None
    all: bool = False


class ResumeJob(JobRef):
    """Run again what failed, was cancelled or never ran; what completed is kept."""


class RerunJob(JobRef):
    """Submit the document of a job again, with `overrides` (`path=value`) if there are some.

    `exact` restores all that it had instead: code, data, the versions of packages, parameters, seeds. Every step runs,
    and outputs go to places of the new job's own, registered under no name. Data that has changed at its source is
    refused by name, unless `changed_data` allows it.
    """

    exact: bool = False
    overrides: list[Annotated[str, Field(max_length=20_000)]] = Field(default_factory=list, max_length=1000)
    changed_data: bool = False


class DiffJobs(JobRef):
    """Compare with `other`; without it, with the job that this one repeats."""

    other: str | None = None


class JobView(View):
    """The fields of the document, and these."""

    name: str
    type: str
    status: str
    reason: str | None = None
    display_name: str | None = None
    experiment_name: str | None = None
    description: str | None = None
    tags: dict[str, Any] = Field(default_factory=dict)
    properties: dict[str, Any] = Field(default_factory=dict)
    parent_job_name: str | None = None
    node: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_s: float | None = None
    error: dict[str, Any] | None = None
    reused_from: str | None = None  # the job whose result this is
    saved_s: float | None = None
    attempt: int = 0  # 0 is the first; a retry counts on
    compute: str | None = None
    facts: dict[str, Any] | None = None  # code, git, machine, parameters ...; long texts by hash: see jobs.facts
    services: dict[str, Any] = Field(default_factory=dict)  # where to see it
    creation_context: dict[str, Any] = Field(default_factory=dict)
    archived: bool = False


class FactsView(View):
    """What a run can be repeated from. Of a reused step: of the job that really ran, `job`."""

    job: str
    code: str | None = None  # content address of the code
    git: dict[str, Any] | None = None  # commit, branch, remote, dirty
    diff: str | None = None  # of the code, against that commit: what was not committed
    environment: dict[str, Any] | None = None  # as it was asked for
    environment_lock: str | None = None  # the packages that it really had, a line each
    machine: dict[str, Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)  # the literal inputs, as the command got them
    seeds: dict[str, Any] = Field(default_factory=dict)  # inputs and environment variables with `seed` in their name
    notes: list[str] = Field(default_factory=list)  # what was said about the file when it was submitted


class Difference(View):
    """One thing that is not the same. None where it is not there at all."""

    model_config = ConfigDict(extra="allow", defer_build=True, ser_json_inf_nan="strings")

    step: str | None = None  # `outer.inner`; none: of the job itself
    what: Part
    name: str
    before: float | str | None = None  # of an output the hash of its content
    after: float | str | None = None
    delta: float | None = None  # of a metric
    files: list[str] = Field(default_factory=list)  # of an output: what became of its files, the first ten


class JobDiff(View):
    """`before` is the other job, `after` is this one. Of a reused step the job that really ran counts."""

    job: str
    other: str
    ended: bool  # both of them have
    same: bool  # both have ended with the same status, metrics and content of every output
    given: list[Difference]  # code, data, parameters, packages, machine
    made: list[Difference]  # status, metrics, outputs
    unknown: list[str] = Field(default_factory=list)  # what could not be compared


class DocumentView(View):
    """What was submitted, closed: local files are content:// references. It can be submitted again as it is."""

    spec: dict[str, Any]


class JobList(View):
    items: list[JobView]
    cursor: str | None = None  # of the next page


class StepPlan(View):
    """What would happen to one step, and why."""

    step: str  # `outer.inner` for a nested one
    runs: bool | None = None  # None: cannot be known before an earlier step has run
    cause: str  # "src/train.py changed at line 12", "reused from merry_falcon (saves 14 s)"
    reused_from: str | None = None
    saved_s: float | None = None


class PlanView(View):
    steps: list[StepPlan]
    will_run: int
    reused: int
    unknown: int
    saved_s: float


class JobEvent(View):
    """One change, as it happened: of the job that is watched or of one below it."""

    id: int
    job: str
    node: str | None = None  # path below the watched job, `outer.inner`
    type: str | None = None  # of the job: a pipeline has no log of its own
    status: str
    reason: str | None = None
    reused_from: str | None = None
    saved_s: float | None = None
    at: str


class WatchJob(JobRef):
    """Events of a job and of all jobs below it, until it has ended. `after` resumes a broken stream."""

    after: int = Field(default=0, ge=0, lt=2**63)
    below: bool = True  # also of the jobs below it


_JOBS = "/workspaces/{workspace}/jobs"
_JOB = _JOBS + "/{name}"

CREATE = Operation("jobs.create", "POST", _JOBS, SubmitJob, JobView, Permission.JOBS_WRITE, "Submit a job")
PLAN = Operation("jobs.plan", "POST", _JOBS + ":plan", SubmitJob, PlanView, Permission.JOBS_WRITE,
                 "Say which steps would run, and why", asks=True)  # fmt: skip
LIST = Operation("jobs.list", "GET", _JOBS, ListJobs, JobList, Permission.JOBS_READ, "List jobs, newest first")
SHOW = Operation("jobs.show", "GET", _JOB, JobRef, JobView, Permission.JOBS_READ, "Show a job")
DOCUMENT = Operation("jobs.document", "GET", _JOB + "/document", JobRef, DocumentView, Permission.JOBS_WRITE,
                     "Show the document that was submitted")  # fmt: skip
FACTS = Operation("jobs.facts", "GET", _JOB + "/facts", JobRef, FactsView, Permission.JOBS_READ,
                  "Show all that a run can be repeated from")  # fmt: skip
UPDATE = Operation("jobs.update", "PATCH", _JOB, UpdateJob, JobView, Permission.JOBS_WRITE, "Change names and tags")
CANCEL = Operation("jobs.cancel", "POST", _JOB + "/cancel", JobRef, JobView, Permission.JOBS_WRITE, "End a job early")
ARCHIVE = Operation("jobs.archive", "POST", _JOB + "/archive", JobRef, JobView, Permission.JOBS_WRITE, "Hide a job")
RESTORE = Operation("jobs.restore", "POST", _JOB + "/restore", JobRef, JobView, Permission.JOBS_WRITE,
                    "Show an archived job again")  # fmt: skip
RESUME = Operation("jobs.resume", "POST", _JOB + "/resume", ResumeJob, JobView, Permission.JOBS_WRITE,
                   "Run what failed again")  # fmt: skip
RERUN = Operation("jobs.rerun", "POST", _JOB + "/rerun", RerunJob, JobView, Permission.JOBS_WRITE,
                  "Run a job again, with changes or exactly as it was")  # fmt: skip
DIFF = Operation("jobs.diff", "GET", _JOB + "/diff", DiffJobs, JobDiff, Permission.JOBS_READ,
                 "Compare what two jobs were given and what they made")  # fmt: skip
LOG = Operation("jobs.log", "GET", _JOB + "/log", ReadLog, View, Permission.JOBS_READ, "Read the log",
                Body.STREAM_DOWN)  # fmt: skip
WATCH = Operation("jobs.watch", "GET", _JOB + "/events", WatchJob, JobEvent, Permission.JOBS_READ,
                  "Watch a job and those below it", Body.EVENTS)  # fmt: skip
DOWNLOAD = Operation("jobs.download", "GET", _JOB + "/download", Download, View, Permission.JOBS_READ,
                     "Download outputs as a tar stream", Body.STREAM_DOWN)  # fmt: skip

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    CREATE, PLAN, LIST, SHOW, DOCUMENT, FACTS, UPDATE, CANCEL, ARCHIVE, RESTORE, RESUME, RERUN, DIFF, LOG, WATCH,
    DOWNLOAD,
)  # fmt: skip
