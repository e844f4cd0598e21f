"""Circles among steps."""

from __future__ import annotations

from collections.abc import Mapping


def cycle(needs: Mapping[str, set[str]]) -> list[str] | None:
    """The names of one circle in the order of the data (each feeds the next), or None. Linear, without recursion."""
    left = {name: {other for other in others if other in needs} for name, others in needs.items()}
    feeds: dict[str, list[str]] = {}
    for name, others in left.items():
        for other in others:
            feeds.setdefault(other, []).append(name)
    ready = [name for name, others in left.items() if not others]
    while ready:
        done = ready.pop()
        left.pop(done)
        for follower in feeds.get(done, ()):
            left[follower].discard(done)
            if not left[follower]:
                ready.append(follower)
    if not left:
        return None
    path: dict[str, None] = {}
    name = next(iter(left))  # each step left needs another one left: following needs must come back
    while name not in path:
        path[name] = None
        name = min(left[name])
    ring = list(path)[list(path).index(name) :]
    ring.reverse()
    start = ring.index(min(ring))
    return ring[start:] + ring[:start]
