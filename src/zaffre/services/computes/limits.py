"""How many steps a compute may run at once."""

from __future__ import annotations

from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.store import resources

_memory: dict[tuple[int, str, str], int | None] = {}


def instances(ctx: Context, workspace: str, name: str) -> int | None:
    """`max_instances` of a cluster; None for the machine itself, which is bounded by its processors only."""
    if name == "local":
        return None
    place = (id(ctx.db), workspace, name)
    if place not in _memory:
        try:
            with ctx.db.read() as connection:
                spec, _ = resources.get(connection, workspace, "compute", name)
        except NotFound:
            return None  # deleted while steps wait for it: they run on the machine
        _memory[place] = int(spec.get("max_instances") or 1) if spec.get("type") == "amlcompute" else 1
    return _memory[place]


def forget(ctx: Context, workspace: str, name: str) -> None:
    """A compute was changed."""
    _memory.pop((id(ctx.db), workspace, name), None)
