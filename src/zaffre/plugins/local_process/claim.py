"""The claim file of a task: who may run it, which process does, and how it ended.

Lines: `<pid> <boot>` before the command starts, `exit <status>` after it ended; or only `never`, when `take` came
first. A line without its newline is not there yet.
"""

from __future__ import annotations

import os
import stat
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
    damaged: bool = False  # altered by somebody else than the wrapper; the task itself has the rights to


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
        file = os.open(control / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return Claim(damaged=True)
    try:
        text = os.read(file, 4096) if stat.S_ISREG(os.fstat(file).st_mode) else b"\n"
    finally:
        os.close(file)
    lines = text.decode("ascii", "replace").split("\n")[:-1]
    if not lines:
        return Claim()
    if lines[0] == "never":
        return Claim(taken_by_us=True)
    pid, _, boot = lines[0].partition(" ")
    if not pid.isdecimal() or not 1 < int(pid) < 2**31:
        return Claim(damaged=True)
    return Claim(pid=int(pid), boot=boot, exit_code=_exit_code(lines[1:]))


def _exit_code(lines: list[str]) -> int | None:
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    return int(number) if word == "exit" and number.isdecimal() and int(number) < 256 else None
