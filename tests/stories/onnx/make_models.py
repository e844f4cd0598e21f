"""Fit a model of every kind that is exported, and write each as its library or MLflow does."""

import sys
import warnings
from pathlib import Path

import joblib
import lightgbm
import mlflow.lightgbm
import mlflow.pytorch
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import torch
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
out = Path(sys.argv[1])
rng = np.random.default_rng(0)
numbers = pd.DataFrame(rng.normal(size=(300, 4)), columns=["income", "age", "debt", "years"])
y = np.where(numbers.income + 0.5 * numbers.debt + rng.normal(size=300) > 0, "pays", "fails")
mixed = numbers.assign(town=rng.choice(["Rom", "Bonn", "Oslo"], 300), rooms=rng.integers(1, 6, 300))
mixed.loc[3, "age"] = np.nan
codes = (y == "pays").astype(int)
save = {"pip_requirements": ["scikit-learn"]}


def sklearn(name, model, table):
    mlflow.sklearn.save_model(model, out / name, input_example=table.head(100), **save)


for name, model in (
    ("gradient", GradientBoostingClassifier(n_estimators=30)),
    ("forest", RandomForestClassifier(30)),
    ("hist", HistGradientBoostingClassifier(max_iter=30)),
):
    sklearn(name, model.fit(numbers, y), numbers)

columns = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), [*numbers, "rooms"]),
        ("town", OneHotEncoder(handle_unknown="ignore"), ["town"]),
    ]
)
sklearn("logistic", make_pipeline(columns, LogisticRegression()).fit(mixed, y), mixed)
sklearn("boosted_pipeline", make_pipeline(columns, xgboost.XGBClassifier(n_estimators=20)).fit(mixed, codes), mixed)
own = make_pipeline(ColumnTransformer([("logs", FunctionTransformer(np.log1p), list(numbers))]), LogisticRegression())
sklearn("own_function", own.fit(numbers.abs(), y), numbers.abs())

boosted = xgboost.XGBClassifier(n_estimators=20).fit(numbers, codes)
mlflow.xgboost.save_model(boosted, out / "xgboost", input_example=numbers.head(100), **save)
light = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(numbers, codes)
mlflow.lightgbm.save_model(light, out / "lightgbm", input_example=numbers.head(100), **save)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
sample = numbers.to_numpy("float32")[:100]
mlflow.pytorch.save_model(net, out / "torch", input_example=sample, **save)

files = out / "files"
files.mkdir()
boosted.save_model(files / "boosted.json")
boosted.save_model(files / "boosted.ubj")
light.booster_.save_model(files / "light.txt")
torch.jit.script(net).save(files / "net.pt")
torch.save(net.state_dict(), files / "weights.pt")
joblib.dump(RandomForestClassifier(5).fit(numbers, y), files / "forest.joblib")
