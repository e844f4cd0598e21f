"""The operation table: each thing a client can ask is one `Operation`.

The REST routes, the HTTP transport, the in-process transport, the permission test and the OpenAPI document are
generic over it. A request is one model: fields named in the path travel in the path; the others in the query string
of a GET or DELETE, else in the JSON body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from zaffre.base.limits import KEY_LENGTH, TAG_LENGTH, TAGS
from zaffre.core.permissions import Permission

NUMBER = 2**53  # the largest whole number that JSON, databases and every client agree on


Tags = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=KEY_LENGTH)], Annotated[str, Field(max_length=TAG_LENGTH)] | None
    ],
    Field(max_length=TAGS),
]  # None removes a tag


class Request(BaseModel):
    """What a client sends. Unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", defer_build=True)  # built at first use: keeps the command line quick


class WorkspaceRequest(Request):
    """A request about something in a workspace."""

    workspace: str = "default"


class View(BaseModel):
    """What a client is shown. Views may carry more fields than they declare: those of the user's own document."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Empty(View):
    """Nothing to say."""


class Body(StrEnum):
    """What travels besides JSON."""

    JSON = "json"
    STREAM_UP = "stream up"  # the request has a body of bytes, `request` travels in path and query
    STREAM_DOWN = "stream down"  # the answer is bytes
    BYTES = "bytes"  # the answer is bytes, made as a whole; the request is JSON
    EVENTS = "events"  # the answer is JSON lines, as they happen


Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True)
class Operation(Generic[Q, R]):
    """`name` is noun.verb; `path` is below /api and has `{field}` places; `permission` is asked of the caller."""

    name: str
    method: str
    path: str
    request: type[Q]
    response: type[R]
    permission: Permission
    summary: str
    body: Body = Body.JSON
    asks: bool = False  # a POST that changes nothing: its answer is made anew, not kept for a repeated request

    @property
    def path_fields(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)(?::\w+)?}", self.path))
