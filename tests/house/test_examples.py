"""Every example runs as it stands, by the commands that its page names; so does the demo."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from mlflow_clients import python_of
from uv import find_uv_bin
from whole_house import ROOT

EXAMPLES = ROOT / "examples"
Zaffre = Callable[..., str]


@pytest.fixture(scope="module")
def zaffre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zaffre]:
    """The command line, with one home for all examples: environments are built once."""
    home = tmp_path_factory.mktemp("home")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}

    def run(*words: str, cwd: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "zaffre", *words],
            cwd=cwd,
            env={**clean, "ZAFFRE_HOME": str(home), "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=280,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"zaffre {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    yield run
    run("down", cwd=home)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


def test_every_example_has_a_test_and_a_line_on_the_page() -> None:
    folders = {item.name for item in EXAMPLES.iterdir() if item.is_dir()}
    page = (EXAMPLES / "README.md").read_text()
    assert set(re.findall(r"^\| \[([\w-]+)\]", page, re.MULTILINE)) == folders
    commands = re.findall(r"(?:zaffre [\w-]+ create -f |its page\]\()([\w-]+)/", page)
    tests = {name.removeprefix("test_example_") for name in globals() if name.startswith("test_example_")}
    assert set(commands) == folders
    assert {folder.replace("-", "_") for folder in folders} == tests


def test_example_hello(zaffre: Zaffre, copy: Path) -> None:
    assert "Hello world, from job" in zaffre("job", "create", "-f", "hello/job.yml", "--stream", cwd=copy)
    assert "Hello you," in zaffre(
        "job", "create", "-f", "hello/job.yml", "--set", "inputs.name=you", "--stream", cwd=copy
    )


def test_example_pipeline(zaffre: Zaffre, copy: Path) -> None:
    said = zaffre("job", "create", "-f", "pipeline/pipeline.yml", "--stream", cwd=copy)
    assert "[clean] kept 6 of 8 rows" in said
    assert "[count] 2 days with 2 visits or more" in said
    name = json.loads(zaffre("job", "list", "--query", "[0].name", cwd=copy))
    zaffre("job", "download", "-n", name, "--output-name", "days", "-p", "got", cwd=copy)
    (found,) = (copy / "got").rglob("days.csv")
    assert found.read_text().split() == ["day,visits", "2026-03-02,2", "2026-03-04,3"]
    plan = json.loads(zaffre("job", "plan", "-f", "pipeline/pipeline.yml", "--set", "inputs.at_least=3", cwd=copy))
    assert [(step["step"], step["runs"]) for step in plan["steps"]] == [("clean", False), ("count", True)]
    assert "at_least" in plan["steps"][1]["cause"]


def test_example_training(zaffre: Zaffre, copy: Path) -> None:
    said = zaffre("job", "create", "-f", "training/job.yml", "--stream", cwd=copy)
    assert re.search(r"accuracy 0\.9\d", said)
    model = json.loads(zaffre("model", "show", "-n", "iris", "-l", "latest", cwd=copy))
    assert (model["type"], model["version"]) == ("mlflow_model", "1")
    assert "sklearn" in model["flavors"]


@pytest.mark.slow
def test_example_track_with_mlflow(zaffre: Zaffre, copy: Path) -> None:
    """By the steps of its page: the variables, then the script, in an environment that knows nothing of us."""
    folder = copy / "track-with-mlflow"
    assert 'eval "$(zaffre mlflow)"' in (folder / "README.md").read_text()
    exports = "".join(f"{line}\n" for line in zaffre("mlflow", cwd=folder).splitlines())
    done = subprocess.run(
        ["sh", "-ec", f"{exports}exec {python_of('3.17.2')} -W ignore train.py"],
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"champion: wine version 1, accuracy 0\.9\d", done.stdout)
    model = json.loads(zaffre("model", "show", "-n", "wine", "-l", "champion", cwd=folder))
    assert (model["type"], model["version"]) == ("mlflow_model", "1")
    best = json.loads(zaffre("job", "show", "-n", model["job_name"], cwd=folder))
    assert best["experiment_name"] == "wine"


def test_example_serve_a_model(zaffre: Zaffre, copy: Path) -> None:
    """The commands of its page, in their order."""
    page = (copy / "serve-a-model/README.md").read_text()
    commands = [shlex.split(line)[1:] for line in page.splitlines() if line.startswith("zaffre ")]
    said = [zaffre(*words, cwd=copy) for words in commands]
    assert json.loads(said[2]) == [0.54, 0.8]
    assert json.loads(said[4]) == [0.47, 0.72]
    assert json.loads(said[5])["traffic"] == {"blue": 90, "green": 10}
    assert json.loads(said[6])["traffic"] == {"blue": 0, "green": 100}
    assert json.loads(said[7])["traffic"] == {"blue": 90, "green": 10}
    assert "curl" in said[8]
    assert "/strokes/score" in said[8]
    environ = {**os.environ, "PATH": f"{Path(find_uv_bin()).parent}:/usr/bin:/bin", "PYTHON": sys.executable}
    server = subprocess.Popen(
        [copy / "strokes/run.sh", "--port", "0"], env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert server.stdout is not None
        address = next(match[1] for line in server.stdout if (match := re.search(r"at (http://\S+)", line)))
        assert "ready: requests are answered\n" in server.stdout
        asked = Request(
            address, (copy / "serve-a-model/patients.json").read_bytes(), {"Content-Type": "application/json"}
        )
        with urlopen(asked, timeout=20) as answer:
            assert json.load(answer) == [0.54, 0.8]
    finally:
        server.terminate()
        assert server.wait(20) == 0


def test_example_score_a_folder(zaffre: Zaffre, copy: Path) -> None:
    zaffre("batch-endpoint", "create", "-f", "score-a-folder/endpoint.yml", cwd=copy)
    zaffre("batch-deployment", "create", "-f", "score-a-folder/deployment.yml", "--set-default", cwd=copy)
    words = ("batch-endpoint", "invoke", "-n", "risk", "--input", "score-a-folder/patients", "--stream")
    said = zaffre(*words, cwd=copy)
    assert "parallel: 2 mini-batches done, 0 failed" in said
    name = json.loads(zaffre("batch-endpoint", "list-jobs", "-n", "risk", "--query", "[0].name", cwd=copy))
    zaffre("job", "download", "-n", name, "--output-name", "score", "-p", "got", cwd=copy)
    lines = (copy / "got/named-outputs/score/predictions.csv").read_text().split()
    assert lines[:3] == ["monday-1,0.40", "monday-2,0.90", "tuesday-1,0.41"]
    assert len(lines) == 6
    shown = json.loads(zaffre("batch-deployment", "show", "-n", "linear", "-e", "risk", cwd=copy))
    assert (shown["model"], shown["settings"]["mini_batch_size"]) == ("azureml:risk-weights:1", "2")
    again = zaffre(*words, "--mini-batch-size", "1", "--set", "output_file_name=today.csv", cwd=copy)
    assert "parallel: 3 mini-batches done, 0 failed" in again


def test_example_model_to_onnx(zaffre: Zaffre, copy: Path) -> None:
    """The commands of its page, in their order."""
    page = (copy / "model-to-onnx/README.md").read_text()
    commands = [line.partition("#")[0].split()[1:] for line in page.splitlines() if line.startswith("zaffre ")]
    said = [zaffre(*words, cwd=copy) for words in commands]
    assert re.search(r"auc 0\.\d+ on 120 loans", said[1])
    first, again = json.loads(said[2]), json.loads(said[5])
    assert (first["moved"], first["outcome"], first["data"]) == (True, "First", "loans-test:1")
    assert "probabilities" in said[3]
    assert "android" in said[3]
    assert (again["moved"], again["outcome"], again["version"]) == (False, "Worse", "1")
    assert json.loads(said[6])[0]["action"] == "keep"
    made = json.loads(zaffre("model", "show", "-n", "loans-onnx", cwd=copy))
    assert made["conversion"]["comparison"]["agrees"]
    assert made["conversion"]["sample"]["source"] == "data that the run used"


def test_the_demo_twice(zaffre: Zaffre, tmp_path: Path) -> None:
    first = zaffre("demo", "mine", cwd=tmp_path)
    for told in (
        "[prepare] 442 patients", "[register] auc", "diabetes-progression", "4 of 4 steps reused",
        "parameter `depth`: 2 -> 4", "1 of 4 steps reused", "oob_accuracy", "ms for three patients", '"green": 100', "4,0,new-patients.csv", "Try next",
    ):  # fmt: skip
        assert told in first, told
    assert "\x1b" not in first, "colours where there is no terminal"
    (tmp_path / "mine/src/train/train.py").open("a").write("\n# mine\n")
    again = zaffre("demo", "mine", cwd=tmp_path)
    assert "parameter `depth`: 2 -> 5" in again
    assert (tmp_path / "mine/src/train/train.py").read_text().endswith("# mine\n")
    models = json.loads(zaffre("model", "list", "-n", "diabetes-progression", cwd=tmp_path))
    assert len(models) >= 1
    zaffre("online-endpoint", "delete", "-n", "diabetes", "--yes", cwd=tmp_path)


def test_the_demo_says_what_to_do_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes.txt").touch()
    for words, told in ((["demo", "taken"], "name a new folder"), (["demo", "/proc/none"], "name another folder")):
        done = subprocess.run(
            [sys.executable, "-m", "zaffre", *words],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "ZAFFRE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        assert done.returncode != 0
        assert told in done.stderr
    assert not (tmp_path / "home/server.json").exists()
