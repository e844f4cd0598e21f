"""Train a tree and save it as an MLflow model."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path)
parser.add_argument("--depth", type=int)
parser.add_argument("--model")
args = parser.parse_args()

table = pd.read_csv(args.tables / "train.csv")
model = DecisionTreeClassifier(max_depth=args.depth, random_state=7)
model.fit(table.drop(columns="risk"), table["risk"])
mlflow.log_param("depth", args.depth)
mlflow.sklearn.save_model(model, args.model)
print(f"trained a tree with {model.get_n_leaves()} leaves")
