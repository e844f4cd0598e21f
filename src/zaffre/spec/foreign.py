"""YAML that was not written for Zaffre, such as the MLmodel or the conda file of a model: read warily, or not at all.

Whoever may log a model writes it. A few hundred bytes with aliases can stand for more values than fit into memory, and
a tag, a date or a key that is a list makes values that no database takes.
"""

from __future__ import annotations

from typing import Any

import orjson
from yaml.error import YAMLError

from zaffre.base.errors import SpecError
from zaffre.spec.yaml import build

BYTES = 4 * 2**20  # the largest MLmodel seen, of 5,000 columns with an example, has 0.6 MB
NODES = 100_000


def foreign(text: bytes) -> dict[str, Any]:
    """The mapping in it, of values that JSON has; nothing for what is no mapping, is too large or is broken."""
    if len(text) > BYTES:
        return {}
    try:
        plain = orjson.dumps(build(text.decode(), None, NODES))
    except (YAMLError, SpecError, UnicodeDecodeError, TypeError):
        return {}
    if b"\\u0000" in plain:
        return {}
    found = orjson.loads(plain)
    return found if isinstance(found, dict) else {}
