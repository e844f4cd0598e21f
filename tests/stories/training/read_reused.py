"""A reused run shows what the run that it reuses has logged; nothing can be added to it."""

import sys

import mlflow
from mlflow import MlflowClient

first, reused = sys.argv[1:]
client = MlflowClient()
really, run = client.get_run(first), client.get_run(reused)
assert run.info.run_id == reused
assert run.info.status == "FINISHED"
assert run.data.metrics == really.data.metrics == {"loss": 1 / 3}, run.data.metrics
assert run.data.params == {"alpha": "0.5", "kind": "ridge"}, run.data.params
assert run.data.tags["zaffre.reused_from"] == first, run.data.tags
assert client.get_metric_history(reused, "loss")[0].value == 1.0
assert {item.path for item in client.list_artifacts(reused)} >= {"notes", "outputs", "user_logs", "in_run"}
assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/said.txt") == "all is well"
assert mlflow.artifacts.load_text(f"runs:/{reused}/notes/said.txt") == "all is well"
assert round(mlflow.sklearn.load_model(f"runs:/{reused}/in_run").predict([[1.0]])[0]) == 2
found = client.search_runs(
    [run.info.experiment_id], "metrics.loss < 0.4 and params.kind = 'ridge'", order_by=["metrics.loss"]
)
assert {one.info.run_id for one in found} >= {first, reused}, found
for write in (
    lambda: client.log_metric(reused, "loss", 9.0),
    lambda: client.log_param(reused, "more", 1),
    lambda: client.log_text(reused, "x", "notes/said.txt"),
):
    try:
        write()
    except Exception as error:  # of the client, or of the library that it transfers files by
        assert "reused" in str(error), error
    else:
        raise AssertionError("a reused run was written to")
client.set_tag(reused, "mine", "yes")
assert client.get_run(reused).data.tags["mine"] == "yes"
assert "mine" not in client.get_run(first).data.tags
assert client.get_run(first).data.metrics == {"loss": 1 / 3}
