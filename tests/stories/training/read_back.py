"""Outside of any job: everything that a job logged and registered, by the unmodified MLflow client."""

import json
import sys

import mlflow
import pandas as pd
from mlflow import MlflowClient

job, experiment, registered = sys.argv[1:]
client = MlflowClient()
run = client.get_run(job)
assert run.info.status == "FINISHED", run.info.status
assert run.data.params["alpha"] == "0.5", run.data.params  # autologged
assert run.data.params["alpha_given"] == "0.5"
assert run.data.metrics["training_r2_score"] > 0.99, run.data.metrics  # autologged
assert [(point.step, point.value) for point in client.get_metric_history(job, "loss")] == [
    (0, 1.0),
    (1, 0.5),
    (2, 1 / 3),
]
assert run.data.tags["estimator_name"] == "Ridge", run.data.tags
paths = {item.path for item in client.list_artifacts(job)}
assert {"notes", "outputs", "user_logs"} <= paths, paths
assert "in_run/MLmodel" in {item.path for item in client.list_artifacts(job, "in_run")}
assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/notes/table.json") == {"rows": 40}
assert mlflow.artifacts.load_text(f"runs:/{job}/outputs/said.txt") == "by default outputs are kept"

found = client.get_experiment_by_name(experiment)
(same,) = client.search_runs([found.experiment_id], filter_string="params.alpha = '0.5' and metrics.loss < 0.4")
assert same.info.run_id == job

rows = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0]})
version = client.get_model_version(registered, "1")
assert (version.status, version.run_id) == ("READY", job), version
latest = mlflow.sklearn.load_model(f"models:/{registered}/1").predict(rows)
again = mlflow.sklearn.load_model(f"models:/{registered}/latest").predict(rows)
in_run = mlflow.sklearn.load_model(f"runs:/{job}/in_run").predict(rows)
flavored = mlflow.pyfunc.load_model(f"models:/{registered}/1").predict(rows)
client.set_registered_model_alias(registered, "champion", "1")
champion = mlflow.sklearn.load_model(f"models:/{registered}@champion").predict(rows)
for other in (again, in_run, flavored, champion):
    assert list(other) == list(latest)
print(json.dumps(list(latest)))
