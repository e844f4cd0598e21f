"""The command line on what a bare client logged: a chart with the right ends, and no TensorBoard without event files."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from small_server import Run

STEPS = 500


def _logged(home: Path) -> str:
    said = json.loads((home / "server.json").read_text())

    def ask(path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{said['url']}/mlflow/default/api/2.0/mlflow/{path}", json.dumps(body).encode(),
            {"Authorization": f"Bearer {said['token']}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    run = str(ask("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])
    points = [{"key": "loss", "value": 1 / (step + 1), "timestamp": step, "step": step} for step in range(STEPS)]
    ask("runs/log-batch", {"run_id": run, "metrics": points})
    ask("runs/update", {"run_id": run, "status": "FINISHED"})
    return run


def test_what_a_bare_client_logged(zaffre: Run, tmp_path: Path) -> None:
    assert zaffre("up", "--detach").returncode == 0
    try:
        run = _logged(tmp_path / "home")
        for columns in ("60", "100", "2000"):  # steps in buckets of 5, of 3, and each by itself
            drawn = zaffre("metrics", "show", run, "--key", "loss", "--plot", COLUMNS=columns).stdout.splitlines()
            assert drawn[0].startswith("loss, by step")
            assert drawn[-2].split() == ["0", str(STEPS - 1)], columns
        drawn = zaffre("metrics", "show", run, "--key", "loss", "--plot", "--x", "relative", COLUMNS="60").stdout
        assert drawn.splitlines()[-2].split()[-1] == "0.499"
        none = zaffre("tensorboard", run)
        assert none.returncode == 3
        assert f"{run}: no event files of TensorBoard" in none.stderr
        assert f"zaffre metrics list {run}" in none.stderr
    finally:
        assert zaffre("down").returncode == 0
