"""Saved views in the database. A change is guarded by the version that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, NotFound
from zaffre.store.tables.views import views

V = views.c


@dataclass(frozen=True)
class ViewRecord:
    """One view as remembered; the columns of the table `views`."""

    id: str
    workspace: str
    page: str
    name: str
    query: str
    owner: str
    shared: bool
    default_for: str | None
    version: int
    created_at: int
    changed_at: int


COLUMNS = tuple(V[item.name] for item in fields(ViewRecord))


def audience(page: str, owner: str, shared: bool) -> str:
    """Whom a default is for: everybody, or its owner."""
    return f"shared:{page}" if shared else f"own:{page}:{owner}"


def insert(connection: Connection, record: ViewRecord) -> None:
    """A default takes the place of the former one."""
    _clear_default(connection, record.workspace, record.default_for, record.id)
    connection.execute(views.insert(), asdict(record))


def get(connection: Connection, workspace: str, id_: str, reader: str) -> ViewRecord:
    """Raises `NotFound`, also for a private one of somebody else."""
    seen = or_(V.shared.is_(True), V.owner == reader)
    row = connection.execute(select(*COLUMNS).where(V.workspace == workspace, V.id == id_, seen)).first()
    if row is None:
        raise NotFound(f"there is no view {id_:.40} in workspace {workspace}", code="ViewNotFound")
    return ViewRecord(*row)


def visible(connection: Connection, workspace: str, reader: str, page: str | None) -> list[ViewRecord]:
    """One's own and the shared ones, by name."""
    where = [V.workspace == workspace, or_(V.shared.is_(True), V.owner == reader)]
    if page is not None:
        where.append(V.page == page)
    return [ViewRecord(*row) for row in connection.execute(select(*COLUMNS).where(*where).order_by(V.name, V.id))]


def change(connection: Connection, record: ViewRecord, version: int, values: Mapping[str, Any]) -> None:
    """Raises `Conflict` when it is no longer that version."""
    _clear_default(connection, record.workspace, values.get("default_for"), record.id)
    statement = update(views).where(V.id == record.id, V.version == version)
    if not connection.execute(statement.values(**values, version=version + 1, changed_at=now_ms())).rowcount:
        raise changed(record)


def remove(connection: Connection, record: ViewRecord, version: int | None) -> None:
    """Raises `Conflict` when a version is given and it is another one now."""
    where = [V.id == record.id] + ([V.version == version] if version is not None else [])
    if not connection.execute(delete(views).where(*where)).rowcount:
        raise changed(record)


def changed(record: ViewRecord) -> Conflict:
    return Conflict(
        f"somebody changed the view {record.name!r} meanwhile: it is version {record.version} now",
        code="ViewChanged",
        hint="load it again, then make the change once more",
    )


def _clear_default(connection: Connection, workspace: str, default_for: str | None, but: str) -> None:
    if default_for is not None:
        former = update(views).where(V.workspace == workspace, V.default_for == default_for, V.id != but)
        connection.execute(former.values(default_for=None))
