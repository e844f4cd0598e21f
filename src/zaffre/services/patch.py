"""Merge patches of documents (RFC 7396): nested mappings are merged, None takes a field away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def merged(document: Mapping[str, Any], changes: Mapping[str, Any], whole: Collection[str] = ()) -> dict[str, Any]:
    """A new mapping. Fields named in `whole` are replaced, not merged."""
    result = dict(document)
    for key, value in changes.items():
        former = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(former, Mapping) and key not in whole:
            result[key] = merged(former, value)
        else:
            result[key] = value
    return result
