"""Keys and tokens of an online endpoint: shown to those who may, and replaced one at a time."""

from __future__ import annotations

import secrets
import time

from zaffre.base.errors import InvalidRequest
from zaffre.core.endpoint_token import sign
from zaffre.services.context import Context
from zaffre.services.online_endpoints.create import KEY_BYTES
from zaffre.services.online_endpoints.view import KIND
from zaffre.store import endpoints as store
from zaffre.store.endpoints import EndpointRecord
from zaffre.wire.endpoints import EndpointRef
from zaffre.wire.online import Credentials, RegenerateKeys

TOKEN_S = 3600


def credentials(ctx: Context, request: EndpointRef) -> Credentials:
    """Both keys; where the endpoint is opened by tokens, a new one that holds for an hour."""
    with ctx.db.read() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
    return _shown(ctx, record)


def regenerate(ctx: Context, request: RegenerateKeys) -> Credentials:
    """The key is another one from now on."""
    with ctx.db.write() as connection:
        record = store.get(connection, request.workspace, KIND, request.name)
        if uses_tokens(record):
            raise InvalidRequest(
                f"endpoint {record.name} is opened by tokens, it has no keys",
                code="NoKeys",
                hint=f"zaffre online-endpoint get-credentials --name {record.name}",
            )
        keys = ctx.vault.decrypt(record.secret or b"")
        keys[request.key_type] = secrets.token_urlsafe(KEY_BYTES)
        store.change(connection, record, secret=ctx.vault.encrypt(keys))
        ctx.db.after_commit(ctx.changes.in_force)
    return _shown(ctx, record)


def uses_tokens(record: EndpointRecord) -> bool:
    return record.spec.get("auth_mode") in ("aml_token", "aad_token")


def _shown(ctx: Context, record: EndpointRecord) -> Credentials:
    keys = ctx.vault.decrypt(record.secret or b"")
    if not uses_tokens(record):
        return Credentials(primaryKey=keys["primary"], secondaryKey=keys["secondary"])
    ends = int(time.time()) + TOKEN_S
    token = sign(bytes.fromhex(keys["token_secret"]), f"{record.workspace}/{record.name}", ends)
    return Credentials(accessToken=token, expiryTimeUtc=ends)
