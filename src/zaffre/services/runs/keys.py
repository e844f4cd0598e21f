"""Which metrics, parameters and tags there are: for pickers and completion."""

from __future__ import annotations

from zaffre.services import cursors
from zaffre.services.context import Context
from zaffre.services.runs.choice import experiment_id
from zaffre.store import run_keys
from zaffre.store.resources import get_workspace
from zaffre.wire.runs import KeyList, ListKeys, RunKey


def keys(ctx: Context, request: ListKeys) -> KeyList:
    """By name; a key that is a metric and a parameter comes twice. Raises `NotFound` for an unknown experiment."""
    digest = cursors.digest_of(request.model_dump(exclude={"cursor", "max_results"}))
    after = cursors.read(request.cursor, digest, ("text", "text"))[1] if request.cursor else None
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        experiment = (
            experiment_id(connection, request.workspace, request.experiment_name) if request.experiment_name else None
        )
        found = run_keys.search(
            connection,
            ctx.db.is_sqlite,
            request.workspace,
            prefix=request.prefix,
            kind=request.kind,
            experiment_id=experiment,
            after=after,
            limit=request.max_results + 1,
        )
    shown, more = found[: request.max_results], len(found) > request.max_results
    return KeyList(
        items=[RunKey(kind=key.kind, key=key.key, runs=key.runs, min=key.least, max=key.most) for key in shown],
        cursor=cursors.write(digest, 0, (shown[-1].key, shown[-1].kind)) if more else None,
    )
