"""SEC-02: a location is stored first and read later; it is judged both times."""

from __future__ import annotations

from attacked_server import Server

ODD = ("#", "?", ";", "//host/x", "x#/../../..", "x?y=/../..", "..;/x", "file:x")


def test_sec_02_model_sources(server: Server) -> None:
    _, token = server.living_job()
    server.mlflow("POST", "mlflow/registered-models/create", {"name": "sources"}, token=token)
    store = "azureml://datastores/workspaceblobstore/paths/"
    sources = [
        "file:///etc",
        "/etc",
        "file://host/etc",
        "../..",
        "runs:/../x",
        "models:/../x",
        "http://127.0.0.1/x",
        "mlflow-artifacts:/../../etc",
        "mlflow-artifacts://host/ExperimentRun/x",
        "dbfs:/etc",
        "",
        "s3://b/x",
        f"{store}../../..",
        f"{store}%2e%2e/%2e%2e",
        *(store + odd for odd in ODD),
    ]
    for source in sources:
        body = {"name": "sources", "source": source}
        answer = server.mlflow("POST", "mlflow/model-versions/create", body, token=token)
        assert 400 <= answer.status_code < 500, source


def test_sec_02_data_locations(server: Server) -> None:
    store = "azureml://datastores/workspaceblobstore/paths/"
    for number, path in enumerate(
        [*(store + odd for odd in ODD), "file://other/etc", "file:etc", "content://" + "0" * 64]
    ):
        answer = server.api("POST", "/data", {"spec": {"name": f"odd{number}", "path": path}})
        assert 400 <= answer.status_code < 500, path


def test_sec_02_experiment_locations_are_not_taken(server: Server) -> None:
    _, token = server.living_job()
    body = {"name": "elsewhere", "artifact_location": "file:///etc"}
    server.mlflow("POST", "mlflow/experiments/create", body, token=token)
    found = server.mlflow("GET", "mlflow/experiments/get-by-name?experiment_name=elsewhere", token=token)
    assert "etc" not in found.text
