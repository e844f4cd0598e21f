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
LOG = Operation("online-deployment.log", "GET", _DEPLOYMENT + "/log", ReadDeploymentLog, View,
                Permission.ENDPOINTS_READ, "Read the log of an online deployment", Body.STREAM_DOWN)  # fmt: skip

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *ONLINE.all(), CREDENTIALS, REGENERATE, ROLLBACK, STOP, START, HISTORY, LOG,
)  # fmt: skip
