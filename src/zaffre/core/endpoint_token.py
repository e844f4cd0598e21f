"""Tokens of online endpoints: what they are for and when they end, signed."""

from __future__ import annotations

import base64
import hmac
import json
import time


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
