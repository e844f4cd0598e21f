"""Train a forest and save it as an MLflow model."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
import sklearn
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path)
parser.add_argument("--trees", type=int)
parser.add_argument("--depth", type=int)
parser.add_argument("--model")
args = parser.parse_args()

patients = pd.read_csv(args.tables / "train.csv")
measures, worse = patients.drop(columns="worse"), patients["worse"]
forest = RandomForestClassifier(args.trees, max_depth=args.depth, oob_score=True, random_state=7).fit(measures, worse)

mlflow.log_params({"trees": args.trees, "depth": args.depth})
mlflow.log_metric("oob_accuracy", forest.oob_score_)  # each tree is asked about the patients it has not seen
mlflow.sklearn.save_model(
    forest,
    args.model,
    signature=infer_signature(measures, forest.predict(measures)),
    pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
)
weights = pd.Series(forest.feature_importances_, measures.columns).sort_values(ascending=False)
print("it looks at " + ", ".join(f"{name} {weight:.0%}" for name, weight in weights.head(4).items()))
