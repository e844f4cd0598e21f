"""MLflow and ONNX models without a scoring script: the forms they are asked in, and rows scored together."""

from __future__ import annotations

import json
import os
import signal
import struct
import threading
from typing import Any

import pytest
from live_endpoints import Place, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first test builds the environment as well
ENVIRONMENT = {
    "requirements": ["mlflow-skinny==3.4.0", "scikit-learn==1.7.2", "pandas==2.3.3", "skl2onnx==1.20.0",
                     "onnxruntime==1.23.2", "protobuf<7", "inference-schema==1.8"],
    "python_version": "3.11",
}  # fmt: skip
TRAIN = """
import sys, mlflow.sklearn, numpy, pandas
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression
table = pandas.DataFrame({"age": [20.0, 30.0, 50.0, 41.0], "bmi": [1.0, 5.0, 2.0, 4.5]})
model = LinearRegression().fit(table, 3 * table.age + 7 * table.bmi)
signature = infer_signature(table, model.predict(table))
mlflow.sklearn.save_model(model, sys.argv[1] + "/model", signature=signature, pip_requirements=["scikit-learn"])
made = to_onnx(LinearRegression().fit(table.to_numpy(), 3 * table.age + 7 * table.bmi), numpy.zeros((1, 2), numpy.float32))
open(sys.argv[1] + "/linear.onnx", "wb").write(made.SerializeToString())
"""


@pytest.fixture(scope="module")
def models(place: Place) -> Place:
    """Endpoints `mlflow` and `onnx`, both 3 age + 7 bmi."""
    place.code("train", TRAIN)
    job = {
        "type": "command", "command": "python score.py ${{outputs.made}}", "code": str(place.folder / "train"),
        "environment": ENVIRONMENT, "outputs": {"made": {"type": "uri_folder"}},
    }  # fmt: skip
    done = place.ws.jobs.wait(place.ws.jobs.create_or_update(job).name, 280)
    assert done.status == "Completed", place.ws.jobs.get(done.name).error
    outputs = f"azureml://jobs/{done.name}/outputs/made/paths"
    collect = {"collections": {"model_inputs": {"enabled": True}, "model_outputs": {"enabled": True}}}
    for name, model in (
        ("mlflow", {"path": f"{outputs}/model", "type": "mlflow_model"}),
        ("onnx", {"path": f"{outputs}/linear.onnx"}),
    ):
        place.endpoint(name)
        spec = {"name": "blue", "endpoint_name": name, "model": model, "environment": ENVIRONMENT}
        made = place.ws.online_deployments.begin_create_or_update(
            {**spec, "data_collector": collect}, all_traffic=True
        ).result()
        assert made.micro_batch == 64
    return place


def close(found: Any, *wanted: float) -> bool:
    flat = [value[0] if isinstance(value, list) else value for value in found]
    return len(flat) == len(wanted) and all(abs(a - b) < 1e-3 for a, b in zip(flat, wanted, strict=True))


SPLIT = {"columns": ["bmi", "age"], "data": [[1, 20], [2.5, 40]]}


def test_every_form_of_rows_gives_the_same(models: Place) -> None:
    named: list[dict[str, Any]] = [
        {"input_data": {**SPLIT, "index": [0, 1]}},
        {"dataframe_split": SPLIT},
        {"dataframe_records": [{"age": 20, "bmi": 1}, {"bmi": 2.5, "age": 40}]},
        {"inputs": {"age": [20, 40], "bmi": [1, 2.5]}},
        {"input_data": [[20, 1], [40, 2.5]]},
    ]
    for body in named:
        status, told, _ = models.post("mlflow", body)
        assert status == 200, told
        assert close(told, 67, 137.5)
    assert close(models.post("mlflow", {"dataframe_split": SPLIT}, "invocations")[1]["predictions"], 67, 137.5)
    assert close(models.post("onnx", {"data": [[20, 1], [40, 2.5]]})[1], 67, 137.5)


