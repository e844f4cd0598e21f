"""One version and the hashes of every package, for a machine that has nothing of ours."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from zaffre.base.errors import InvalidRequest
from zaffre.core.environment.requirements import name_of
from zaffre.plugins.virtualenv.failure import build_error
from zaffre.plugins.virtualenv.uv import run_uv
from zaffre.ports.environment import EnvironmentPlan

QUIET = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-progress")


def lock_requirements(plan: EnvironmentPlan, pins: Sequence[str] | None, uv: str, variables: Mapping[str, str]) -> str:
    """The text of the file. `pins` are `name==version` of every package where they are known already."""
    output: list[str] = []
    with tempfile.TemporaryDirectory(prefix="zaffre-lock-") as name:
        folder = Path(name)
        lines = list(plan.requirements) if pins is None else _pinned(plan.requirements, pins)
        (folder / "in.txt").write_text("".join(f"{line}\n" for line in lines if line != "--pre"))
        (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in plan.constraints))
        words = [uv, "pip", "compile", str(folder / "in.txt"), "--output-file", str(folder / "out.txt")]
        words += ["--python", str(plan.interpreter), "--generate-hashes", *QUIET]
        words += ["--no-deps"] if pins is not None else ["--constraints", str(folder / "constraints.txt")]
        if plan.exclude_newer:
            words += ["--exclude-newer", plan.exclude_newer]
        if "--pre" in lines:
            words += ["--prerelease", "allow"]
        if run_uv(words, variables, output.append, lambda: None, lambda: False) != 0:
            raise build_error(output, plan.requirements, plan.constraints)
        text = (folder / "out.txt").read_text()
    for entry in re.findall(r"^[^\s#-](?:.*\\\n)*.*$", text, re.MULTILINE):
        if "--hash=" not in entry:
            raise InvalidRequest(
                f"`{entry.split()[0]}` cannot be fixed by a hash",
                code="NotLockable",
                hint="name a version of a package index, or the address of a wheel, in the environment",
            )
    return text


def _pinned(requirements: Sequence[str], pins: Sequence[str]) -> list[str]:
    """Versions instead of wishes; packages that are named by their address keep it, options stay."""
    kept = [line for line in requirements if line.startswith("-") or " @ " in line or "://" in line]
    addressed = {name_of(line) for line in kept}
    return [*kept, *(pin for pin in pins if name_of(pin) not in addressed)]
