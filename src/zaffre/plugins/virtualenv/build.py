"""One build, start to end, by the holder of the key's lock: a staged folder, uv, protection, and one rename."""

from __future__ import annotations

import errno
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import Conflict, Unavailable
from zaffre.core.environment.key import FORMAT
from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.bytecode import compile_bytecode
from zaffre.plugins.virtualenv.failure import NETWORK, build_error, is_full_disk
from zaffre.plugins.virtualenv.places import Places
from zaffre.plugins.virtualenv.scripts import free_scripts
from zaffre.plugins.virtualenv.uv import run_uv
from zaffre.ports.environment import EnvironmentPlan

STAGES = {  # how uv's lines begin -> the stage that has begun with them
    "Using": "resolve",
    "Resolved": "download",
    "Downloading": "download",
    "Building": "compile",
    "Prepared": "install",
}


@dataclass
class Progress:
    """Every line with the seconds since the start and the stage: `  1.2s resolve   Resolved 12 packages`."""

    log: Callable[[str], None]
    start: float
    stage: str = "prepare"

    def say(self, text: str) -> None:
        self.log(f"{time.monotonic() - self.start:7.1f}s {self.stage:<9} {text}")

    def line(self, text: str) -> None:
        if text.strip():
            if not text.startswith("Using Python"):  # names only the staged folder
                self.say(text.strip())
            self.stage = STAGES.get(text.split(None, 1)[0], self.stage)


class NoRoom(Exception):
    """A disk is full; the argument is what uv, or the system, said."""


def build_environment(
    plan: EnvironmentPlan,
    places: Places,
    uv: str,
    variables: Mapping[str, str],
    log: Callable[[str], None],
    cancelled: Callable[[], bool],
    lock: int,
) -> None:
    """Build `plan` at its final place, or raise with nothing left behind.

    Raises `InvalidRequest` or `Unavailable` (code `EnvironmentBuildFailed`), or `Conflict`
    (code `EnvironmentBuildCanceled`), and `NoRoom` for a full disk.
    """
    progress = Progress(log, time.monotonic())
    for leftover in places.stagings(plan.key):  # of a builder that was killed
        tree.remove(leftover)
    staging = places.staging(plan.key, secrets.token_hex(4))
    try:
        progress.say(f"Python {plan.python_version} ({plan.interpreter}), environment {plan.key}")
        for note in plan.notes:
            progress.say(f"note: {note}")
        make_venv(staging, plan)
        output = install(plan, staging, uv, variables, progress, cancelled, lock)
        if output is not None and is_full_disk(output):
            raise NoRoom(output)
        if output is not None:
            raise build_error(output, plan.requirements, plan.constraints)
        progress.stage = "bytecode"
        if not compile_bytecode(plan, staging, variables, cancelled, lock):
            raise canceled()
        progress.stage = "finish"
        finish(plan, staging, places, uv, progress)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom([f"error: {error.filename or places.root}: {error.strerror}"]) from error
        raise Unavailable(
            f"The environment was not built: {error.strerror or error}",
            code="EnvironmentBuildFailed",
            hint="Look at the space and the rights of the environments folder, then run the job again.",
        ) from error
    finally:
        tree.remove(staging)


def canceled() -> Conflict:
    return Conflict("The build of the environment was cancelled", code="EnvironmentBuildCanceled")


def make_venv(folder: Path, plan: EnvironmentPlan) -> None:
    """What `python -m venv` makes, without starting a Python."""
    (folder / "bin").mkdir(parents=True)
    tree.site_packages(folder, plan.python).mkdir(parents=True)
    if uses_lib64(plan):
        (folder / "lib64").symlink_to("lib")
    (folder / "bin" / "python").symlink_to(plan.interpreter)
    for name in ("python3", f"python{plan.python}"):
        (folder / "bin" / name).symlink_to("python")
    (folder / "pyvenv.cfg").write_text(venv_settings(plan.interpreter, plan.python_version))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in plan.requirements))
    (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in plan.constraints))


def uses_lib64(plan: EnvironmentPlan) -> bool:
    """Whether this build of Python looks for compiled packages in `lib64`, as on Fedora."""
    return (plan.interpreter.parent.parent / "lib64" / f"python{plan.python}").is_dir()


