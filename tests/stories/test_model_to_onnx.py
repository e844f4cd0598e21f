"""Models of every kind become ONNX and say the same; what cannot is named; files of every kind become versions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from place import ServerPlace

from zaffre.base.errors import InvalidRequest, ZaffreError
from zaffre.base.home import Home
from zaffre.sdk.connect import launch, stop

pytestmark = pytest.mark.slow
SCRIPTS = Path(__file__).parent / "onnx"
PACKAGES = [
    "mlflow-skinny==3.4.0",
    "scikit-learn==1.7.2",
    "pandas==2.3.3",
    "xgboost==3.2.0",
    "lightgbm==4.6.0",
    "torch",
]
ENVIRONMENT = {"requirements": PACKAGES, "python_version": "3.11"}
KINDS = ("gradient", "forest", "hist", "logistic", "boosted_pipeline", "xgboost", "lightgbm", "torch")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[ServerPlace]:
    """A server with a model of every kind, made by one job; the export environment is made once for all of them."""
    from zaffre import Workspace

    folder = tmp_path_factory.mktemp("onnx")
    home, project = folder / "home", folder / "project"
    home.mkdir(mode=0o700)
    project.mkdir()
    (home / "environments").symlink_to(environments)
    launch(Home(home))
    with Workspace.from_home(home, start=False) as ws:
        found = ServerPlace(home, project, ws)
        spec = {
            "type": "command", "code": str(SCRIPTS), "command": "python make_models.py ${{outputs.models}}",
            "environment": ENVIRONMENT, "outputs": {"models": {"type": "uri_folder"}},
        }  # fmt: skip
        job = found.run(spec)
        for kind in (*KINDS, "own_function"):
            path = f"azureml://jobs/{job.name}/outputs/models/paths/{kind}"
            ws.models.create_or_update({"name": kind, "type": "mlflow_model", "path": path})
        ws.jobs.download(job.name, project, output_name="models")
        yield found
    stop(Home(home))


@pytest.fixture(scope="module")
def exported(place: ServerPlace) -> dict[str, Any]:
    """Every kind at once; the jobs, ended."""
    jobs = {kind: place.ws.models.export(kind).name for kind in KINDS}
    return {kind: place.ws.jobs.wait(name, 280) for kind, name in jobs.items()}


def more(view: Any, key: str) -> Any:
    return (view.model_extra or {}).get(key)


@pytest.mark.parametrize("kind", KINDS)
def test_both_say_the_same(place: ServerPlace, exported: dict[str, Any], kind: str) -> None:
    job = exported[kind]
    assert job.status == "Completed", place.log(job.name)
    made = place.ws.models.get(f"{kind}-onnx", "1")
    assert set(more(made, "flavors")) == {"onnx", "python_function"}
    assert more(made, "lineage")["inputs"][0] == f"model:{kind}:1"
    told = more(made, "conversion")
    assert told["comparison"]["agrees"]
    assert told["sample"] == {"rows": 100, "source": "input example", "notes": []}
    outputs = {item["name"]: item for item in told["comparison"]["outputs"]}
    assert set(outputs) == ({"output"} if kind == "torch" else {"label", "probabilities"})
    for item in outputs.values():
        assert item["disagree"] == 0
        if item["kind"] != "label":
            assert 0 <= item["worst_abs"] < 1e-5
    assert told["onnx"]["dynamic_batch"]
    assert told["onnx"]["bytes"] > 100
    assert [told["platforms"][name]["verdict"] for name in ("linux", "android", "ios")] == ["runs", "fits", "fits"]
    assert "not run on a device" in told["platforms"]["ios"]["why"]
    log = place.log(job.name)
    assert "tolerance: labels equal" in log
    assert more(place.ws.models.get(kind), "derived") == [f"{kind}-onnx:1"]


READ_BACK = """
import json, sys, onnxruntime, mlflow.pyfunc, numpy, pandas
from mlflow.models import Model
folder, source = sys.argv[1:]
session = onnxruntime.InferenceSession(folder + "/model.onnx")
example = json.load(open(source + "/input_example.json"))
table = pandas.DataFrame(example["data"], columns=example["columns"])
kinds = {"tensor(string)": object, "tensor(int64)": "int64", "tensor(float)": "float32", "tensor(double)": "float64"}
feed = {item.name: table[[item.name]].to_numpy().astype(kinds[item.type]) for item in session.get_inputs()}
labels = session.run(["label"], feed)[0].ravel()
pyfunc = mlflow.pyfunc.load_model(folder).predict(feed)
wanted = mlflow.pyfunc.load_model(source).predict(table)
print((labels == wanted).all(), (pyfunc["label"].ravel() == wanted).all())
"""


def test_onnxruntime_and_mlflow_open_the_result(place: ServerPlace, exported: dict[str, Any]) -> None:
    place.ws.models.download("logistic-onnx", place.project / "back", version="1")
    python = _python(place)
    words = [
        python,
        "-W",
        "ignore",
        "-c",
        READ_BACK,
        str(place.project / "back/logistic-onnx"),
        str(next(place.project.rglob("logistic"))),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr[-3000:]


def _python(place: ServerPlace) -> str:
    """Of the environment in which the exports ran."""
    found = next(path for path in (place.home / "environments").glob("[0-9a-f]*/lib/*/site-packages/skl2onnx")
                 if (path.parent / "torch").exists())  # fmt: skip
    return str(found.parents[3] / "bin" / "python")


def test_a_part_that_cannot_be_converted_is_named(place: ServerPlace, exported: dict[str, Any]) -> None:
    said = place.zaffre("model", "export", "own_function", "--to", "onnx", "-o", "json", status=1)
    assert "logs (FunctionTransformer)" in said
    assert "log1p" in said
    with pytest.raises(ZaffreError):
        place.ws.models.get("own_function-onnx")


def test_what_differs_is_not_registered(place: ServerPlace, exported: dict[str, Any]) -> None:
    said = place.zaffre(
        "model",
        "export",
        "gradient:1",
        "--to-name",
        "strict",
        "--rtol",
        "1e-12",
        "--atol",
        "1e-12",
        "-o",
        "json",
        status=1,
    )
    assert "the converted model says something else: probabilities differs by" in said
    assert "hint: allow more" in said
    with pytest.raises(ZaffreError):
        place.ws.models.get("strict")


def test_a_sample_of_the_user_and_the_table_on_the_terminal(place: ServerPlace, exported: dict[str, Any]) -> None:
    table = place.project / "rows.csv"
    table.write_text("years,age,income,debt,other\n" + "".join(f"{n},{-n},{n / 7},0.5,x\n" for n in range(40)))
    said = place.zaffre("model", "export", "--name", "forest", "--version", "1", "--to", "onnx", "--sample", str(table))
    assert "probabilities" in said
    assert "sample: 40 rows, given" in said
    assert place.ws.models.get("forest-onnx").version == "2"
    history = place.json("model", "history", "forest")
    assert [entry["action"] for entry in history][:2] == ["export", "export"]


FORMATS = {
    "boosted.json": ("xgboost", ["income", "age", "debt", "years"]),
    "boosted.ubj": ("xgboost", None),
    "light.txt": ("lightgbm", ["income", "age", "debt", "years"]),
    "net.pt": ("pytorch", None),
}


@pytest.mark.parametrize("name", FORMATS)
def test_safe_files_become_versions_at_once(place: ServerPlace, name: str) -> None:
    file = next(place.project.rglob(name))
    found = place.json("model", "import", str(file), "--name", name.replace(".", "-"))
    format_, columns = FORMATS[name]
    assert found["format"] == format_
    if columns:
        assert [item["name"] for item in found["signature"]["inputs"]] == columns


def test_sec_06_a_pickle_is_opened_in_a_job_after_consent(place: ServerPlace, exported: dict[str, Any]) -> None:
    file = str(next(place.project.rglob("forest.joblib")))
    looked = place.json("model", "inspect", file)
    assert looked["pickles"][0]["suspicious"] == []
    assert "sklearn.ensemble._forest.RandomForestClassifier" in looked["pickles"][0]["globals"]
    said = place.zaffre("model", "import", file, "--name", "adopted", status=2)
    assert "opening one runs whatever program it names" in said
    environment = place.project / "env.yml"
    environment.write_text(
        json.dumps({"requirements": ["scikit-learn==1.7.2", "pandas==2.3.3"], "python_version": "3.11"})
    )
    place.zaffre("model", "import", file, "--name", "adopted", "--allow-pickle", "--environment", str(environment))
    found = place.ws.models.get("adopted", "1")
    assert more(found, "flavors")["sklearn"]["sklearn_version"] == "1.7.2"
    with pytest.raises(InvalidRequest, match="weights"):
        place.ws.models.import_files("w", next(place.project.rglob("weights.pt")))
