"""May an alias such as `champion` move to another version? Only to a better one, on the same held-out data.

Better means: the same metric, measured on the same data, further in the direction of the goal than the present version
by more than the margin. Everything else keeps the present one, and says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from zaffre.core.approval import Approval


class Goal(StrEnum):
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


@dataclass(frozen=True)
class Rule:
    """`min_delta` is in the unit of the metric: the challenger must be better by more than this."""

    metric: str
    goal: Goal = Goal.MAXIMIZE
    min_delta: float = 0.0
    require_approval: bool = False


@dataclass(frozen=True)
class HeldOut:
    """Data that a metric was measured on. `fingerprint` identifies its content; `name` is how people call it."""

    name: str
    fingerprint: str | None = None

    def same(self, other: HeldOut) -> bool:
        """The same content. Where that was not looked at, the same name of a version, which never changes."""
        if self.fingerprint and other.fingerprint:
            return self.fingerprint == other.fingerprint
        return self.name == other.name


@dataclass(frozen=True)
class Measured:
    """The value of the metric that `job` found for a version on `data`; later ones stand later."""

    value: float
    data: HeldOut
    job: str


@dataclass(frozen=True)
class Candidate:
    version: str
    measured: Sequence[Measured]
    approval: Approval = Approval.NONE


@dataclass(frozen=True)
class Verdict:
    """Whether the alias moves, a stable word for why, a sentence, and the two measurements that were compared."""

    moves: bool
    outcome: str
    reason: str
    data: HeldOut | None = None
    champion: Measured | None = None
    challenger: Measured | None = None


def judge(rule: Rule, challenger: Candidate, champion: Candidate | None, wanted: HeldOut | None) -> Verdict:
    """`wanted` is the held-out data to compare on; None means the data that the challenger was measured on last."""
    new, metric = challenger.version, rule.metric
    if champion and champion.version == new:
        return Verdict(False, "AlreadyThere", f"version {new} has the alias already")
    if challenger.approval is Approval.REJECTED:
        return Verdict(False, "Rejected", f"version {new} was rejected")
    if rule.require_approval and challenger.approval is not Approval.APPROVED:
        return Verdict(False, "NotApproved", f"version {new} is not approved, which the rule of this alias demands")
    mine = _last(challenger.measured, wanted)
    on = f" on {wanted.name}" if wanted else " on any named data"
    if mine is None:
        elsewhere = f"; it was on {_places(challenger.measured)}" if challenger.measured else ""
        return Verdict(False, "NotMeasured", f"{metric} of version {new} was not measured{on}{elsewhere}", wanted)
    if not math.isfinite(mine.value):
        return Verdict(False, "NotANumber", f"{metric} of version {new} is {mine.value}", mine.data, None, mine)
    found = f"{metric} {_number(mine.value)} on {mine.data.name}"
    if champion is None:
        return Verdict(True, "First", f"version {new} is the first: {found}", mine.data, None, mine)
    theirs = _last(champion.measured, mine.data)
    old = champion.version
    if theirs is None:
        elsewhere = f" but on {_places(champion.measured)}" if champion.measured else ""
        reason = f"version {old} was not measured on {mine.data.name}{elsewhere}: the two cannot be compared"
        return Verdict(
            False, "OtherData" if champion.measured else "ChampionNotMeasured", reason, mine.data, None, mine
        )
    gain = mine.value - theirs.value if rule.goal is Goal.MAXIMIZE else theirs.value - mine.value
    said = f"{found}; version {old} has {_number(theirs.value)}"
    if not math.isfinite(theirs.value):
        return Verdict(True, "Better", f"version {new} has {said}, which is no number", mine.data, theirs, mine)
    if gain > rule.min_delta:
        return Verdict(True, "Better", f"version {new} has {said} ({rule.goal})", mine.data, theirs, mine)
    if gain > 0:
        reason = f"version {new} has {said}: better, but not by more than {_number(rule.min_delta)}"
        return Verdict(False, "WithinMargin", reason, mine.data, theirs, mine)
    outcome, word = ("Equal", "no better") if gain == 0 else ("Worse", "worse")
    return Verdict(False, outcome, f"version {new} has {said}: {word} ({rule.goal})", mine.data, theirs, mine)


def _last(measured: Sequence[Measured], data: HeldOut | None) -> Measured | None:
    return next((one for one in reversed(measured) if data is None or one.data.same(data)), None)


def _places(measured: Sequence[Measured]) -> str:
    return ", ".join(dict.fromkeys(one.data.name for one in measured))


def _number(value: float) -> str:
    return f"{value:.6g}"
