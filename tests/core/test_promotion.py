"""REL-19 as a pure rule: worse, equal, better; another test set; nothing measured; not approved."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from zaffre.core.approval import TRANSITIONS, Approval, may_become
from zaffre.core.promotion import Candidate, Goal, HeldOut, Measured, Rule, judge

TEST = HeldOut("held-out:1", "aa")
MOVED = HeldOut("held-out:2", "bb")


def version(number: str, *values: float, data: HeldOut = TEST, approval: Approval = Approval.NONE) -> Candidate:
    return Candidate(number, [Measured(value, data, f"job{number}") for value in values], approval)


@pytest.mark.parametrize(
    ("old", "new", "goal", "delta", "outcome"),
    [
        (0.8, 0.9, "maximize", 0.0, "Better"),
        (0.8, 0.8, "maximize", 0.0, "Equal"),
        (0.8, 0.7, "maximize", 0.0, "Worse"),
        (0.8, 0.7, "minimize", 0.0, "Better"),
        (0.8, 0.9, "minimize", 0.0, "Worse"),
        (10.0, 11.0, "maximize", 1.0, "WithinMargin"),
        (10.0, 11.5, "maximize", 1.0, "Better"),
        (0.8, math.nan, "maximize", 0.0, "NotANumber"),
        (0.8, math.inf, "maximize", 0.0, "NotANumber"),
        (math.nan, 0.1, "maximize", 0.0, "Better"),
    ],
)
def test_rel_19_only_a_better_one_moves_the_alias(
    old: float, new: float, goal: Any, delta: float, outcome: str
) -> None:
    verdict = judge(Rule("auc", Goal(goal), delta), version("2", new), version("1", old), TEST)
    assert verdict.outcome == outcome
    assert verdict.moves is (outcome == "Better")
    assert "2" in verdict.reason


def test_rel_19_another_test_set_is_no_comparison() -> None:
    verdict = judge(Rule("auc"), version("2", 0.99, data=MOVED), version("1", 0.5), None)
    assert (verdict.moves, verdict.outcome) == (False, "OtherData")
    assert "held-out:2" in verdict.reason
    assert "held-out:1" in verdict.reason
    # The same content under another name is the same data.
    same = HeldOut("copy:7", "aa")
    assert judge(Rule("auc"), version("2", 0.9, data=same), version("1", 0.5), None).moves
    # Without fingerprints only the same version is.
    bare = judge(Rule("auc"), version("2", 0.9, data=HeldOut("t:2")), version("1", 0.5, data=HeldOut("t:1")), None)
    assert bare.outcome == "OtherData"


def test_what_was_not_measured_is_not_promoted() -> None:
    assert judge(Rule("auc"), version("2"), None, TEST).outcome == "NotMeasured"
    assert judge(Rule("auc"), version("2", 0.9, data=MOVED), None, TEST).outcome == "NotMeasured"
    assert judge(Rule("auc"), version("2", 0.9), version("1"), TEST).outcome == "ChampionNotMeasured"
    assert judge(Rule("auc"), version("2", 0.1, 0.9), version("1", 0.5), TEST).moves, "the later measurement counts"
    assert judge(Rule("auc"), version("1", 0.9), version("1", 0.9), TEST).outcome == "AlreadyThere"
    assert judge(Rule("auc"), version("1", 0.9), None, TEST).outcome == "First"


def test_approval_is_heeded() -> None:
    rejected = version("2", 0.9, approval=Approval.REJECTED)
    assert judge(Rule("auc"), rejected, version("1", 0.5), TEST).outcome == "Rejected"
    strict = Rule("auc", require_approval=True)
    assert judge(strict, version("2", 0.9), version("1", 0.5), TEST).outcome == "NotApproved"
    assert judge(strict, version("2", 0.9, approval=Approval.APPROVED), version("1", 0.5), TEST).moves


def test_the_table_of_approvals_is_whole() -> None:
    assert set(TRANSITIONS) == set(Approval)
    for former, state in itertools.product(Approval, Approval):
        assert may_become(former, state) is (state in TRANSITIONS[former])
    assert not may_become(Approval.REJECTED, Approval.APPROVED)
