"""Autolog, log_model, load_model, register, search: the full client since 3.0."""

import mlflow
import mlflow.sklearn
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
X, y = load_iris(return_X_y=True)
mlflow.set_experiment("flowers")

mlflow.sklearn.autolog(extra_tags={"by": "autolog"})
with mlflow.start_run() as auto:
    LogisticRegression(max_iter=200).fit(X, y)
mlflow.sklearn.autolog(disable=True)
data = client.get_run(auto.info.run_id).data
assert data.params["max_iter"] == "200" and data.metrics["training_accuracy_score"] > 0.9
assert client.get_run(auto.info.run_id).inputs.dataset_inputs[0].dataset.digest
model = mlflow.sklearn.load_model(f"runs:/{auto.info.run_id}/model")
assert (model.predict(X[:3]) == 0).all()
paths = [f.path for f in client.list_artifacts(auto.info.run_id, "model")]
assert "model/MLmodel" in paths and len(paths) == len(set(paths)), paths

with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(
        model, name="clf", pip_requirements=["scikit-learn"], params={"a": 1}, registered_model_name="iris"
    )
    mlflow.log_metric("score", 0.9, model_id=info.model_id)
    again = mlflow.sklearn.log_model(model, name="clf", pip_requirements=["scikit-learn"], step=1)
assert (mlflow.sklearn.load_model(info.model_uri).predict(X[:3]) == 0).all()
assert (mlflow.sklearn.load_model(again.model_uri).predict(X[:3]) == 0).all()
logged = mlflow.get_logged_model(info.model_id)
assert logged.params == {"a": "1"} and logged.metrics[0].value == 0.9 and logged.source_run_id == run.info.run_id
made = client.get_run(run.info.run_id).outputs.model_outputs
assert {item.model_id for item in made} == {info.model_id, again.model_id}
best = mlflow.search_logged_models(filter_string="metrics.score > 0.8", output_format="list")
assert [item.model_id for item in best] == [info.model_id]
mlflow.set_logged_model_tags(info.model_id, {"k": "v"})
mlflow.delete_logged_model_tag(info.model_id, "k")

second = mlflow.register_model(f"runs:/{auto.info.run_id}/model", "iris", tags={"from": "auto"})
assert second.version == "2" and second.tags == {"from": "auto"}
client.set_registered_model_alias("iris", "champion", "1")
client.set_registered_model_tag("iris", "team", "a")
for uri in ("models:/iris/1", "models:/iris@champion", "models:/iris/2", "models:/iris/latest"):
    assert (mlflow.pyfunc.load_model(uri).predict(X[:3]) == 0).all(), uri
assert client.get_model_version_by_alias("iris", "champion").version == "1"
assert [m.name for m in client.search_registered_models("name LIKE 'ir%'")] == ["iris"]
assert {v.version for v in client.search_model_versions("name = 'iris'")} == {"1", "2"}
client.transition_model_version_stage("iris", "2", "Production")
assert client.get_latest_versions("iris", ["Production"])[0].version == "2"
client.update_model_version("iris", "2", "the second")
assert client.get_model_version("iris", "2").description == "the second"
client.delete_model_version("iris", "2")
client.delete_registered_model_alias("iris", "champion")
assert client.get_registered_model("iris").aliases == {}
client.update_registered_model("iris", "all of iris")
client.rename_registered_model("iris", "flowers")
assert client.get_registered_model("flowers").description == "all of iris"
copied = client.copy_model_version("models:/flowers/1", "copied")
assert (copied.name, copied.version, copied.run_id) == ("copied", "1", run.info.run_id)
again = client.copy_model_version("models:/flowers/1", "copied")
assert again.version == "2"
for uri in ("models:/flowers/1", "models:/copied/2"):
    assert (mlflow.pyfunc.load_model(uri).predict(X[:3]) == 0).all(), uri
assert client.get_model_version_download_uri("copied", "1").startswith("mlflow-artifacts:/")
page = client.search_model_versions("name = 'copied'", max_results=1, order_by=["version_number ASC"])
rest = client.search_model_versions("name = 'copied'", max_results=1, page_token=page.token)
client.set_model_version_tag("copied", "1", "checked", "yes")
client.delete_model_version_tag("copied", "1", "checked")
client.delete_registered_model("copied")
assert [m.name for m in client.search_registered_models()] == ["flowers"]
client.log_text(run.info.run_id, "x", "folder/a.txt")
artifacts = get_artifact_repository(client.get_run(run.info.run_id).info.artifact_uri)
artifacts.delete_artifacts("folder")
assert [f.path for f in client.list_artifacts(run.info.run_id, "folder")] == []
try:
    artifacts.delete_artifacts("clf")
except Exception as error:
    assert "flowers:1" in error.response.text, error
else:
    raise AssertionError("a registered model was deleted with the files of its run")
assert (mlflow.sklearn.load_model("models:/flowers/1").predict(X[:3]) == 0).all()
frame = mlflow.search_runs(filter_string="metrics.training_accuracy_score > 0.5")
assert list(frame["run_id"]) == [auto.info.run_id]
print("done", mlflow.__version__)
