"""Autolog of scikit-learn: a pipeline and a search, which makes nested runs; system metrics beside."""

import time

import mlflow
import pandas
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

client = MlflowClient()
X, y = load_iris(return_X_y=True, as_frame=True)
mlflow.set_experiment("autolog")
mlflow.set_system_metrics_sampling_interval(0.2)
mlflow.set_system_metrics_samples_before_logging(1)
mlflow.sklearn.autolog(max_tuning_runs=3)
with mlflow.start_run(log_system_metrics=True) as run:
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    GridSearchCV(steps, {"logisticregression__C": [0.01, 1.0, 10.0]}, cv=3).fit(X, y)
    time.sleep(1)
read = client.get_run(run.info.run_id)
assert read.data.metrics["best_cv_score"] > 0.9 and read.data.params["best_logisticregression__C"]
assert any(key.startswith("system/cpu") for key in read.data.metrics), sorted(read.data.metrics)
assert len(client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")) >= 2
assert read.inputs.dataset_inputs[0].dataset.digest
below = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
assert len(below) == 3 and all("mean_test_score" in item.data.metrics for item in below)
used = client.search_runs([run.info.experiment_id], "datasets.context = 'train'")
assert run.info.run_id in [item.info.run_id for item in used]
names = [item.path for item in client.list_artifacts(run.info.run_id)]
assert "cv_results.csv" in names, names
for name in ("model", "best_estimator"):
    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/{name}")
    assert len(loaded.predict(pandas.DataFrame(X[:3]))) == 3
print("done", mlflow.__version__)