def test_wrong_columns_are_named_and_nothing_else(models: Place) -> None:
    for body, words in (
        ({"dataframe_records": [{"age": 1}]}, "missing columns: bmi"),
        ({"dataframe_records": [{"age": 1, "bmi": 2, "sex": 1}]}, "does not have: sex"),
        ({"input_data": [[1, "x"]]}, "column bmi: double was expected"),
        ({"input_data": [[1]]}, "a row has 1 values; the model has 2 columns"),
        ({"x": 1}, "none of the keys"),
        ([[1, True]], "column bmi"),
    ):
        status, told, _ = models.post("mlflow", body)
        assert status == 400
        assert words in told["error"]["message"]
    assert models.post("mlflow", b'{"input_data": [[1, NaN]]}')[0] == 400
    assert models.post("onnx", {"data": [[1, 2, 3]]})[0] == 400
    assert models.post("onnx", {"data": [["a", "b"]]})[0] == 400


@pytest.mark.parametrize("name", ["mlflow", "onnx"])
def test_rows_that_wait_are_scored_together_and_each_caller_gets_its_own(models: Place, name: str) -> None:
    wrong: list[Any] = []

    def call(number: int) -> None:
        for i in range(20):
            age = number * 100 + i
            body: Any = {"input_data": [[age, 1], [age, 2]]} if i % 5 else {"input_data": [[age, "x"]]}
            status, told, _ = models.post(name, body)
            if i % 5 and not (status == 200 and close(told, 3 * age + 7, 3 * age + 14)):
                wrong.append((status, told))
            if not i % 5 and status != 400:
                wrong.append((status, told))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong, wrong[:3]


