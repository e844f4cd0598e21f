"""The tours of docs/tours are true: they are taken, and every stop is reached for the first time in the order told."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from whole_house import ROOT

from zaffre.app.workspace import Workspace
from zaffre.cli import job as cli_job
from zaffre.cli.main import main

SOURCE = str(ROOT / "src") + "/"
STOP = re.compile(r"^\d+\. `(src/zaffre/[\w/]+\.py)` `([\w.]+)`", re.MULTILINE)
PIPELINE = """
type: pipeline
jobs:
  greet:
    environment: {requirements: []}
    command: echo hello > ${{outputs.text}}/greeting.txt
    outputs:
      text: {type: uri_folder}
  read:
    environment: {requirements: []}
    command: cat ${{inputs.text}}/greeting.txt
    inputs:
      text: ${{parent.jobs.greet.outputs.text}}
"""


@contextmanager
def _calls() -> Iterator[dict[tuple[str, str], int]]:
    """The functions of ours that are called, in all threads, in the order of their first call."""
    order: dict[tuple[str, str], int] = {}
    lock = threading.Lock()

    def see(frame: FrameType, event: str, _arg: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(SOURCE):
            key = (code.co_filename.removeprefix(SOURCE), code.co_qualname)
            if key not in order:
                with lock:
                    order.setdefault(key, len(order))

    before = sys.getprofile()
    threading.setprofile(see)
    sys.setprofile(see)
    try:
        yield order
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def test_submit_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.yml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    with _calls() as order, Workspace.local(tmp_path / "home") as ws:
        while ("zaffre/engine/loop.py", "Engine._keep_house") not in order:
            time.sleep(0.01)  # its first turn is about what a former server left
        order.clear()  # the platform stands: the tour begins
        monkeypatch.setattr(cli_job, "workspace", lambda _args: ws)
        assert main(["job", "create", "-f", "pipeline.yml", "--stream"]) == 0
    assert "[read] hello" in capsys.readouterr().out
    tour = (ROOT / "docs/tours/submit-a-pipeline.md").read_text()
    stops = [(path.removeprefix("src/"), name) for path, name in STOP.findall(tour)]
    assert len(stops) > 15
    missed = [stop for stop in stops if stop not in order]
    assert not missed, f"not called: {missed}"
    reached = [stop for _, stop in sorted((order[stop], stop) for stop in stops)]
    assert reached == stops, "first called in this order:\n" + "\n".join(f"{path} {name}" for path, name in reached)
