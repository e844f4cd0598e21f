"""Rates and percentiles from counters at moments."""

from __future__ import annotations

from typing import Any

import pytest

from zaffre.core.rollout import Seen
from zaffre.core.traffic import BOUNDS_S, EVERY_S, KEPT, History, Moment, Span, between, spans


def told(requests: int, failed: int = 0, rejected: int = 0) -> dict[str, Any]:
    latency = [0] * (len(BOUNDS_S) + 1)
    latency[3] = requests  # between 5 and 10 ms
    return {"requests": requests, "failed": failed, "rejected": rejected, "latency": latency, "in_flight": 1,
            "waiting": 2, "ready": 3}  # fmt: skip


def test_moments_are_kept_every_two_seconds_and_only_the_last_ones() -> None:
    history = History()
    for at in range(KEPT + 20):
        history.add(1000 + at * EVERY_S, {"default/risk/blue": told(at)})
        history.add(1000.5 + at * EVERY_S, {"default/risk/blue": told(99_999)})
    found = history.of("default/risk/")["default/risk/blue"]
    assert len(found) == KEPT
    assert found[-1].seen.requests == KEPT + 19
    assert (found[-1].in_flight, found[-1].waiting, found[-1].workers) == (1, 2, 3)


def test_a_deployment_that_is_gone_is_forgotten_and_others_are_not_shown() -> None:
    history = History()
    history.add(10, {"default/risk/blue": told(1), "default/risky/blue": told(2)})
    assert list(history.of("default/risk/")) == ["default/risk/blue"]
    history.add(12, {"default/risky/blue": told(2)})
    assert history.of("default/risk/") == {}


def test_steps_without_knowledge_have_none() -> None:
    moments = [Moment(10.0, Seen.of(told(5))), Moment(12.0, Seen.of(told(9))), Moment(14.0, Seen.of(told(9)))]
    made = spans(moments, [5, 7, 9, 11, 13])
    assert [one and one.requests for one in made] == [None, None, 0, 4]
    assert [one and one.requests for one in spans(moments, [9, 13])] == [4], "the first piece is not lost"


def test_a_gateway_that_was_started_anew_counts_from_zero() -> None:
    start, end = Moment(1, Seen.of(told(50)), rejected=7), Moment(3, Seen.of(told(4)), rejected=2)
    assert (between(start, end).requests, between(start, end).rejected) == (4, 2)


def test_percentiles_are_estimated_inside_of_their_bucket() -> None:
    latency = [0] * (len(BOUNDS_S) + 1)
    assert Span(0, 0, 0, tuple(latency)).percentile(0.5) is None
    latency[2], latency[3] = 50, 50  # 2.5 to 5 ms, 5 to 10 ms
    span = Span(100, 0, 0, tuple(latency))
    assert span.percentile(0.5) == pytest.approx(0.005)
    assert span.percentile(0.75) == pytest.approx(0.0075)
    latency[-1] = 900  # above every bound: nothing more is known than that
    assert Span(1000, 0, 0, tuple(latency)).percentile(0.99) == BOUNDS_S[-1]
