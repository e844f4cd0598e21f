"""Do a request once, however often a client that lost the answer sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blake3 import blake3
from pydantic import BaseModel

from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, InvalidRequest, Unavailable
from zaffre.base.limits import NAME_LENGTH
from zaffre.services.context import Context
from zaffre.store import requests

LOST_MS = 60_000  # so long a request may be under way; after that its server died over it


def once(ctx: Context, key: str, operation: str, request: BaseModel, call: Callable[[Context, Any], BaseModel]) -> str:
    """The answer as JSON: of `call`, or the one given before under the same key.

    Raises `Conflict` for a key that stood for another request, `Unavailable` while the first one is under way. A server
    that died between doing and answering has forgotten the key: a job's name, which its client made, then tells.
    """
    if len(key) > NAME_LENGTH // 2:
        raise InvalidRequest(f"an Idempotency-Key has at most {NAME_LENGTH // 2} characters")
    mine = f"{ctx.principal.name[: NAME_LENGTH // 2 - 1]}:{key}"
    digest = blake3(f"{operation}\n{request.model_dump_json()}".encode()).hexdigest()
    with ctx.db.write() as connection:
        if not requests.begin(ctx.db, connection, mine, digest):
            known, answer, since = requests.find(connection, mine) or (digest, None, 0)
            if known != digest:
                raise Conflict("this Idempotency-Key was used for another request", code="IdempotencyKeyReused")
            if answer is not None:
                return answer
            if now_ms() - since < LOST_MS:
                raise Unavailable("the same request is under way", code="RequestUnderWay", hint="try again in a moment")
    try:
        made = call(ctx, request).model_dump_json(exclude_none=True)
    except BaseException:
        with ctx.db.write() as connection:
            requests.forget(connection, mine)
        raise
    with ctx.db.write() as connection:
        requests.end(connection, mine, made)
    return made
