"""SEC-15: credentials are kept encrypted, and are in no answer, no log and no page."""

from __future__ import annotations

import pytest
from attacked_server import Server

CANARY = "CANARY-d41d8cd98f"
STORES = {
    "bucket": {
        "type": "s3",
        "bucket": "b",
        "endpoint": "http://127.0.0.1:9",
        "credentials": {"access_key_id": "AK", "secret_access_key": CANARY},
    },
    "blobs": {"type": "azure_blob", "account_name": "a", "container_name": "c", "credentials": {"account_key": CANARY}},
    "signed": {
        "type": "azure_blob",
        "account_name": "a",
        "container_name": "c",
        "credentials": {"sas_token": f"?sig={CANARY}"},
    },
    "web": {"type": "http", "url": "http://127.0.0.1:9/x", "credentials": {"token": CANARY}},
}


@pytest.mark.parametrize("name", STORES)
def test_sec_15_credentials_of_datastores(server: Server, name: str) -> None:
    spec = {"name": name, **STORES[name]}
    path = f"azureml://datastores/{name}/paths/x"
    job = {
        "type": "command",
        "command": "true",
        "environment": "azureml:python@latest",
        "inputs": {"x": {"type": "uri_folder", "path": path}},
    }
    answers = [
        server.api("POST", "/datastores", {"spec": spec}),
        server.api("GET", f"/datastores/{name}"),
        server.api("GET", "/datastores"),
        server.api("PATCH", f"/datastores/{name}", {"changes": {"description": "x"}}),
        server.api("PATCH", f"/datastores/{name}", {"changes": {"bogus": CANARY, "credentials": {"bogus": CANARY}}}),
        server.api("POST", "/data", {"spec": {"name": f"at-{name}", "path": path}}),
        server.api("GET", f"/data/at-{name}/download"),
        server.api("GET", f"/data/at-{name}/check"),
    ]
    made = server.api("POST", "/jobs", {"spec": job}).json()["name"]
    server.ended(made)
    answers += [
        server.api("GET", f"/jobs/{made}"),
        server.api("GET", f"/jobs/{made}/log"),
        server.api("GET", f"/jobs/{made}/download?all=true"),
    ]
    for answer in answers[:1] + answers[5:6]:
        assert answer.status_code == 200, answer.text
    assert [answer.request.url.path for answer in answers if CANARY.encode() in answer.content] == []
    for file in [server.log, *server.home.rglob("*")]:
        if file.is_file() and "environments" not in file.parts:
            assert CANARY.encode() not in file.read_bytes(), file


def test_sec_15_credentials_survive_a_change(server: Server) -> None:
    """An update that does not name them must not drop them, nor show them."""
    spec = {"name": "kept", **STORES["bucket"]}
    server.api("POST", "/datastores", {"spec": spec})
    changed = server.api("PATCH", "/datastores/kept", {"changes": {"description": "new"}})
    assert changed.status_code == 200
    server.api("POST", "/data", {"spec": {"name": "at-kept", "path": "azureml://datastores/kept/paths/x"}})
    answer = server.api("GET", "/data/at-kept/download")
    assert "credential" not in answer.text.lower()  # what fails is the address, not missing credentials


def test_sec_15_passwords_in_addresses_are_refused(server: Server) -> None:
    for path in (f"https://user:{CANARY}@example.org/x", f"s3://key:{CANARY}@bucket/x"):
        answer = server.api("POST", "/data", {"spec": {"name": "x", "path": path}})
        assert answer.status_code == 400
        assert CANARY not in answer.text
    spec = {"name": "x", "type": "http", "url": f"https://user:{CANARY}@example.org/"}
    answer = server.api("POST", "/datastores", {"spec": spec})
    assert answer.status_code == 400
    assert CANARY not in answer.text


def test_sec_15_environment_variables_of_other_jobs(server: Server) -> None:
    """A job sees what its neighbours are called, not the passwords they were given."""
    step = {
        "type": "command",
        "command": "true",
        "environment": "azureml:python@latest",
        "environment_variables": {"PASSWORD": CANARY},
    }
    alone = server.api("POST", "/jobs", {"spec": step}).json()["name"]
    pipeline = server.api("POST", "/jobs", {"spec": {"type": "pipeline", "jobs": {"one": step}}}).json()["name"]
    server.ended(alone)
    server.ended(pipeline)
    _, token = server.living_job()
    for path in (f"/jobs/{alone}", f"/jobs/{pipeline}", "/jobs", f"/jobs?parent_job_name={pipeline}"):
        answer = server.api("GET", path, token=token)
        assert answer.status_code == 200
        assert CANARY not in answer.text, path
    page = server.call("GET", f"/jobs/{alone}?workspace=default", token=token)
    assert CANARY not in page.text
    for job in (alone, pipeline):
        assert CANARY not in server.mlflow("GET", f"mlflow/runs/get?run_id={job}", token=token).text
    assert CANARY in server.api("GET", f"/jobs/{alone}").text  # the owner sees what was given
