"""Judge the model by the patients it has not seen."""

import argparse
import json
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path)
parser.add_argument("--model")
parser.add_argument("--scores", type=Path)
args = parser.parse_args()

patients = pd.read_csv(args.tables / "test.csv")
worse = patients.pop("worse")
chance = mlflow.sklearn.load_model(args.model).predict_proba(patients)[:, 1]
scores = {
    "auc": roc_auc_score(worse, chance),
    "accuracy": accuracy_score(worse, chance > 0.5),
    "recall": recall_score(worse, chance > 0.5),
}
mlflow.log_metrics(scores)
args.scores.write_text(json.dumps(scores))
print(", ".join(f"{name} {value:.3f}" for name, value in scores.items()))
