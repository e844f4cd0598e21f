"""Point aliases of a model to versions. One that has a promotion rule moves by its rule, or by force with a reason."""

from __future__ import annotations

from sqlalchemy import Connection

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core.alias import check_alias
from zaffre.services.assets.view import views
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.store import assets, promotion_rules, registered_models
from zaffre.store.assets import AssetRecord
from zaffre.wire.assets import AssetView
from zaffre.wire.models import DeleteAlias, SetAlias
from zaffre.wire.operation import Empty

KIND = registered_models.KIND


def set_alias(ctx: Context, request: SetAlias) -> AssetView:
    """Raises `NotFound`, or `Conflict` when the alias has a rule and is not forced."""
    _need_reason(request)
    with ctx.db.write() as connection:
        record = assets.get(connection, request.workspace, KIND, request.name, request.version)
        point(ctx, connection, record, request.alias, reason=request.reason, force=request.force)
        return views(connection, [record])[0]


def delete_alias(ctx: Context, request: DeleteAlias) -> Empty:
    """An alias that is not there is fine. Its promotion rule goes with it, which must be forced."""
    _need_reason(request)
    with ctx.db.write() as connection:
        remove(ctx, connection, request.workspace, request.name, request.alias, request.reason, force=request.force)
    return Empty()


def point(
    ctx: Context,
    connection: Connection,
    record: AssetRecord,
    alias: str,
    *,
    action: str = "set-alias",
    reason: str | None = None,
    force: bool = False,
) -> None:
    """The alias points to this version from now on; in the transaction of whoever calls. Raises as `set_alias`."""
    check_alias(alias)
    former = version_of(connection, record.workspace, record.name, alias)
    if former == record.version:
        return
    if action == "set-alias" and not force:
        _unruled(connection, record.workspace, record.name, alias, record.version)
    assets.set_label(ctx.db, connection, record, alias)
    remember(
        ctx, connection, record.workspace, KIND, record.name, action, version=record.version,
        before={"alias": alias, "version": former}, after={"alias": alias, "version": record.version}, reason=reason,
    )  # fmt: skip


def remove(
    ctx: Context, connection: Connection, workspace: str, name: str, alias: str, reason: str | None, *, force: bool
) -> None:
    registered_models.get(connection, workspace, name)
    former = version_of(connection, workspace, name, alias)
    if not force:
        _unruled(connection, workspace, name, alias, former or "V")
    promotion_rules.remove(connection, workspace, name, alias)
    if former is None:
        return
    registered_models.remove_alias(connection, workspace, name, alias)
    remember(
        ctx, connection, workspace, KIND, name, "delete-alias", version=former,
        before={"alias": alias, "version": former}, reason=reason,
    )  # fmt: skip


def version_of(connection: Connection, workspace: str, name: str, alias: str) -> str | None:
    """What an alias points to now."""
    return registered_models.aliases_of(connection, workspace, name).get(alias)


def _unruled(connection: Connection, workspace: str, name: str, alias: str, version: str) -> None:
    if promotion_rules.get(connection, workspace, name, alias, lock=True):
        raise Conflict(
            f"alias {alias} of model {name} moves only to a better version: it has a promotion rule",
            code="AliasRuled",
            hint=f"zaffre model promote {name} --version {version} --alias {alias}, "
            'or zaffre model alias set ... --force --reason "..."',
        )


def _need_reason(request: SetAlias | DeleteAlias) -> None:
    if request.force and not (request.reason or "").strip():
        raise InvalidRequest("--force needs a reason: it is remembered", code="ReasonMissing", hint='--reason "..."')
