"""The tour of a model's life is true: it is taken, and every stop is reached for the first time in the order told."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_tours import STOP, _calls
from whole_house import ROOT

from zaffre.app.workspace import Workspace
from zaffre.cli import model_files, model_life
from zaffre.cli.main import main

BOOSTER = "tree\nversion=v4\nnum_class=1\nobjective=binary\nfeature_names=income debt\n\nTree=0\n"


def test_a_models_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "light.txt").write_text(BOOSTER)
    monkeypatch.chdir(tmp_path)
    with _calls() as order, Workspace.local(tmp_path / "home") as ws:
        order.clear()  # the platform stands: the tour begins
        for module in (model_files, model_life):
            monkeypatch.setattr(module, "workspace", lambda _args: ws)
        assert main(["model", "import", "light.txt", "--name", "risk"]) == 0
        assert main(["model", "approve", "risk:1", "--reason", "seen by hand"]) == 0
        assert main(["model", "promote", "risk:1", "--metric", "auc"]) == 0
    assert "auc of version 1 was not measured" in capsys.readouterr().out
    tour = (ROOT / "docs/tours/a-models-life.md").read_text()
    stops = [(path.removeprefix("src/"), name) for path, name in STOP.findall(tour)]
    assert len(stops) == 13
    assert [stop for stop in stops if stop not in order] == []
    assert sorted(stops, key=order.__getitem__) == stops
