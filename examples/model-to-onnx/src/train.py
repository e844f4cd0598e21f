"""Will a loan be repaid? Numbers and a town in, a probability out."""

import argparse

import mlflow
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--train")
parser.add_argument("--test")
parser.add_argument("--depth", type=int)
parser.add_argument("--model")
args = parser.parse_args()

train, test = pd.read_csv(args.train), pd.read_csv(args.test)
inputs = ["income", "debt", "years", "town"]
prepare = ColumnTransformer(
    [
        ("numbers", StandardScaler(), ["income", "debt", "years"]),
        ("town", OneHotEncoder(handle_unknown="ignore"), ["town"]),
    ]
)
model = make_pipeline(prepare, GradientBoostingClassifier(max_depth=args.depth, random_state=0))
model.fit(train[inputs], train["repaid"])

auc = roc_auc_score(test["repaid"], model.predict_proba(test[inputs])[:, 1])
mlflow.log_param("depth", args.depth)
mlflow.log_metric("auc", auc)
mlflow.sklearn.save_model(
    model, args.model, input_example=test[inputs].head(20), pip_requirements=[f"scikit-learn=={sklearn.__version__}"]
)
print(f"auc {auc:.3f} on {len(test)} loans that the model has not seen")
