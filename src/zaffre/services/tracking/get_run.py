"""Show a run with all it logged."""

from __future__ import annotations

from zaffre.services.context import Context
from zaffre.services.tracking.run import Run, load
from zaffre.store import runs


def get_run(context: Context, workspace: str, name: str) -> Run:
    """Raises `NotFound`."""
    with context.db.read() as connection:
        return load(connection, workspace, [runs.get(connection, workspace, name)])[0]
