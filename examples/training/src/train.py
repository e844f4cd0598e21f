"""Tell three kinds of iris apart."""

import argparse

import mlflow
import sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

parser = argparse.ArgumentParser()
parser.add_argument("--strength", type=float)
parser.add_argument("--model")
args = parser.parse_args()

measures, kinds = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(C=args.strength, max_iter=500)
scores = cross_val_score(model, measures, kinds, cv=5)

mlflow.log_param("strength", args.strength)
for fold, score in enumerate(scores):
    mlflow.log_metric("fold_accuracy", score, step=fold)
mlflow.log_metric("accuracy", scores.mean())
model.fit(measures, kinds)
mlflow.sklearn.save_model(model, args.model, pip_requirements=[f"scikit-learn=={sklearn.__version__}"])
print(f"accuracy {scores.mean():.3f}")
