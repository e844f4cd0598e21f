"""Real, unmodified `mlflow` clients of several releases, each in an environment of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

# Release -> what is installed, and the variable that names a Python which has it already.
CLIENTS = {
    "3.17.2": (["mlflow==3.17.2", "scikit-learn"], "ZAFFRE_TEST_MLFLOW"),
    # Set UV_FIND_LINKS or UV_TORCH_BACKEND=cpu: plain `torch` brings gigabytes for graphics cards.
    "3.17.2-autolog": (
        ["mlflow==3.17.2", "scikit-learn", "xgboost-cpu", "lightgbm", "torch==2.13.0", "lightning", "psutil"],
        "ZAFFRE_TEST_MLFLOW_AUTOLOG",
    ),
    "3.17.2-skinny": (["mlflow-skinny==3.17.2"], "ZAFFRE_TEST_MLFLOW_SKINNY"),
    # The lowest of 3. It was written for the telemetry packages of its time.
    "3.0.1": (["mlflow==3.0.1", "opentelemetry-sdk==1.33.*"], "ZAFFRE_TEST_MLFLOW_3"),
    "2.17.2-skinny": (["mlflow-skinny==2.17.2"], "ZAFFRE_TEST_MLFLOW_2"),
    "1.30.1-skinny": (["mlflow-skinny==1.30.1", "setuptools<70"], "ZAFFRE_TEST_MLFLOW_1"),
}


def python_of(release: str) -> str:
    """The Python of an environment with this release; made once in the user's cache folder."""
    wanted, variable = CLIENTS[release]
    if given := os.environ.get(variable):
        return given
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests"
    folder = cache / f"mlflow-{release}"
    place = str(folder / "bin" / "python")
    cache.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "a") as lock:  # another run of the tests may be about to make it too
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
            subprocess.run([*uv, "pip", "install", "-q", "--python", place, *wanted], check=True)
            (folder / "ready").touch()
    return place
