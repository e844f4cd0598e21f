"""One endpoint of the door: what it is called, what it needs, what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zaffre.core.permissions import Permission
from zaffre.services.context import Context


@dataclass(frozen=True)
class Call:
    """A request whose sender may do what the endpoint needs. `body` is the JSON object or the query string."""

    context: Context
    workspace: str
    body: dict[str, Any]
    path: dict[str, str]  # the values of the places in the endpoint's path
    client: str = ""  # User-Agent


Handler = Callable[[Call], dict[str, Any] | None]


@dataclass(frozen=True)
class Endpoint:
    """`path` is below /api/<version>/mlflow/ and may have `{places}`; it answers under every version."""

    method: str
    path: str
    permission: Permission
    handler: Handler
