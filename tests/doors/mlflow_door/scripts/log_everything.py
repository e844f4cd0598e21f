"""What every release of the client can do: log, nest, search, read back, delete, restore."""

import math
import os
import tempfile
import threading

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

client = MlflowClient()


def refused(code, call, *args, **options):
    try:
        call(*args, **options)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return str(error)
    raise AssertionError("not refused")


with mlflow.start_run() as first:  # no experiment named: the one called Default
    mlflow.log_metric("early", 1)
assert first.info.experiment_id == "0" and client.get_experiment("0").name == "Default"

experiment_id = mlflow.create_experiment("wine ü/1", tags={"team": "a"})
mlflow.set_experiment("wine ü/1")
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "wine ü/1")
refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "12345")
assert client.get_experiment_by_name("nobody") is None
client.set_experiment_tag(experiment_id, "owner", "b")
assert client.get_experiment(experiment_id).tags == {"team": "a", "owner": "b"}

with mlflow.start_run(run_name="outer") as run:
    mlflow.log_param("depth", 3)
    mlflow.log_param("depth", 3)
    mlflow.log_params({"rate": 0.1, "päth/with space": "ü" * 250})
    for step in range(10):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"nan": math.nan, "plus": math.inf, "minus": -math.inf, "big": 1e300})
    mlflow.log_metric("back", 2.0, step=5)
    mlflow.log_metric("back", 9.0, step=-3)
    mlflow.set_tags({"kind": "outer", "mlflow.note.content": "said", "gone": "x"})
    mlflow.delete_tag("gone")
    text = refused("INVALID_PARAMETER_VALUE", client.log_param, run.info.run_id, "depth", 4)
    assert "depth" in text
    mlflow.log_text("hello ü", "notes/a b.txt")
    mlflow.log_dict({"a": 1}, "a.json")
    with mlflow.start_run(run_name="inner", nested=True) as inner:
        mlflow.log_metric("loss", 0.5)
    assert mlflow.get_artifact_uri().startswith("mlflow-artifacts:/")

run_id = run.info.run_id
read = client.get_run(run_id)
assert read.info.status == "FINISHED" and read.info.end_time >= read.info.start_time
assert read.data.params == {"depth": "3", "rate": "0.1", "päth/with space": "ü" * 250}
values = read.data.metrics
assert math.isnan(values["nan"]) and values["plus"] == math.inf and values["minus"] == -math.inf
assert values["loss"] == 0.1 and values["big"] == 1e300 and values["back"] == 2.0
assert read.data.tags["mlflow.runName"] == "outer" and "gone" not in read.data.tags
assert client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == run_id

history = client.get_metric_history(run_id, "loss")
assert [(m.step, m.value) for m in history] == [(step, 1 / (step + 1)) for step in range(10)]
assert math.isnan(client.get_metric_history(run_id, "nan")[0].value)
assert client.get_metric_history(run_id, "plus")[0].value == math.inf

assert {f.path for f in client.list_artifacts(run_id)} == {"notes", "a.json"}
assert [(f.path, f.file_size) for f in client.list_artifacts(run_id, "notes")] == [("notes/a b.txt", 8)]
folder = tempfile.mkdtemp()
path = client.download_artifacts(run_id, "notes", folder)
with open(os.path.join(path, "a b.txt"), encoding="utf-8") as file:
    assert file.read() == "hello ü"


def found(text, **options):
    return {r.info.run_id for r in client.search_runs([experiment_id], text, **options)}


both = {run_id, inner.info.run_id}
assert found("") == both
assert found("metrics.loss < 0.2 and params.depth = '3'") == {run_id}
assert found("tags.kind = 'outer' AND attributes.status = 'FINISHED'") == {run_id}
assert found(f"tags.mlflow.parentRunId = '{run_id}'") == {inner.info.run_id}
assert found("params.`päth/with space` LIKE 'ü%'") == {run_id}
assert found("params.rate LIKE '0.%'") == {run_id} and found("tags.kind ILIKE 'OUT%'") == {run_id}
assert found("tags.kind LIKE 'OUT%'") == set()
assert [r.info.run_id for r in client.search_runs([experiment_id], order_by=["metrics.loss DESC"])] == [
    inner.info.run_id,
    run_id,
]
refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment_id], "metrics.loss >")
refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment_id], "params.x = '1' OR params.x = '2'")
page = client.search_runs([experiment_id], max_results=1)
rest = client.search_runs([experiment_id], max_results=1, page_token=page.token)
assert {page[0].info.run_id, rest[0].info.run_id} == both and not rest.token

client.delete_run(inner.info.run_id)
assert found("") == {run_id} and found("", run_view_type=ViewType.DELETED_ONLY) == {inner.info.run_id}
refused("INVALID_PARAMETER_VALUE", client.log_metric, inner.info.run_id, "x", 1)
client.restore_run(inner.info.run_id)
assert found("") == both
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "nobody")

client.log_batch(
    run_id,
    metrics=[Metric("batch", i, 1000 + i, i) for i in range(997)],
    params=[Param("p", "1")],
    tags=[RunTag("t", "1")],
)
assert len(client.get_metric_history(run_id, "batch")) == 997

run8 = client.create_run(experiment_id)


def write(key):
    for step in range(150):
        client.log_metric(run8.info.run_id, key, step, step=step)


threads = [threading.Thread(target=write, args=(f"k{n}",)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for n in range(8):
    assert [m.step for m in client.get_metric_history(run8.info.run_id, f"k{n}")] == list(range(150))
client.set_terminated(run8.info.run_id, "FAILED")
assert client.get_run(run8.info.run_id).info.status == "FAILED"

client.delete_experiment(experiment_id)
assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
refused("INVALID_PARAMETER_VALUE", client.create_run, experiment_id)
client.restore_experiment(experiment_id)
client.rename_experiment(experiment_id, "renamed")
assert client.get_experiment_by_name("renamed").experiment_id == experiment_id
print("done", mlflow.__version__)
