"""Judge the model on rows it has not seen."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.metrics import accuracy_score, roc_auc_score

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path)
parser.add_argument("--model")
args = parser.parse_args()

table = pd.read_csv(args.tables / "test.csv")
model = mlflow.sklearn.load_model(args.model)
chance = model.predict_proba(table.drop(columns="risk"))[:, 1]
mlflow.log_metric("accuracy", accuracy_score(table["risk"], chance > 0.5))
mlflow.log_metric("auc", roc_auc_score(table["risk"], chance))
print(f"area under the curve {roc_auc_score(table['risk'], chance):.3f}")
