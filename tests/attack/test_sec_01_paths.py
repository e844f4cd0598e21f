"""SEC-01: a path in a request never leads out of its place, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from attacked_server import Server

UP = (
    "../{0}",
    "a/../../{0}",
    "/{1}",
    "..\\{0}",
    "%2e%2e%2f{0}",
    "%252e%252e%252f{0}",
    "．．/{0}",
    "..%5c{0}",
    "..／{0}",
)


@pytest.fixture(scope="module")
def secret(server: Server) -> Path:
    """A file beside the home folder, where a step upwards would find it."""
    file = server.home.parent / "secret.txt"
    file.write_text("CANARY")
    return file


def forms(secret: Path) -> list[str]:
    steps = "../" * 6
    return [form.format(steps + str(secret)[1:], str(secret)[1:]) for form in UP]


def test_sec_01_artifact_routes(server: Server, secret: Path) -> None:
    job, token = server.living_job()
    for path in forms(secret):
        for place in (f"ExperimentRun/dcid.{job}/{path}", path):
            for method in ("GET", "PUT", "DELETE"):
                answer = server.mlflow(
                    method,
                    f"mlflow-artifacts/artifacts/{place}".replace("．", "%EF%BC%8E")
                    .replace("／", "%EF%BC%8F")
                    .replace("\\", "%5C"),
                    token=token,
                )
                assert 400 <= answer.status_code < 500, (method, place)
                assert "CANARY" not in answer.text
        listed = server.mlflow("GET", "mlflow/artifacts/list", token=token, params={"run_id": job, "path": path})
        assert listed.status_code in (400, 404), path
    assert secret.read_text() == "CANARY"


def test_sec_01_names_of_things(server: Server) -> None:
    folders = {path.name for path in server.home.iterdir()}
    for name in ("../x", "a/b", "..", ".", "a\\b", "a\nb", "", " ", "x" * 300, "ü" * 200):
        job = {"type": "command", "command": "true", "environment": "azureml:python@latest", "name": name}
        assert server.api("POST", "/jobs", {"spec": job}).status_code == 400, name
        for noun in ("data", "models", "environments", "components", "datastores", "computes"):
            spec = {"name": name, "path": "file:///x", "type": "local_folder"}
            assert server.api("POST", f"/{noun}", {"spec": spec}).status_code == 400, (noun, name)
        assert server.call("POST", "/api/workspaces", {"spec": {"name": name}}).status_code == 400, name
    assert {path.name for path in server.home.iterdir()} == folders


def test_sec_01_workspace_in_the_path(server: Server) -> None:
    for name in ("..", "%2e%2e", "..%2f..", "%252e%252e", "nothing", "default%2f..%2fdefault"):
        assert server.api("GET", "/jobs", workspace=name).status_code in (403, 404), name
        answer = server.mlflow("POST", "mlflow/experiments/create", {"name": "x"}, workspace=name)
        # 405: a client makes `/mlflow/../api` of it, which is no call at all
        assert answer.status_code in ((405,) if name == ".." else (400, 403, 404)), name
    assert not (server.home / "workspaces" / "nothing").exists()


def test_sec_01_output_paths_stay_in_a_datastore(server: Server) -> None:
    store = "azureml://datastores/workspaceblobstore/paths/"
    for path in (f"{store}../../x", "/tmp/x", "${{name}}/../..", "./x", "x"):
        spec = {
            "type": "command",
            "command": "true",
            "environment": "azureml:python@latest",
            "outputs": {"o": {"type": "uri_folder", "path": path}},
        }
        assert server.api("POST", "/jobs", {"spec": spec}).status_code == 400, path
    for path in (f"{store}a/%2e%2e/%2e%2e/b", f"{store}a/%252e%252e/%252e%252e/b"):
        job = server.submit("true", outputs={"o": {"type": "uri_folder", "path": path}})
        assert server.ended(job)["status"] == "Failed", path
    assert not (server.home / "workspaces" / "default" / "b").exists()


def test_sec_01_nul_and_broken_text_are_refused(server: Server) -> None:
    for path in ("/jobs/a%00b", "/jobs?tag=a%00b", "/data/%00"):
        assert server.api("GET", path).status_code == 400, path
    for body in (b'{"spec": {"name": "a\\u0000b"}}', b'{"spec": {"name": "\\ud800"}}', b'{"spec": "\xff"}'):
        answer = server.api("POST", "/jobs", content=body)
        assert answer.status_code == 400, body
    kept = server.submit("echo 'a\\u0000b'", display_name="\\u0000")  # these six characters are text like any other
    assert server.api("GET", f"/jobs/{kept}").json()["display_name"] == "\\u0000"
