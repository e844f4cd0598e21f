"""Turn the command of a distributed step into one that starts all its processes (`runtime/ranks.py`)."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zaffre.core import distribution
from zaffre.runtime import ranks

GRACE_S = 10.0  # between asking the other ranks to end and killing them
ARGUMENT_BYTES = 100_000  # the kernel takes 128 KiB in one argument


def command(step: Mapping[str, Any], single: str, folder: Path, logs: Path) -> str:
    """`single` as it is, or for a distributed step the command that runs it once for each rank.

    Writes what it needs into `folder`; the ranks write `std_log_process_<rank>.txt` in `logs`. It runs in the server's
    interpreter, which is there and has nothing in it that the job could miss.
    """
    if not distribution.is_distributed(step):
        return single
    arranged = distribution.arrange(step)
    shell = [shutil.which("bash") or "/bin/sh", "-c", single]
    if len(single.encode()) > ARGUMENT_BYTES:
        script = folder / "command.sh"
        script.write_text(single, encoding="utf-8")
        shell[1:] = [str(script)]
    width = len(str(len(arranged.ranks) - 1))  # so that names sort by rank, as Azure's do
    entries = [
        {"log": f"std_log_process_{number:0{width}}.txt", "variables": dict(rank.variables), "serves": rank.serves}
        for number, rank in enumerate(arranged.ranks)
    ]
    layout = folder / "ranks.json"
    layout.write_text(
        json.dumps({"shell": shell, "ports": arranged.ports, "grace_s": GRACE_S, "logs": str(logs), "ranks": entries}),
        encoding="utf-8",
    )
    return "exec " + shlex.join([sys.executable, "-IS", str(ranks.__file__), str(layout)])
