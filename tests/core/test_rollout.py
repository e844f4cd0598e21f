"""When a deployment goes back, and how many workers a load needs."""

from __future__ import annotations

import pytest

from zaffre.core.rollout import Seen, workers_wanted, worse

BOUNDS = (0.01, 0.1, 1.0)


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (Seen(4, 4), Seen(100, 0), None),
        (Seen(5, 5), Seen(100, 0), "all of its first 5"),
        (Seen(5, 5), Seen(100, 100), None),
        (Seen(100, 9), Seen(100, 0), None),
        (Seen(100, 15), Seen(100, 0), "15% of 100"),
        (Seen(100, 15), Seen(100, 10), None),
        (Seen(60, 0, (0, 0, 60, 0)), Seen(60, 0, (60, 0, 0, 0)), "95th percentile"),
        (Seen(60, 0, (0, 60, 0, 0)), Seen(60, 0, (60, 0, 0, 0)), None),
        (Seen(60, 0, (0, 0, 60, 0)), Seen(10, 0, (10, 0, 0, 0)), None),
    ],
)
def test_what_is_worse(now: Seen, before: Seen, words: str | None) -> None:
    found = worse(now, before, BOUNDS)
    assert found is None if words is None else words in str(found)


def test_a_gateway_that_began_anew_counts_from_zero() -> None:
    assert Seen(3, 1, (3, 0)).since(Seen(10, 0, (10, 0))) == Seen(3, 1, (3, 0))
    assert Seen(13, 1, (12, 1)).since(Seen(10, 0, (10, 0))) == Seen(3, 1, (2, 1))


@pytest.mark.parametrize(
    ("load", "idle", "scale", "wanted"),
    [
        (0, 1e9, (2, 2), 2),
        (0, 5, (0, 4), 1),
        (0, 31, (0, 4), 0),
        (0.1, 31, (0, 4), 1),
        (7, 0, (1, 4), 4),
        (1.4, 0, (1, 4), 2),
        (100, 0, (1, 4), 4),
    ],
)
def test_workers_follow_the_requests_at_once(load: float, idle: float, scale: tuple[int, int], wanted: int) -> None:
    settings = {"min": scale[0], "max": scale[1], "target": 0.7, "idle_s": 30}
    assert workers_wanted(load, 1, settings, idle) == wanted
