"""Who may score. Only hashes of keys are here; comparisons take the same time whatever is wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence


def key_hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def is_key(given: bytes, hashes: Sequence[bytes]) -> bool:
    """Whether `given` is one of the keys behind the hashes; every one is compared."""
    mine = hashlib.sha256(given).digest()
    found = False
    for one in hashes:
        found |= hmac.compare_digest(mine, one)
    return found


def sign(secret: bytes, endpoint: str, expires_at: int) -> str:
    """A token for one endpoint that ends at that moment, in seconds since 1970."""
    claims = json.dumps({"endpoint": endpoint, "exp": expires_at}).encode()
    mark = hmac.digest(secret, claims, "sha256")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (claims, mark))


def is_token(given: bytes, secret: bytes, endpoint: str) -> bool:
    """Whether it was signed for this endpoint and has not ended."""
    head, _, tail = given.partition(b".")
    try:
        claims = base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4))
        mark = base64.urlsafe_b64decode(tail + b"=" * (-len(tail) % 4))
    except ValueError:
        return False
    if not hmac.compare_digest(hmac.digest(secret, claims, "sha256"), mark):
        return False
    told = json.loads(claims)
    return bool(told["endpoint"] == endpoint and told["exp"] > time.time())
