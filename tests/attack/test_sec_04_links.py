"""SEC-04: links that lead out of an output, a data asset or a model are followed nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from attacked_server import Server

ARTIFACTS, BLOBS = "workspaceartifactstore", "workspaceblobstore"


@pytest.fixture(scope="module")
def outside(server: Server) -> Path:
    folder = server.home.parent / "linked"
    folder.mkdir()
    (folder / "canary.txt").write_text("CANARY")
    return folder


@pytest.fixture(scope="module")
def hostile(server: Server, outside: Path) -> str:
    """A job that leaves links to elsewhere where files and folders belong."""
    links = f"ln -s {outside} outputs/folder; ln -s {outside}/canary.txt outputs/file; ln -s / outputs/root"
    job = server.submit(links)
    assert server.ended(job)["status"] == "Completed"
    return job


@pytest.mark.parametrize("kind", ["uri_folder", "uri_file"])
def test_sec_04_an_output_that_is_a_link_fails_its_job(server: Server, outside: Path, kind: str) -> None:
    target = outside if kind == "uri_folder" else outside / "canary.txt"
    make = "rm -rf ${{outputs.o}}; ln -s " + str(target) + " ${{outputs.o}}"
    job = server.submit(make, outputs={"o": {"type": kind}})
    ended = server.ended(job)
    assert ended["status"] == "Failed"
    assert "symlink" in ended["error"]["message"]
    assert b"CANARY" not in server.api("GET", f"/jobs/{job}/download?all=true").content


def test_sec_04_downloads(server: Server, hostile: str) -> None:
    for query in ("", "?all=true", "?output_name=artifacts"):
        answer = server.api("GET", f"/jobs/{hostile}/download{query}")
        assert answer.status_code == 200
        assert b"CANARY" not in answer.content
        assert b"passwd" not in answer.content


def test_sec_04_artifacts_over_mlflow(server: Server, hostile: str) -> None:
    for path in ("folder", "folder/canary.txt", "file", "root/etc", "root/etc/passwd"):
        got = server.mlflow("GET", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{hostile}/outputs/{path}")
        assert got.status_code == 404, path
        listed = server.mlflow("GET", f"mlflow/artifacts/list?run_id={hostile}&path=outputs/{path}")
        assert not listed.json().get("files"), path
        put = server.mlflow("PUT", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{hostile}/outputs/folder/new")
        assert put.status_code == 404


def test_sec_04_models_and_data_made_of_links(server: Server, hostile: str, outside: Path) -> None:
    _, token = server.living_job()
    server.mlflow("POST", "mlflow/registered-models/create", {"name": "links"}, token=token)
    for name in ("folder", "file"):
        for source in (
            f"runs:/{hostile}/outputs/{name}",
            f"azureml://datastores/{ARTIFACTS}/paths/ExperimentRun/dcid.{hostile}/outputs/{name}",
        ):
            body = {"name": "links", "source": source}
            made = server.mlflow("POST", "mlflow/model-versions/create", body, token=token)
            assert made.status_code == 400, source
        path = f"azureml://datastores/{ARTIFACTS}/paths/ExperimentRun/dcid.{hostile}/outputs/{name}"
        assert server.api("POST", "/data", {"spec": {"name": "links", "path": path}}).status_code == 400
    assert (outside / "canary.txt").read_text() == "CANARY"


def test_sec_04_a_link_that_comes_later(server: Server, outside: Path) -> None:
    """Good when it was registered, a link when it is read."""
    job = server.submit(
        "mkdir -p ${{outputs.o}}/in; echo fine > ${{outputs.o}}/in/x", outputs={"o": {"type": "uri_folder"}}
    )
    path = server.ended(job)["outputs"]["o"]["path"]
    made = server.api("POST", "/data", {"spec": {"name": "later", "path": path + "in"}})
    assert made.status_code == 200, made.text
    folder = server.home / "workspaces" / "default" / BLOBS / path.partition("/paths/")[2] / "in"
    (folder / "x").unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    answer = server.api("GET", "/data/later/download")
    assert b"CANARY" not in answer.content
    assert answer.status_code == 400
