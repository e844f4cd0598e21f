"""Queued: the step waits for room (`Motor.enqueue`). Given it, its preparation begins."""

from __future__ import annotations

from zaffre.engine.job import preparing
from zaffre.engine.live import Live
from zaffre.engine.motor import Motor


def admit(motor: Motor, live: Live) -> None:
    """Room was taken for it."""
    preparing.begin(motor, live)
