"""The claim file of a task: who may run it, which process does, and how it ended.

Lines: `<pid> <boot>` before the command starts, `exit <status>` after it ended; or only `never`, when `take` came
first. A line without its newline is not there yet.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NAME = "claim"
NEVER = b"never\n"


@dataclass(frozen=True)
class Claim:
    taken_by_us: bool = False  # the task never started and never will
    pid: int | None = None  # None: taken, but not yet signed
    boot: str | None = None
    exit_code: int | None = None


def take(control: Path) -> bool:
    """Take the claim so that the task can never start; False if it is taken. Raises OSError if that cannot be known."""
    try:
        claim = os.open(control / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(claim, NEVER)
    finally:
        os.close(claim)
    return True


def read(control: Path) -> Claim | None:
    """What the file says, or None if nobody took it."""
    try:
        file = os.open(control / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        text = os.read(file, 4096)
    finally:
        os.close(file)
    lines = text.decode("ascii", "replace").split("\n")[:-1]
    if not lines:
        return Claim()
    if lines[0] == "never":
        return Claim(taken_by_us=True)
    pid, _, boot = lines[0].partition(" ")
    if not pid.isdecimal() or int(pid) <= 1:
        return Claim()
    return Claim(pid=int(pid), boot=boot, exit_code=_exit_code(lines[1:]))


def _exit_code(lines: list[str]) -> int | None:
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    return int(number) if word == "exit" and number.isdecimal() else None
