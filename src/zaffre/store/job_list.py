"""Lists of jobs: pages of them, and where the steps of a pipeline stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, select
from sqlalchemy.sql.elements import ColumnElement

from zaffre.store.jobs import COLUMNS, JobRecord, record_of
from zaffre.store.tables.jobs import jobs
from zaffre.store.tables.tracking import tags as tag_table


def page(
    connection: Connection,
    workspace: str,
    *,
    parent_id: int | None = None,
    archived: bool | None = False,
    status: str | None = None,
    experiment_id: int | None = None,
    tag: tuple[str, str | None] | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[JobRecord]:
    """Newest first; children of a parent oldest first, which is the order in which they became ready."""
    where: list[ColumnElement[bool]] = [jobs.c.workspace == workspace]
    where.append(jobs.c.parent_id == parent_id if parent_id else jobs.c.parent_id.is_(None))
    if archived is not None and not parent_id:
        where.append(jobs.c.archived.is_(archived))
    if status:
        where.append(jobs.c.status == status)
    if experiment_id:
        where.append(jobs.c.experiment_id == experiment_id)
    if tag:
        key, value = tag
        held = and_(tag_table.c.job_id == jobs.c.id, tag_table.c.key == key)
        where.append(
            select(tag_table.c.key).where(held if value is None else and_(held, tag_table.c.value == value)).exists()
        )
    if before:
        where.append(jobs.c.id > before if parent_id else jobs.c.id < before)
    order = jobs.c.id if parent_id else jobs.c.id.desc()
    return [record_of(row) for row in connection.execute(select(*COLUMNS).where(*where).order_by(order).limit(limit))]


def step_states(connection: Connection, parent_id: int) -> Sequence[Any]:
    """Where the jobs right below a parent stand, without their documents."""
    c = jobs.c
    query = select(c.name, c.node, c.type, c.status, c.reason, c.created_at, c.started_at, c.ended_at, c.reused_from,
                   c.saved_s, c.attempt, c.error)  # fmt: skip
    return connection.execute(query.where(c.parent_id == parent_id).order_by(c.id)).all()
