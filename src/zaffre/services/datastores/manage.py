"""Datastores: create, list, show, update, delete. Credentials are stored encrypted and never shown."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import Connection

from zaffre.base.errors import Conflict, InvalidRequest, NotFound
from zaffre.services import places
from zaffre.services.context import Context
from zaffre.spec.document import dump, parse
from zaffre.store import resources
from zaffre.store.resources import get_workspace
from zaffre.wire.operation import Empty, WorkspaceRequest
from zaffre.wire.resources import PutResource, ResourceList, ResourceRef, ResourceView, UpdateResource

KIND = "datastore"
ADDRESS = ("type", "account_name", "endpoint", "protocol", "url")  # whom credentials are shown to


def create(ctx: Context, request: PutResource) -> ResourceView:
    return _put(ctx, request.workspace, dump(parse(request.spec, kind=KIND).spec))


def show(ctx: Context, request: ResourceRef) -> ResourceView:
    spec = places.datastore(ctx, request.workspace, request.name)
    return _view({key: item for key, item in spec.items() if key != "credentials"})


def list_datastores(ctx: Context, request: WorkspaceRequest) -> ResourceList:
    with ctx.db.read() as connection:
        get_workspace(connection, request.workspace)
        own = resources.every(connection, request.workspace, KIND)
    built_in = [places.datastore(ctx, request.workspace, name) for name in places.BUILT_IN]
    return ResourceList(items=[_view(spec) for spec in [*built_in, *own]])


def update(ctx: Context, request: UpdateResource) -> ResourceView:
    with ctx.db.read() as connection:
        spec, _ = resources.get(connection, request.workspace, KIND, request.name)
    return _put(ctx, request.workspace, dump(parse({**spec, **request.changes, "name": request.name}, kind=KIND).spec))


def delete(ctx: Context, request: ResourceRef) -> Empty:
    if request.name in places.BUILT_IN:
        raise Conflict(f"datastore {request.name} is built in", code="DatastoreBuiltIn")
    with ctx.db.write() as connection:
        resources.remove(connection, request.workspace, KIND, request.name)
    return Empty()


def _put(ctx: Context, workspace: str, spec: dict[str, Any]) -> ResourceView:
    if spec["name"] in places.BUILT_IN:
        raise Conflict(f"datastore {spec['name']} is built in", code="DatastoreBuiltIn", hint="choose another name")
    credentials = spec.pop("credentials", None)
    secret = ctx.vault.encrypt(credentials) if credentials else None
    with ctx.db.write() as connection:
        get_workspace(connection, workspace)
        if secret is None:
            _refuse_to_follow(connection, workspace, spec)
        resources.put(ctx.db, connection, workspace, KIND, spec["name"], spec, secret)
    return _view(spec)


def _refuse_to_follow(connection: Connection, workspace: str, spec: dict[str, Any]) -> None:
    """Credentials that are kept are sent to where they were given for, and nowhere else."""
    with contextlib.suppress(NotFound):
        before, secret = resources.get(connection, workspace, KIND, spec["name"])
        if secret and any(before.get(key) != spec.get(key) for key in ADDRESS):
            raise InvalidRequest(
                f"datastore {spec['name']} gets another address: its credentials have to be given again",
                code="CredentialsMissing",
            )


def _view(spec: dict[str, Any]) -> ResourceView:
    return ResourceView(**spec)
