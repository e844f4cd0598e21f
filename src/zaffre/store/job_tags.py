"""The tags of jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select

from zaffre.store.db import Database
from zaffre.store.run_key_counts import uncount
from zaffre.store.tables.tracking import tags as tag_table


def tags_of(
    connection: Connection, ids: Sequence[int], keys: Collection[str] | None = None
) -> dict[int, dict[str, str]]:
    """The tags of these jobs: all of them, or some `keys`."""
    found: dict[int, dict[str, str]] = {}
    if keys is not None and not keys:
        return found
    for start in range(0, len(ids), 500):
        query = select(tag_table.c.job_id, tag_table.c.key, tag_table.c.value)
        if keys is not None:
            query = query.where(tag_table.c.key.in_(keys))
        for job, key, value in connection.execute(query.where(tag_table.c.job_id.in_(ids[start : start + 500]))):
            found.setdefault(job, {})[key] = value
    return found


def set_tags(db: Database, connection: Connection, job_id: int, values: Mapping[str, str | None]) -> None:
    """None removes a tag."""
    if values:
        uncount(connection, [job_id])
    for key, value in values.items():
        if value is None:
            connection.execute(delete(tag_table).where(tag_table.c.job_id == job_id, tag_table.c.key == key))
        else:
            statement = db.insert(tag_table).values(job_id=job_id, key=key, value=value)
            statement = statement.on_conflict_do_update(index_elements=["job_id", "key"], set_={"value": value})
            connection.execute(statement)
