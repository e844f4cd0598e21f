"""Models and endpoints for the pages that show them: scripts that answer at once, and an MLflow model without pickles."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import Any

from studio_place import HOSTILE, PYTHON, Place, until

SCORE = """
import json, time
FACTOR = {factor}
def init():
    print("loaded")
def run(data):
    asked = json.loads(data)
    table = asked["input_data"]
    if table["data"][0][0] == 666:
        raise ValueError("this patient cannot be")
    time.sleep({pause})
    return [round(FACTOR * (3 * row[0] + 7 * row[1]), 3) for row in table["data"]]
"""
LOADER = """
class Progression:
    def predict(self, table, params=None):
        return [3 * age + 7 * bmi for age, bmi in zip(table["age"], table["bmi"])]
def _load_pyfunc(path):
    return Progression()
"""
MLMODEL = {
    "flavors": {"python_function": {"loader_module": "progression_model", "code": "code", "data": "data",
                                    "env": {"virtualenv": "python_env.yaml"}, "python_version": "3.11"}},
    "signature": {"inputs": json.dumps([{"name": "age", "type": "double"}, {"name": "bmi", "type": "double"}]),
                  "outputs": json.dumps([{"type": "double"}])},
    "saved_input_example_info": {"artifact_path": "input_example.json", "type": "dataframe", "pandas_orient": "split"},
    "mlflow_version": "3.4.0",
}  # fmt: skip
EXAMPLE = {"columns": ["age", "bmi"], "data": [[59.0, 32.1], [48.0, 21.6], [72.0, 30.5]]}
REPORT = {
    "source": "risk:2",
    "sample": {"rows": 120, "source": "rows that the run read"},
    "comparison": {
        "agrees": True, "one_row_alone": True, "onnxruntime": "1.23.2", "rtol": 1e-3, "atol": 1e-5,
        "outputs": [
            {"name": "label", "kind": "label", "rows": 120, "disagree": 0, "where": [], "agrees": True},
            {"name": "probabilities", "kind": "probabilities", "rows": 120, "worst_abs": 2.4e-7, "worst_rel": 8.1e-7,
             "disagree": 0, "where": [], "agrees": True},
        ],
    },
    "onnx": {"bytes": 18_400, "ir_version": 8, "opsets": {"ai.onnx": 17, "ai.onnx.ml": 3}, "dynamic_batch": True,
             "operators": {"ai.onnx.ml:TreeEnsembleClassifier": 1, "ai.onnx.ml:Scaler": 1},
             "inputs": [{"name": "age", "type": "float", "shape": ["any", 1]}],
             "outputs": [{"name": "label", "type": "int64", "shape": ["any"]}]},
    "platforms": {
        "linux": {"verdict": "ran", "why": "120 rows with onnxruntime 1.23.2 on the CPU"},
        "android": {"verdict": "should run", "why": "every operator is in onnxruntime-android"},
        "ios": {"verdict": "should run", "why": "every operator is in onnxruntime-c"},
    },
}  # fmt: skip


def model_files() -> dict[str, str]:
    return {
        "MLmodel": json.dumps(MLMODEL), "code/progression_model.py": LOADER, "data/numbers.json": "[3, 7]",
        "input_example.json": json.dumps(EXAMPLE), "requirements.txt": "mlflow-skinny==3.4.0\npandas==2.3.3\n",
        "python_env.yaml": "python: '3.11'\n",
    }  # fmt: skip


def seed_serving(place: Place) -> None:
    """Endpoint `risk` with blue and green, an empty one, a hostile one; models `risk` and `risk-onnx`."""
    for number, (auc, about) in enumerate([(0.81, "baseline"), (0.84, "with site D"), (0.79, "fewer columns")], 1):
        job = place.run("risk", f"risk {number}", {"depth": number}, {"auc": [auc], "log_loss": [0.6 - auc / 4]})
        spec = {"name": "risk", "version": str(number), "type": "mlflow_model", "path": place.tree(model_files()),
                "description": about, "tags": {HOSTILE: HOSTILE} if number == 3 else {"team": "clinical"}}  # fmt: skip
        place.api("POST", "/models", {"spec": spec, "job_name": job})
    place.api("POST", "/models/risk/approval", {"version": "2", "reason": "better on the patients of site D"})
    place.api("POST", "/models/risk/approve", {"version": "2", "reason": "checked by the board"})
    place.api("POST", "/models/risk/aliases", {"alias": "champion", "version": "2"})
    place.api("POST", "/models/risk/approval", {"version": "3"})
    onnx = {"MLmodel": json.dumps({"flavors": {"onnx": {"data": "model.onnx"}}}), "onnx_report.json": json.dumps(REPORT),
            "model.onnx": "not opened by anybody here"}  # fmt: skip
    spec = {"name": "risk-onnx", "version": "1", "type": "mlflow_model", "path": place.tree(onnx)}
    place.api("POST", "/models", {"spec": spec})
    place.api("POST", "/online-endpoints", {"spec": {"name": "risk", "description": "progression of patients"}})
    for name, factor in (("blue", 1), ("green", 1.001)):
        deploy(place, "risk", name, SCORE.format(factor=factor, pause=0.002 * (1 + factor)), name == "blue")
    place.api("PATCH", "/online-endpoints/risk", {"changes": {"traffic": {"blue": 90, "green": 10}}})
    place.api("POST", "/online-endpoints", {"spec": {"name": "empty", "description": HOSTILE, "tags": {"by": HOSTILE}}})
    place.api("POST", "/batch-endpoints", {"spec": {"name": "nightly", "description": "scores what came in"}})


def deploy(place: Place, endpoint: str, name: str, code: str, all_traffic: bool) -> None:
    spec: dict[str, Any] = {
        "name": name, "endpoint_name": endpoint, "environment": PYTHON,
        "code_configuration": {"code": place.tree({"score.py": code}), "scoring_script": "score.py"},
    }  # fmt: skip
    place.api("POST", "/online-deployments", {"spec": spec, "all_traffic": all_traffic})
    path = f"/online-endpoints/{endpoint}/deployments/{name}"
    until(lambda: place.api("GET", path)["provisioning_state"] in ("Succeeded", "Failed"))
    assert place.api("GET", path)["provisioning_state"] == "Succeeded", place.api("GET", path)


def ask(place: Place, times: int) -> None:
    """Some traffic, a few requests of it wrong."""
    for at in range(times):
        table = {"columns": ["age", "bmi"], "data": [[666 if at % 40 == 39 else 20 + at % 60, 21.5]]}
        place.api("POST", "/online-endpoints/risk/invoke", {"body": {"input_data": table}})


def end_serving(place: Place) -> None:
    """The gateway and the workers outlive their server, so they are asked to go before it goes."""
    for endpoint in place.api("GET", "/online-endpoints")["items"]:
        place.api("DELETE", f"/online-endpoints/{endpoint['name']}")
    until(lambda: not list((place.home / "serving/s").glob("*.sock")))
    with contextlib.suppress(OSError, ValueError):
        os.kill(json.loads((place.home / "serving/gateway.json").read_text())["pid"], signal.SIGTERM)
