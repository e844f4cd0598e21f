"""Content on the wire: ask what is missing, send only that, then name the tree."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zaffre.core.permissions import Permission
from zaffre.wire.operation import NUMBER, Body, Operation, View, WorkspaceRequest


class TreeEntry(View):
    path: str
    size: int = Field(ge=0, le=NUMBER)
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    executable: bool = False


class AskMissing(WorkspaceRequest):
    hashes: list[str]


class Missing(View):
    hashes: list[str]


class Upload(WorkspaceRequest):
    """The body is frames: 32 bytes BLAKE3, 8 bytes big-endian size, content."""


class Uploaded(View):
    objects: int


class PutTree(WorkspaceRequest):
    entries: list[TreeEntry]


class Tree(View):
    root: str
    files: int
    size: int


MISSING = Operation("content.missing", "POST", "/workspaces/{workspace}/content:missing", AskMissing, Missing,
                    Permission.CONTENT_WRITE, "Which of these are not here yet?", asks=True)  # fmt: skip
UPLOAD = Operation("content.upload", "POST", "/workspaces/{workspace}/content", Upload, Uploaded,
                   Permission.CONTENT_WRITE, "Send content", Body.STREAM_UP)  # fmt: skip
PUT_TREE = Operation("content.tree", "POST", "/workspaces/{workspace}/content/trees", PutTree, Tree,
                     Permission.CONTENT_WRITE, "Make a tree of content that is here")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (MISSING, UPLOAD, PUT_TREE)
