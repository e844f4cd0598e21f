"""One step that logs all kinds of things."""

import sys
from pathlib import Path

import mlflow
from sklearn.linear_model import Ridge

with mlflow.start_run():
    mlflow.log_params({"alpha": 0.5, "kind": "ridge"})
    for step in range(3):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
    mlflow.log_text("all is well", "notes/said.txt")
    model = Ridge(alpha=0.5).fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    mlflow.sklearn.log_model(model, name="in_run", pip_requirements=["scikit-learn==1.7.2"])
Path(sys.argv[1], "done.txt").write_text("done")
Path("outputs/kept.txt").write_text("kept")
print("these lines were printed once")
