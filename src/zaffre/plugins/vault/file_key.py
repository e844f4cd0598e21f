"""A vault whose key is a file of the home folder (mode 0600), beside the database and not in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.base.errors import Unavailable

KEY_BYTES = 32


def key_of(path: Path) -> bytes:
    """The key in the file, made at the first call. Two processes that make it at once end with the same one."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    staged = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(staged, path)
    except FileExistsError:
        pass
    finally:
        staged.unlink()
    return path.read_bytes()


class FileKeyVault:
    """Fernet (AES-128-CBC with HMAC-SHA256) under a key derived from the home's."""

    def __init__(self, key: bytes) -> None:
        self._key = base64.urlsafe_b64encode(hashlib.sha256(b"zaffre vault" + key).digest())

    def encrypt(self, secret: Mapping[str, Any]) -> bytes:
        from cryptography.fernet import Fernet

        return Fernet(self._key).encrypt(json.dumps(dict(secret)).encode())

    def decrypt(self, sealed: bytes) -> dict[str, Any]:
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return dict(json.loads(Fernet(self._key).decrypt(sealed)))
        except InvalidToken:
            raise Unavailable(
                "credentials were sealed with another key",
                code="WrongKey",
                hint="bring back the file `key` of the home folder, or create the datastore anew",
            ) from None