def test_open_inference_in_json_and_in_bytes(models: Place) -> None:
    ask = {"id": "7", "inputs": [{"name": "X", "shape": [2, 2], "datatype": "FP32", "data": [20, 1, 40, 2.5]}]}
    status, told, _ = models.post("onnx", ask, "v2/models/blue/infer")
    assert (status, told["id"], told["model_name"]) == (200, "7", "blue")
    assert close(told["outputs"][0]["data"], 67, 137.5)
    tensor = struct.pack("<4f", 20, 1, 40, 2.5)
    head = {"inputs": [{"name": "X", "shape": [2, 2], "datatype": "FP32", "parameters": {"binary_data_size": 16}}]}
    text = json.dumps(head).encode()
    status, told, _ = models.post(
        "onnx", text + tensor, "v2/models/blue/infer", Inference_Header_Content_Length=str(len(text))
    )
    assert status == 200
    assert close(told["outputs"][0]["data"], 67, 137.5)
    for broken in (
        {"inputs": []},
        {"inputs": [{"name": "X", "shape": [3, 2], "datatype": "FP32", "data": [1]}]},
        {"inputs": [{"name": "X", "shape": [1, -2], "datatype": "FP32", "data": [1, 2]}]},
        {"inputs": [{"name": "X", "shape": [1, 2], "datatype": "XX", "data": [1, 2]}]},
        {"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 1 << 40}}]},
    ):
        assert models.post("onnx", broken, "v2/models/blue/infer")[0] == 400, broken
    assert models.post("onnx", ask, "v2/models/other/infer")[0] == 404
    by_column = {
        "inputs": [{"name": n, "shape": [1], "datatype": "FP64", "data": [v]} for n, v in (("age", 20), ("bmi", 1))]
    }
    assert close(models.post("mlflow", by_column, "v2/models/mlflow/infer")[1]["outputs"][0]["data"], 67)


DECORATED = """
import datetime
import numpy as np, pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
def init():
    pass
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@input_schema("frame", PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]})))
@input_schema("n", StandardPythonParameterType(1))
@input_schema("day", StandardPythonParameterType(datetime.datetime(2026, 1, 1)))
@output_schema(StandardPythonParameterType([1.0]))
def run(data, frame, n=1, day="2026-01-01"):
    if n == 13:
        raise ValueError("secret " + __file__)
    if n == 14:
        int("within run")
    return [float(data.sum()), int(frame["a"].sum()), n, day.year]
"""
GOOD = {"data": [[1, 2], [3, 4]], "frame": [{"a": 1, "b": "y"}, {"a": 2, "b": "z"}], "n": 5, "day": "2027-01-02"}


def test_values_that_a_decorator_cannot_convert_are_named(models: Place) -> None:
    models.endpoint("decorated")
    models.deploy("decorated", "blue", DECORATED, environment=ENVIRONMENT)
    assert models.post("decorated", GOOD)[:2] == (200, [10.0, 3, 5, 2027])
    for wrong, words in (
        ({"data": 5}, "`data`: Invalid input format: expected an array"),
        ({"data": None}, "`data`: "),
        ({"data": [["x", 1]]}, "`data`: could not convert string to float: 'x'"),
        ({"data": [[1]]}, "`data`: Invalid input array: array has size 1"),
        ({"data": [[1, 2], [3]]}, "`data`: "),
        ({"data": [[1, {}]]}, "`data`: "),
        ({"frame": 5}, "`frame`: Error, unable to convert input"),
        ({"frame": [{"a": "x", "b": 1}]}, "`frame`: "),
        ({"frame": [{"a": 1}]}, "`frame`: Invalid input data frame"),
        ({"frame": {"a": 1}}, "`frame`: "),
        ({"frame": [{"a": None, "b": 1}]}, "`frame`: "),
        ({"frame": [{"a": 10**30, "b": 1}]}, "`frame`: "),
        ({"n": "5"}, "`n`: Invalid input data type to parse"),
        ({"day": "yesterday"}, "`day`: "),
        ({"day": 5}, "`day`: "),
    ):
        status, told, _ = models.post("decorated", {**GOOD, **wrong})
        assert (status, told["error"]["code"]) == (400, "BadInput"), (wrong, told)
        assert told["error"]["message"].startswith(words), told
        assert ".py" not in told["error"]["message"]
    for number in (13, 14):  # what `run` itself raises is the model's failure
        status, told, _ = models.post("decorated", {**GOOD, "n": number})
        assert (status, told["error"]["code"]) == (500, "ModelFailed")
        assert "secret" not in json.dumps(told)
    assert models.post("decorated", {"data": [[1, 2]]})[1]["error"]["message"] == "a value for `frame` is missing"


def test_what_went_in_and_out_lies_in_the_datastore_as_tables(models: Place) -> None:
    import pyarrow.parquet as pq

    assert models.post("onnx", {"data": [[12345, 1]]})[0] == 200

    def written(collection: str, **wanted: Any) -> list[Any]:
        files = (models.home / "collected").glob(f"*/{collection}.*.jsonl")
        lines = [json.loads(line) for path in files for line in path.read_text().splitlines() if line.endswith("}")]
        return [one for one in lines if wanted.items() <= one.items()]

    (asked,) = until(lambda: written("model_inputs", data={"data": [[12345, 1]]}))
    until(lambda: written("model_outputs", correlationid=asked["correlationid"]))
    for task in json.loads((models.home / "serving/default/onnx/blue/state.json").read_text())["workers"]:
        os.killpg(task["handle"]["pid"], signal.SIGKILL)  # it lets its files go
    folder = models.home / "workspaces/default/workspaceblobstore/modelDataCollector/onnx/blue"

    def kept(collection: str) -> list[Any]:
        return [row for path in (folder / collection).rglob("*.parquet") for row in pq.read_table(path).to_pylist()]

    taken = until(lambda: [one for one in kept("model_inputs") if one["data"] == '{"data": [[12345, 1]]}'])
    given = until(lambda: [one for one in kept("model_outputs") if one["correlationid"] == taken[0]["correlationid"]])
    assert close(json.loads(given[0]["data"]), 3 * 12345 + 7)
    assert until(lambda: models.post("onnx", {"data": [[1, 1]]})[0] == 200)
