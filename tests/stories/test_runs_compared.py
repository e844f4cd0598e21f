"""Two jobs of one script, changed in between: found, counted, shown and compared on the command line and by the SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from zaffre import command
from zaffre.app.workspace import Workspace
from zaffre.cli import run as cli_run
from zaffre.cli.main import main
from zaffre.services.tracking.log_batch import log_batch
from zaffre.store.metrics import Point


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("runs")
    code = folder / "src"
    code.mkdir()
    (code / "data.bin").write_bytes(b"\0\1")
    with Workspace.local(folder / "home") as found:
        for number, (name, rate) in enumerate((("first", 0.1), ("second", 0.2))):
            (code / "train.py").write_text(f"a = 1\nprint({number})\nc = 3\n")
            (code / f"only_{name}.txt").write_text("here\n")
            if number:
                (code / "only_first.txt").unlink()
                (code / "data.bin").write_bytes(b"\0\2")
            job = command(command="python train.py --rate ${{inputs.rate}}", code=str(code), inputs={"rate": rate},
                          environment={"requirements": []}, experiment_name="exp", tags={"team": "x"})  # fmt: skip
            found.jobs.wait(found.jobs.create_or_update(job, name=name).name, 60)
            context = found.transport._platform.ctx  # type: ignore[attr-defined]
            log_batch(context, "default", name, points=[Point("loss", 1.0 - rate, 1, 1), Point("same", 1.0, 1, 1)],
                      given={"rate": str(rate)})  # fmt: skip
        yield found


@pytest.fixture
def run(ws: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    class Open:
        def __enter__(self) -> Workspace:
            return ws

        def __exit__(self, *_: object) -> None:
            pass

    def call(*words: str) -> str:
        assert main(["run", *words]) == 0
        return capsys.readouterr().out

    monkeypatch.setattr(cli_run, "workspace", lambda _args: Open())
    monkeypatch.setenv("COLUMNS", "200")
    return call


def test_the_code_the_inputs_and_the_packages_are_compared(ws: Workspace) -> None:
    found = ws.runs.compare("first", "second")
    (diff,) = found.code or ()
    files = {file.path: file for file in diff.files}
    assert (diff.run, diff.known, diff.same) == ("second", True, False)
    assert files["train.py"].diff == (
        "--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n a = 1\n-print(0)\n+print(1)\n c = 3"
    )
    assert (files["data.bin"].change, files["data.bin"].note) == ("changed", "no text")
    assert (files["only_second.txt"].change, files["only_second.txt"].former_path) == ("renamed", "only_first.txt")
    assert [(item.key, item.values) for item in found.inputs or ()] == [("rate", ["0.1", "0.2"])]
    (loss, same) = found.metrics or ()
    assert loss.deltas == [0.0, pytest.approx(-0.1)]
    assert (same.differs, loss.differs) == (False, True)
    assert found.environment is not None
    only = ws.runs.compare("first", "second", only_differences=True, parts=["metrics", "tags", "environment"])
    assert [item.key for item in only.metrics or ()] == ["loss"]
    assert (only.tags, only.environment, only.code) == ([], [], None)
    unchanged = ws.runs.compare("first", "first", "second", baseline="second", parts=["code"])
    assert [diff.run for diff in unchanged.code or ()] == ["first"]


def test_the_sdk_searches(ws: Workspace) -> None:
    runs = list(ws.runs.search("metrics.loss < 1 and params.rate > 0.05", order_by=["metrics.loss"]))
    assert [run.name for run in runs] == ["second", "first"]
    assert runs[0].metrics == {"loss": pytest.approx(0.8), "same": 1.0}
    assert runs[0].status == "Completed"
    assert ws.runs.count("metrics.loss < 0.85") == 1
    assert [key.key for key in ws.runs.keys(kind="metrics")] == ["loss", "same"]
    assert ws.runs.get("first").params == {"rate": "0.1"}


def test_the_command_line_lists_counts_shows_compares(run: object) -> None:
    call = run
    assert callable(call)
    table = call("list", "--filter", "metrics.loss < 1", "--order-by", "metrics.loss", "--columns", "metrics.loss",
                 "params.*", "-o", "table")  # fmt: skip
    lines = table.splitlines()
    assert lines[0].split() == ["Name", "Display", "name", "Status", "Experiment", "name", "Created", "at", "Duration",
                                "s", "metrics.loss", "params.rate"]  # fmt: skip
    assert [line.split()[0] for line in lines[2:]] == ["second", "first"]
    (row,) = json.loads(call("list", "--max-results", "1", "--columns", "metrics.loss", "-o", "json"))
    assert row["metrics"] == {"loss": pytest.approx(0.8)}
    assert (row["type"], bool(row["started_at"]), bool(row["ended_at"])) == ("command", True, True)
    assert call("count", "--filter", "status = 'Completed'") == "2\n"
    assert "metrics.loss" in call("show", "first", "-o", "table")
    text = call("compare", "first", "second", "--only-differences", "-o", "table")
    assert text.splitlines()[0].split() == ["What", "first", "second"], "names are typed again"
    assert "0.8 (-0.1)" in text
    assert "+print(1)" in text
    assert "metrics.same" not in text
    assert json.loads(call("compare", "first", "second", "-o", "json"))["baseline"] == "first"


def test_a_wrong_filter_is_told_with_its_place(run: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "count", "--filter", "metrics.loss <"]) == 2
    assert "at character 15" in capsys.readouterr().err
