"""What a training script in a job does: MLFLOW_RUN_ID and MLFLOW_EXPERIMENT_NAME are set."""

import os

import mlflow

run_id = os.environ["MLFLOW_RUN_ID"]
with mlflow.start_run() as run:
    assert run.info.run_id == run_id
    mlflow.log_metric("inside", 1)
    with mlflow.start_run(nested=True):
        mlflow.log_metric("below", 2)
assert mlflow.MlflowClient().get_run(run_id).info.status == "RUNNING"
print("done")
