"""Packages of models answer as the models themselves: in an environment of their own, and in a container."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import podman
import pytest
import yaml
from live_endpoints import Place
from podman import Podman
from test_models import ENVIRONMENT
from uv import find_uv_bin

import zaffre
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.plugins.virtualenv.uv import build_variables

SOURCE = Path(zaffre.__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre" / "uv"
TRAIN = """
import sys, mlflow.sklearn, numpy, pandas
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor
random = numpy.random.default_rng(1)
table = pandas.DataFrame({"age": random.uniform(20, 90, 300), "bmi": random.uniform(15, 40, 300)})
target = table.age * numpy.sin(table.bmi)
model = GradientBoostingRegressor(random_state=1).fit(table, target)
mlflow.sklearn.save_model(model, sys.argv[1] + "/trees", signature=infer_signature(table, model.predict(table)),
                          pip_requirements=["scikit-learn"])
made = to_onnx(GradientBoostingRegressor(random_state=1).fit(table.to_numpy(), target), numpy.zeros((1, 2), numpy.float32))
open(sys.argv[1] + "/trees.onnx", "wb").write(made.SerializeToString())
"""
IN_PROCESS = {
    "trees": """
import json, mlflow.pyfunc, pandas, sys
table = pandas.DataFrame(json.loads(sys.argv[2]), columns=["age", "bmi"])
print(json.dumps(mlflow.pyfunc.load_model(sys.argv[1] + "/model/trees").predict(table).tolist()))
""",
    "trees-onnx": """
