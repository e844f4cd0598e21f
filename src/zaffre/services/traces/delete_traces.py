"""Delete traces with all that belongs to them: they are lost then."""

from __future__ import annotations

from collections.abc import Sequence

from zaffre.base.confine import remove
from zaffre.base.errors import NotFound
from zaffre.services.context import Context
from zaffre.services.tracking.artifacts import ARTIFACT_STORE, TRACES
from zaffre.services.tracking.experiment import resolve
from zaffre.services.tracking.values import wrong
from zaffre.store import traces


def delete_traces(
    context: Context,
    workspace: str,
    experiment_id: str,
    *,
    names: Sequence[str] | None = None,
    until: int | None = None,
    most: int | None = None,
) -> int:
    """Those of these names, or the `most` oldest that began until a time in milliseconds. Returns how many."""
    if (until is None) == (not names):
        raise wrong("Either `max_timestamp_millis` or `request_ids` must be specified, but not both.")
    if names and most is not None:
        raise wrong("`max_traces` can't be specified if `request_ids` is specified.")
    if most is not None and most <= 0:
        raise wrong(f"`max_traces` must be a positive integer, received {most}.")
    with context.db.write() as connection:
        experiment = resolve(context, connection, workspace, experiment_id)
        found = traces.select_to_delete(
            connection, workspace, experiment.id, names=names or None, until=until, most=most
        )
        traces.remove(connection, [id_ for id_, _ in found])
    for _, name in found:
        try:
            remove(context.home.store(workspace, ARTIFACT_STORE), (TRACES, name))
        except NotFound:
            continue  # its spans were in the database
    return len(found)
