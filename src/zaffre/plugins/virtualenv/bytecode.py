"""Byte code for what jobs import: without it each would compile it anew, as the shared tree is not written to.

The tests that packages bring along are close to half of all that could be compiled, and no job imports them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.uv import run_uv
from zaffre.ports.environment import EnvironmentPlan

LEFT_OUT = r"/site-packages/(.*/)?tests?/"


def compile_bytecode(
    plan: EnvironmentPlan, staging: Path, variables: Mapping[str, str], cancelled: Callable[[], bool], lock: int
) -> bool:
    """On all cores, by the Python that will read it; False if cancelled. A file that it cannot compile stays as it is.

    What is left out gets a file in the place of its cache, so that a job of root, whom write protection does not
    hinder, leaves nothing there either.
    """
    packages = tree.site_packages(staging, plan.python)
    command = [str(staging / "bin" / "python"), "-I", "-S", "-m", "compileall", "-qq", "-j", "0", "-x", LEFT_OUT]
    status = run_uv([*command, str(packages)], variables, _ignore, _nothing, cancelled, keep_open=[lock])
    for folder in {path.parent for name in ("test", "tests") for path in packages.glob(f"**/{name}/**/*.py")}:
        with contextlib.suppress(FileExistsError):
            (folder / "__pycache__").touch(exist_ok=False)
    return status is not None


def _ignore(_line: str) -> None:
    pass


def _nothing() -> None:
    pass
