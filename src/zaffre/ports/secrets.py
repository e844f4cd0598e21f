"""What services ask of a keeper of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Vault(Protocol):
    """Turns credentials into bytes that may lie in a database, and back. The key lies elsewhere."""

    def encrypt(self, secret: Mapping[str, Any]) -> bytes:
        """Never the same twice."""

    def decrypt(self, sealed: bytes) -> dict[str, Any]:
        """Raises `Unavailable` when the key is another one."""
