"""Compare a few models of wine, keep the best one, and use it: nothing but mlflow and scikit-learn.

Where to log comes from MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN; see README.md.
"""

import mlflow
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME = "wine"
data = load_wine(as_frame=True)
X, X_test, y, y_test = train_test_split(data.data, data.target, test_size=0.3, random_state=1, stratify=data.target)
candidates = {
    "logistic 0.01": make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
    "logistic 1": make_pipeline(StandardScaler(), LogisticRegression(C=1.0)),
    "forest": RandomForestClassifier(n_estimators=50, max_depth=2, random_state=1),
}

mlflow.set_experiment("wine")
mlflow.sklearn.autolog(log_models=False, silent=True)  # parameters, training scores and the data set of every fit

with mlflow.start_run(run_name="comparison", tags={"purpose": "example"}) as comparison:
    mlflow.log_params({"test_size": 0.3, "candidates": len(candidates)})
    for title, model in candidates.items():
        with mlflow.start_run(run_name=title, nested=True):
            model.fit(X, y)
            mlflow.log_metrics(
                {
                    "test_accuracy": accuracy_score(y_test, model.predict(X_test)),
                    "test_loss": log_loss(y_test, model.predict_proba(X_test)),
                }
            )
    with mlflow.start_run(run_name="trees", nested=True):  # a curve: the loss after each ten trees
        for trees in range(10, 60, 10):
            forest = RandomForestClassifier(n_estimators=trees, max_depth=2, random_state=1).fit(X, y)
            mlflow.log_metric("loss", log_loss(y_test, forest.predict_proba(X_test)), step=trees)
    mlflow.log_dict({"features": list(X.columns)}, "features.json")
mlflow.sklearn.autolog(disable=True)

# Which was best? Order by a metric, and leave out what has none.
runs = mlflow.search_runs(
    filter_string=f"tags.mlflow.parentRunId = '{comparison.info.run_id}' AND metrics.test_accuracy > 0",
    order_by=["metrics.test_loss ASC"],
)
print(runs[["tags.mlflow.runName", "metrics.test_accuracy", "metrics.test_loss"]].to_string(index=False))
best = runs.iloc[0]

# Log it as a model to the run that made it, register it, and call it the champion.
model = candidates[best["tags.mlflow.runName"]]
with mlflow.start_run(run_id=best["run_id"]):
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(X, model.predict(X)),
        input_example=X.head(3),
        pip_requirements=["scikit-learn", "pandas"],
        registered_model_name=NAME,
    )
client = MlflowClient()
version = logged.registered_model_version
client.set_registered_model_alias(NAME, "champion", version)
client.update_model_version(NAME, version, f"test loss {best['metrics.test_loss']:.3f}")

# Anybody may load it by its name now.
champion = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
accuracy = accuracy_score(y_test, champion.predict(X_test))
print(f"champion: {NAME} version {version}, accuracy {accuracy:.3f} on {len(X_test)} wines")
