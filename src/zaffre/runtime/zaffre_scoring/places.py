"""Which addresses belong to the scoring route of a container."""

from __future__ import annotations


def is_below(path: str, route: str) -> bool:
    """The route itself, what lies below it, and what is done to it (`/v1/models/m:predict`); not `/route-of-others`."""
    base = route.rstrip("/")
    return path in (route, base) or path.startswith((base + "/", base + ":"))
