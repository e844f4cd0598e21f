"""Online endpoints on the wire: what they have beside what every endpoint has."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.endpoints import ONLINE, ChangeList, DeploymentRef, EndpointRef, EndpointView
from zaffre.wire.operation import NUMBER, Body, Operation, View


class Credentials(View):
    """Keys, or a token, as Azure ML names them."""

    primaryKey: str | None = None
    secondaryKey: str | None = None
    accessToken: str | None = None
    expiryTimeUtc: int | None = None  # seconds since 1970


class RegenerateKeys(EndpointRef):
    """A new key in place of one; the other stays valid meanwhile."""

    key_type: str = Field(default="primary", pattern="^(primary|secondary)$")


class InvokeOnline(EndpointRef):
    """A request to the scoring address, made by the server with the key of the endpoint."""

    body: Any = None  # JSON
    deployment_name: str | None = None  # else the traffic shares choose


class Answered(View):
    """What the scoring address answered, be it an error."""

    status: int
    latency_ms: float  # as the server saw it
    text: str
    truncated: bool = False  # the text is longer than is shown
    deployment: str | None = None
    request_id: str | None = None


class DescribeScoring(EndpointRef):
    deployment_name: str | None = None


class ScoringSchema(View):
    """JSON schemas of what a deployment takes and gives; empty where nothing is known."""

    input: dict[str, Any] = Field(default_factory=dict)
    output: dict[str, Any] = Field(default_factory=dict)


class ReadMetrics(EndpointRef):
    """Over the last `seconds`, in so many points."""

    seconds: int = Field(default=300, ge=20, le=900)
    points: int = Field(default=60, ge=5, le=450)


class DeploymentTraffic(View):
    """Counts over the whole time; lists have a number for each moment, none where nothing is known.

    Percentiles are estimated from the buckets of a histogram. Errors are answers of 5xx and requests turned away.
    """

    deployment: str
    requests: int
    failed: int
    rejected: int
    in_flight: int
    waiting: int
    workers: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    per_s: list[float | None]
    errors_per_s: list[float | None]
    p50: list[float | None]  # milliseconds
    p95: list[float | None]
    p99: list[float | None]


class EndpointMetrics(View):
    """`at`: the end of each step, in seconds since 1970."""

    name: str
    step_s: float
    at: list[float]
    items: list[DeploymentTraffic]


class ReadDeploymentLog(DeploymentRef):
    """The last lines of the log, or bytes from an offset; with `follow` the stream goes on."""

    tail_lines: int | None = Field(default=None, ge=0, le=NUMBER)
    offset: int = Field(default=0, ge=0, le=NUMBER)
    follow: bool = False


_ONE, _DEPLOYMENT = ONLINE.path, ONLINE.deployment_path
CREDENTIALS = Operation("online-endpoint.credentials", "GET", _ONE + "/credentials", EndpointRef, Credentials,
                        Permission.ENDPOINTS_KEYS, "Show the keys of an online endpoint, or a token")  # fmt: skip
REGENERATE = Operation("online-endpoint.regenerate-keys", "POST", _ONE + "/regenerate-keys", RegenerateKeys,
                       Credentials, Permission.ENDPOINTS_WRITE, "Replace a key of an online endpoint")  # fmt: skip
ROLLBACK = Operation("online-endpoint.rollback", "POST", _ONE + "/rollback", EndpointRef, EndpointView,
                     Permission.ENDPOINTS_WRITE, "Take back the last change of an online endpoint")  # fmt: skip
STOP = Operation("online-endpoint.stop", "POST", _ONE + "/stop", EndpointRef, EndpointView,
                 Permission.ENDPOINTS_WRITE, "Stop an online endpoint and its workers")  # fmt: skip
START = Operation("online-endpoint.start", "POST", _ONE + "/start", EndpointRef, EndpointView,
                  Permission.ENDPOINTS_WRITE, "Start a stopped online endpoint")  # fmt: skip
HISTORY = Operation("online-endpoint.history", "GET", _ONE + "/history", EndpointRef, ChangeList,
                    Permission.ENDPOINTS_READ, "List the changes of an online endpoint, newest first")  # fmt: skip
INVOKE = Operation("online-endpoint.invoke", "POST", _ONE + "/invoke", InvokeOnline, Answered,
                   Permission.ENDPOINTS_INVOKE, "Ask an online endpoint through the server", asks=True)  # fmt: skip
SCHEMA = Operation("online-endpoint.schema", "GET", _ONE + "/schema", DescribeScoring, ScoringSchema,
                   Permission.ENDPOINTS_READ, "Show what an online endpoint takes and gives")  # fmt: skip
METRICS = Operation("online-endpoint.metrics", "GET", _ONE + "/metrics", ReadMetrics, EndpointMetrics,
                    Permission.ENDPOINTS_READ,
                    "Requests, errors and latencies of an online endpoint in the last minutes")  # fmt: skip
LOG = Operation("online-deployment.log", "GET", _DEPLOYMENT + "/log", ReadDeploymentLog, View,
                Permission.ENDPOINTS_READ, "Read the log of an online deployment", Body.STREAM_DOWN)  # fmt: skip

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *ONLINE.all(), CREDENTIALS, REGENERATE, ROLLBACK, STOP, START, HISTORY, INVOKE, SCHEMA, METRICS, LOG,
)  # fmt: skip