import json, numpy, onnxruntime, sys
session = onnxruntime.InferenceSession(sys.argv[1] + "/model/trees.onnx")
rows = numpy.array(json.loads(sys.argv[2]), dtype=numpy.float32)
print(json.dumps(session.run(None, {session.get_inputs()[0].name: rows})[0].tolist()))
""",
}
ROWS = [[20.5, 17.25], [64.0, 31.5], [89.0, 39.9], [40.0, 22.0]]
SCRIPT = """
import os
def init(): print("files", sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"])))
def run(data): return {"data": data, "by": os.environ["BY"]}
"""


class Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/the-server-opened-a-pickle",)


def clean() -> dict[str, str]:
    """Of a machine that knows nothing of us, but where packages come from."""
    kept = build_variables({k: v for k, v in os.environ.items() if not k.startswith(("ZAFFRE_", "PYTHON"))}, CACHE)
    return {**kept, "PATH": f"{os.path.dirname(find_uv_bin())}:/usr/bin:/bin", "PYTHON": sys.executable}


def ask(port: int, body: Any, path: str = "/score", key: str | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    connection.request(
        "POST" if body is not None else "GET", path, json.dumps(body) if body is not None else None, headers
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content)


def until_healthy(port: int, alive: Any, log: Any = str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if ask(port, None, "/health")[0] == 200:
                return
        assert alive(), log()
        assert time.monotonic() < end
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """By `run.sh`, in the environment that it makes."""
    port = free_port()
    with open(folder.parent / f"{folder.name}.log", "wb") as log:
        process = subprocess.Popen(["./run.sh", "--port", str(port)], cwd=folder, env=clean(), stdout=log, stderr=log)
        try:
            until_healthy(port, lambda: process.poll() is None)
            yield port
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def installed(folder: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        ["./run.sh", "--install"], cwd=folder, env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr


def in_process(folder: Path, name: str) -> Any:
    words = [str(folder / ".venv/bin/python"), "-W", "ignore", "-c", IN_PROCESS[name], str(folder), json.dumps(ROWS)]
    return json.loads(subprocess.run(words, capture_output=True, check=True, env=clean(), timeout=120).stdout)


@pytest.fixture(scope="module")
def scripted(place: Place) -> Path:
    """A package with a scoring script; its model is a pickle that nobody may open."""
    model = place.folder / "weights"
    model.mkdir()
    (model / "bomb.pkl").write_bytes(pickle.dumps(Bomb()))
    place.ws.models.create_or_update({"name": "Risk.Of_N", "path": str(model)})
    deployment = {
        "code_configuration": {"code": place.code("scripted", SCRIPT), "scoring_script": "score.py"},
        "environment_variables": {"BY": "me"}, "request_settings": {"request_timeout_ms": 5000}, "instance_count": 2,
        "name": "blue", "endpoint_name": "risk", "model": "azureml:anything@latest",
    }  # fmt: skip
    return place.ws.models.package("Risk.Of_N", place.folder / "scripted-out", deployment=deployment)


def test_sec_06_a_package_is_made_without_opening_the_model(scripted: Path) -> None:
    assert not Path("/tmp/the-server-opened-a-pickle").exists()
    (made,) = scripted.rglob("bomb.pkl")
    assert made.read_bytes() == pickle.dumps(Bomb())


def test_a_package_with_a_script_runs_by_its_own_means(scripted: Path) -> None:
    told = json.loads((scripted / "package.json").read_text())
    assert (told["workers"], told["limits"]["timeout_s"], told["variables"]) == (2, 5, {"BY": "me"})
    with serving(scripted) as port:
        assert ask(port, [1, 2]) == (200, {"data": "[1, 2]", "by": "me"})


def test_the_files_are_what_their_readers_expect(scripted: Path) -> None:
    compose = yaml.safe_load((scripted / "compose.yaml").read_text())
    service = compose["services"]["risk-of-n"]
    assert (service["read_only"], service["ports"]) == (True, ["127.0.0.1:5001:5001"])
    deployment, front = yaml.safe_load_all((scripted / "kubernetes.yaml").read_text())
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == service["image"] == "risk-of-n:1"
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= container.keys()
    assert deployment["spec"]["selector"]["matchLabels"] == front["spec"]["selector"]
    unit = (scripted / "risk-of-n.service").read_text()
    assert "NoNewPrivileges=yes" in unit
    if shutil.which("systemd-analyze"):
        told = subprocess.run(
            ["systemd-analyze", "verify", str(scripted / "risk-of-n.service")],
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        assert not [line for line in told.splitlines() if "risk-of-n" in line and "not executable" not in line], told
    for name in ("README.md", "Dockerfile", "run.sh"):
        assert "{{" not in (scripted / name).read_text()
    assert subprocess.run(["sh", "-n", "run.sh"], cwd=scripted, check=False).returncode == 0


def test_requirements_have_hashes_and_name_no_index(scripted: Path) -> None:
    text = (scripted / "requirements.txt").read_text()
    for entry in re.findall(r"^\S+==\S+ \\\n(.+)", text, re.MULTILINE):
        assert "--hash=sha256:" in entry
    assert "://" not in text
    assert (scripted / ".python-version").read_text().strip() == json.loads((scripted / "package.json").read_text())[
        "python"
    ]


def test_what_cannot_be_packaged_is_told_first(place: Place, scripted: Path) -> None:
    name = "Risk.Of_N"
    with pytest.raises(Conflict, match="is there already"):
        place.ws.models.package(name, scripted)
    with pytest.raises(InvalidRequest, match="has no scoring script"):
        place.ws.models.package(name, place.folder / "none")
    script = {"code": place.code("scripted", SCRIPT), "scoring_script": "score.py"}
    deployment = {"name": "b", "endpoint_name": "e", "model": "azureml:x@latest", "code_configuration": script}
    with pytest.raises(InvalidRequest, match="no-such-package-of-ours"):
        place.ws.models.package(
            name,
            place.folder / "none",
            deployment=deployment,
            environment={"requirements": ["no-such-package-of-ours"]},
        )
    assert not (place.folder / "none").exists()


def test_the_command(place: Place, scripted: Path) -> None:
    code = place.code("by-command", SCRIPT)
    (place.folder / "by-command.yml").write_text(yaml.safe_dump({
        "name": "blue", "endpoint_name": "e", "model": "azureml:whatever:1", "environment_variables": {"BY": "file"},
        "code_configuration": {"code": code, "scoring_script": "score.py"},
    }))  # fmt: skip

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("ZAFFRE_")} | {
            "ZAFFRE_HOME": str(place.home),
            "PYTHONPATH": str(SOURCE),
        }
        return subprocess.run(
            [sys.executable, "-m", "zaffre", "model", "package", "Risk.Of_N:1", *words],
            cwd=place.folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    done = command("--file", "by-command.yml", "--output", "made")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(place.folder / "made")
    assert json.loads((place.folder / "made/package.json").read_text())["variables"] == {"BY": "file"}
    assert os.access(place.folder / "made/run.sh", os.X_OK)
    place.endpoint("packaged")
    place.deploy("packaged", "blue", SCRIPT, environment_variables={"BY": "deployment"})
    done = command("--deployment", "blue", "--endpoint-name", "packaged")
    assert done.returncode == 0, done.stderr
    made = place.folder / "Risk.Of_N-1"
    assert json.loads((made / "package.json").read_text())["variables"] == {"BY": "deployment"}
    assert (made / "code/score.py").read_text() == SCRIPT
    assert "here it is a folder" in command("--output", "json").stderr


@pytest.fixture(scope="module")
def trees(place: Place) -> Place:
    """Models `trees` (MLflow) and `trees-onnx`."""
    job = {
        "type": "command", "command": "python score.py ${{outputs.made}}", "code": place.code("grow", TRAIN),
        "environment": ENVIRONMENT, "outputs": {"made": {"type": "uri_folder"}},
    }  # fmt: skip
    done = place.ws.jobs.wait(place.ws.jobs.create_or_update(job).name, 280)
    assert done.status == "Completed", place.ws.jobs.get(done.name).error
    outputs = f"azureml://jobs/{done.name}/outputs/made/paths"
    place.ws.models.create_or_update({"name": "trees", "type": "mlflow_model", "path": f"{outputs}/trees"})
    place.ws.models.create_or_update({"name": "trees-onnx", "path": f"{outputs}/trees.onnx"})
    return place


@pytest.fixture(scope="module")
def onnx(trees: Place) -> Path:
    """The package, with its wheels beside it, and its environment made of them without a network."""
    folder = trees.ws.models.package("trees-onnx", trees.folder / "onnx", environment={
        "requirements": ["onnxruntime", "numpy"], "python_version": f"{sys.version_info[0]}.{sys.version_info[1]}",
    })  # fmt: skip
    words = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--require-hashes",
        "-r",
        "requirements.txt",
        "-d",
        "wheels",
    ]
    subprocess.run(words, cwd=folder, check=True, timeout=240, capture_output=True)
    installed(folder, {**clean(), "UV_DEFAULT_INDEX": "http://127.0.0.1:1/"})
    return folder


@pytest.mark.slow
def test_without_uv_the_environment_is_made_by_pip(scripted: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(scripted, tmp_path / "by-pip", ignore=shutil.ignore_patterns(".venv"))
    kept = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    installed(folder, {**kept, "HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "PYTHON": sys.executable})
    assert "uv =" not in (folder / ".venv/pyvenv.cfg").read_text()
    with serving(folder) as port:
        assert ask(port, 1) == (200, {"data": "1", "by": "me"})


@pytest.mark.slow
def test_an_mlflow_model_answers_as_in_process(trees: Place) -> None:
    folder = trees.ws.models.package("trees", trees.folder / "mlflow", environment=ENVIRONMENT)
    assert "scikit-learn==1.7.2" in (folder / "requirements.txt").read_text()
    installed(folder, clean())
    wanted = in_process(folder, "trees")
    assert len(set(wanted)) == len(ROWS)
    with serving(folder) as port:
        body = {"input_data": {"columns": ["age", "bmi"], "data": ROWS}}
        assert ask(port, body) == (200, wanted)
        assert ask(port, {"dataframe_split": body["input_data"]}, "/invocations") == (200, {"predictions": wanted})
        assert ask(port, None, "/swagger.json")[1]["definitions"]["ServiceInput"]["x-columns"]["required"] == [
            "age",
            "bmi",
        ]
        sample = re.search(r"-d '(\{.*\})'", (folder / "README.md").read_text())
        assert sample is not None
        assert ask(port, json.loads(sample[1]))[0] == 200


@pytest.mark.slow
def test_an_onnx_model_answers_as_in_process(onnx: Path) -> None:
    with serving(onnx) as port:
        assert ask(port, {"data": ROWS}) == (200, in_process(onnx, "trees-onnx"))
        tensor = {"name": "X", "shape": [4, 2], "datatype": "FP32", "data": [value for row in ROWS for value in row]}
        status, told = ask(port, {"inputs": [tensor]}, "/v2/models/trees-onnx/infer")
        assert status == 200
        assert told["outputs"][0]["data"] == [row[0] for row in in_process(onnx, "trees-onnx")]


@pytest.mark.slow
def test_a_container_answers_as_in_process(onnx: Path) -> None:
    """Built without a network; run by another user, on a file system that nothing is written to."""
    if reason := podman.missing():
        if os.environ.get("ZAFFRE_REQUIRE_PODMAN") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    engine, port = Podman(Path(tempfile.mkdtemp(prefix="zaffre-podman-"))), free_port()
    try:
        engine(
            "build", "-q", "--network", "none", "--build-arg", f"BASE={engine.base()}", "-t", "trees:1", ".", cwd=onnx
        )
        limits = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--memory", "512m")
        settings = ("-e", "ZAFFRE_SCORING_KEY=secret", "-e", f"ZAFFRE_PORT={port}")
        assert engine("run", "--network", "host", *limits, "-e", f"ZAFFRE_PORT={port}", "trees:1", check=False) == ""
        name = engine("run", "-d", "--network", "host", *limits, *settings, "-e", "ZAFFRE_HOST=127.0.0.1", "trees:1")

        def runs() -> bool:
            return engine("inspect", "--format", "{{.State.Running}}", name) == "true"

        until_healthy(port, runs, lambda: engine("logs", name))
        assert ask(port, {"data": ROWS})[0] == 401
        assert ask(port, {"data": ROWS}, key="secret") == (200, in_process(onnx, "trees-onnx"))
        (own,) = {line.split()[0] for line in engine("top", name, "user").splitlines()[1:]}
        assert own == "10001"
        engine("stop", "--time", "10", name)
        assert engine("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
    finally:
        engine.close()
