"""The identity of an environment: the same content is the same key, whatever names it goes by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

FORMAT = 1  # of the built folder; a change makes every environment a new one


def environment_key(
    python: str,
    interpreter: str,
    interpreter_version: str,
    requirements: Sequence[str],
    constraints: Sequence[str],
    exclude_newer: str | None,
) -> str:
    """32 hex digits over what decides the content."""
    content = {
        "constraints": sorted(set(constraints)),
        "exclude_newer": exclude_newer,
        "format": FORMAT,
        "interpreter": [interpreter, interpreter_version],
        "python": python,
        "requirements": sorted(set(requirements)),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