def venv_settings(interpreter: Path, version: str) -> str:
    return f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {version}\n"


def install(
    plan: EnvironmentPlan,
    staging: Path,
    uv: str,
    variables: Mapping[str, str],
    progress: Progress,
    cancelled: Callable[[], bool],
    lock: int,
) -> list[str] | None:
    """Run uv; None when all is installed, else its output. An extra index of the file's own that does not answer is
    left out with a word, as pip does."""
    lines = list(plan.requirements)
    while True:
        output: list[str] = []

        def take(text: str, output: list[str] = output) -> None:
            output.append(text)
            progress.line(text)

        (staging / "requirements.txt").write_text("".join(f"{line}\n" for line in lines if line != "--pre"))
        status = run_uv(
            uv_arguments(plan, staging, uv, lines),
            variables,
            take,
            lambda: progress.say("... still at it"),
            cancelled,
            keep_open=[lock],
        )
        if status is None:
            raise canceled()
        if status == 0:
            return None
        dead = dead_index(output, lines)
        if dead is None:
            return output
        progress.say(f"note: `{dead}` does not answer and was left out")
        lines.remove(dead)


def uv_arguments(plan: EnvironmentPlan, staging: Path, uv: str, lines: Sequence[str]) -> list[str]:
    arguments = [uv, "pip", "install", "--python", str(staging / "bin" / "python")]
    arguments += ["--requirements", str(staging / "requirements.txt")]
    if list(lines) == ["pip"] and (bundled := bundled_wheels(plan)):
        return [*arguments, "--no-index", "--find-links", str(bundled)]
    if plan.constraints:
        arguments += ["--constraints", str(staging / "constraints.txt")]
    if plan.exclude_newer:
        arguments += ["--exclude-newer", plan.exclude_newer]
    if "--pre" in lines:
        arguments += ["--prerelease", "allow"]
    return arguments


def bundled_wheels(plan: EnvironmentPlan) -> Path | None:
    """The wheels that come with a Python for `ensurepip`: a plain environment needs no network."""
    folder = plan.interpreter.parent.parent / "lib" / f"python{plan.python}" / "ensurepip" / "_bundled"
    return folder if any(folder.glob("pip-*.whl")) else None


def dead_index(output: Sequence[str], lines: Sequence[str]) -> str | None:
    text = "\n".join(output).lower()
    if not any(sign in text for sign in NETWORK):
        return None
    own = [line for line in lines if line.startswith(("--extra-index-url ", "--find-links http"))]
    return next((line for line in own if line.split()[-1].rstrip("/").lower() in text), None)


def finish(plan: EnvironmentPlan, staging: Path, places: Places, uv: str, progress: Progress) -> None:
    """Make it relocatable, protected and final."""
    free_scripts_of(staging, uv)
    lock = tree.installed(staging, plan.python)
    facts = {
        "format": FORMAT,
        "key": plan.key,
        "python": plan.python,
        "python_version": plan.python_version,
        "interpreter": str(plan.interpreter),
        "requirements": list(plan.requirements),
        "constraints": list(plan.constraints),
        "exclude_newer": plan.exclude_newer,
        "notes": list(plan.notes),
        "lib64": uses_lib64(plan),
        "lock": lock,
        "bytes": tree.size(staging),
        "seconds": round(time.monotonic() - progress.start, 2),
    }
    (staging / "environment.json").write_text(json.dumps(facts, indent=1))
    tree.protect(staging)
    final = places.environment(plan.key)
    places.used(plan.key).touch()
    if final.exists():  # without its facts file: the remains of a removal that was cut short
        remains = places.trash(secrets.token_hex(8))
        final.rename(remains)
        tree.remove(remains)
    staging.rename(final)
    progress.say(f"ready: {len(lock)} packages, {facts['bytes'] / 1e6:.0f} MB")  # type: ignore[operator]


def free_scripts_of(staging: Path, uv: str) -> None:
    free_scripts(staging)
    own_uv = staging / "bin" / "uv"
    if not own_uv.exists():  # so that a command can say `uv pip install`
        own_uv.symlink_to(uv)
