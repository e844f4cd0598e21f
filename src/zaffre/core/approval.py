"""The life of an approval as one table: who asks is answered, and an answer can be taken back only by a new one."""

from __future__ import annotations

from enum import StrEnum


class Approval(StrEnum):
    NONE = "None"  # nobody asked
    REQUESTED = "Requested"
    APPROVED = "Approved"
    REJECTED = "Rejected"


A = Approval
TRANSITIONS: dict[Approval, frozenset[Approval]] = {
    A.NONE: frozenset({A.REQUESTED, A.APPROVED, A.REJECTED}),
    A.REQUESTED: frozenset({A.APPROVED, A.REJECTED}),
    A.APPROVED: frozenset({A.REJECTED}),
    A.REJECTED: frozenset({A.REQUESTED}),  # what was rejected is asked for again before it can be approved
}


def may_become(state: Approval, target: Approval) -> bool:
    """Whether an approval in `state` may move to `target`."""
    return target in TRANSITIONS[state]
