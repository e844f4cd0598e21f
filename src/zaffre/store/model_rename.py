"""Give a registered model another name, wherever the database knows it by the former one."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from zaffre.base.clock import now_ms
from zaffre.store import registered_models as models
from zaffre.store.db import Database
from zaffre.store.registered_models import KIND
from zaffre.store.tables.assets import asset_labels, asset_versions, lineage, registered_models
from zaffre.store.tables.audit import approvals, promotion_rules

R, V, L, E = registered_models.c, asset_versions.c, asset_labels.c, lineage.c
A, P = approvals.c, promotion_rules.c


def is_taken(connection: Connection, workspace: str, name: str) -> bool:
    """Whether a model has this name, be it only by archived versions."""
    said = select(R.name).where(R.workspace == workspace, R.name == name)
    made = select(V.id).where(V.workspace == workspace, V.kind == KIND, V.name == name).limit(1)
    return connection.execute(said).first() is not None or connection.execute(made).first() is not None


def rename(db: Database, connection: Connection, workspace: str, old: str, new: str) -> None:
    """Versions, aliases with their rules, approvals and lineage go with it. The new name must be free."""
    models.change(db, connection, workspace, old, {})  # there is a row of it from now on
    connection.execute(
        update(registered_models).where(R.workspace == workspace, R.name == old).values(name=new, changed_at=now_ms())
    )
    versions = select(V.id, V.spec).where(V.workspace == workspace, V.kind == KIND, V.name == old)
    for id_, spec in connection.execute(versions).all():
        connection.execute(update(asset_versions).where(V.id == id_).values(name=new, spec={**spec, "name": new}))
    connection.execute(
        update(asset_labels).where(L.workspace == workspace, L.kind == KIND, L.name == old).values(name=new)
    )
    connection.execute(delete(promotion_rules).where(P.workspace == workspace, P.name == new))
    connection.execute(update(promotion_rules).where(P.workspace == workspace, P.name == old).values(name=new))
    connection.execute(
        update(approvals).where(A.workspace == workspace, A.noun == KIND, A.name == old).values(name=new)
    )
    begins = func.substr(E.ref, 1, len(old) + 1) == f"{old}:"
    connection.execute(
        update(lineage)
        .where(E.workspace == workspace, E.kind == KIND, begins)
        .values(ref=f"{new}:" + func.substr(E.ref, len(old) + 2))
    )
