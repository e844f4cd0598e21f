"""Train on the table that is given: autologged, with a model for the registry and one in the run."""

import argparse
import json
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.linear_model import Ridge

parser = argparse.ArgumentParser()
parser.add_argument("--table")
parser.add_argument("--alpha", type=float)
parser.add_argument("--model")
parser.add_argument("--weights", type=Path)
args = parser.parse_args()

mlflow.sklearn.autolog(log_models=False)
table = pd.read_csv(args.table)
x, y = table[["a", "b"]], table["y"]
with mlflow.start_run() as run:  # the job
    model = Ridge(alpha=args.alpha).fit(x, y)
    for step in range(3):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
    mlflow.log_param("alpha_given", args.alpha)
    mlflow.log_dict({"rows": len(table)}, "notes/table.json")
    requirements = ["scikit-learn==1.7.2"]
    mlflow.sklearn.save_model(model, args.model, pip_requirements=requirements, input_example=x.head(2))
    mlflow.sklearn.log_model(model, name="in_run", pip_requirements=requirements)
(args.weights / "weights.json").write_text(json.dumps({"coef": list(model.coef_), "intercept": model.intercept_}))
Path("outputs/said.txt").write_text("by default outputs are kept")
print("active run:", run.info.run_id)
