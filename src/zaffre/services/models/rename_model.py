"""Give a registered model another name."""

from __future__ import annotations

from zaffre.base.errors import Conflict
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.models.in_use import refuse_if_used
from zaffre.services.models.registered_model import checked_name
from zaffre.store import assets, model_rename, registered_models
from zaffre.store.registered_models import RegisteredModel


def rename_registered_model(context: Context, workspace: str, name: str, new_name: str) -> RegisteredModel:
    """Its versions, aliases and lineage go with it. Addresses with the former name lead nowhere from then on.

    Raises `NotFound`, or `Conflict` when the new name is taken or something uses a version.
    """
    checked_name(new_name)
    with context.db.write() as connection:
        model = registered_models.get(connection, workspace, name)
        if new_name == name:
            return model
        if model_rename.is_taken(connection, workspace, new_name):
            raise Conflict(
                f"Registered Model (name={new_name}) already exists", code="ModelExists", hint="choose another name"
            )
        for record in assets.versions(connection, workspace, registered_models.KIND, name):
            refuse_if_used(connection, record)
        model_rename.rename(context.db, connection, workspace, name, new_name)
        for one in (name, new_name):  # the trail itself never changes: it is told under both names
            remember(context, connection, workspace, registered_models.KIND, one, "rename",
                     before={"name": name}, after={"name": new_name})  # fmt: skip
        return registered_models.get(connection, workspace, new_name)
