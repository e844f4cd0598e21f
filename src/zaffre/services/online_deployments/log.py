"""What a deployment printed: the building of its environment, and all of its workers in one log."""

from __future__ import annotations

from zaffre.plugins.logs import read as reader
from zaffre.services.context import Context, Feed
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.wire.online import ReadDeploymentLog

CHUNK = 1 << 18
POLL_S = 0.15
TOPIC = 0  # nobody tells: workers write the log themselves


def read_log(ctx: Context, request: ReadDeploymentLog) -> Feed[bytes]:
    """Raises `NotFound`; a log that is not there yet is empty."""
    with ctx.db.read() as connection:
        store.get_deployment(connection, request.workspace, KIND, request.endpoint, request.name)
    path = ctx.home.deployment(request.workspace, request.endpoint, request.name) / "log.txt"
    offset = request.offset
    first = reader.tail_lines(path, request.tail_lines) if request.tail_lines is not None else None

    def step() -> tuple[list[bytes], bool]:
        nonlocal offset, first
        piece, first = first or reader.read(path, offset, CHUNK), None
        offset = piece.next_offset
        return ([piece.data] if piece.data else []), not request.follow and not piece.data

    return Feed(TOPIC, step, POLL_S)
