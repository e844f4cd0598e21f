"""Autolog of XGBoost and LightGBM: a curve for each metric, importances, the model."""

import sys

import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

client = MlflowClient()
X, X_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True, as_frame=True), random_state=1)
mlflow.set_experiment("autolog")
if sys.argv[1:] == ["lightgbm"]:
    import lightgbm
    import mlflow.lightgbm as flavor

    flavor.autolog()
    with mlflow.start_run() as run:
        train, valid = lightgbm.Dataset(X, y), lightgbm.Dataset(X_test, y_test)
        lightgbm.train(
            {"objective": "binary", "metric": "binary_logloss", "verbose": -1, "num_threads": 1}, train,
            num_boost_round=12, valid_sets=[valid], valid_names=["valid"],
            callbacks=[lightgbm.early_stopping(50)],
        )  # fmt: skip
    metric, given = "valid-binary_logloss", "objective"
else:
    import mlflow.xgboost as flavor
    import xgboost

    flavor.autolog()
    with mlflow.start_run() as run:
        xgboost.train(
            {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1}, xgboost.DMatrix(X, y),
            num_boost_round=12, evals=[(xgboost.DMatrix(X_test, y_test), "valid")], verbose_eval=False,
        )  # fmt: skip
    metric, given = "valid-logloss", "objective"

read = client.get_run(run.info.run_id)
assert read.data.params[given].startswith("binary"), read.data.params
history = client.get_metric_history(run.info.run_id, metric)
assert [point.step for point in history][:12] == list(range(12)) and history[-1].value < history[0].value
names = {item.path for item in client.list_artifacts(run.info.run_id)}
assert any("feature_importance" in name for name in names), names
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert len(model.predict(X_test[:5])) == 5
assert client.get_run(run.info.run_id).outputs.model_outputs or mlflow.__version__ < "3"
print("done", mlflow.__version__)
