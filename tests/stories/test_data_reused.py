"""What a step reads is part of what it is keyed by: content counts, wherever it lies and whatever it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stores import Folder, folder, s3_server, web

from zaffre.wire.jobs import JobView


def step(command: str, path: str, type_: str = "uri_folder", **more: Any) -> dict[str, Any]:
    inputs = {"d": {"type": type_, "path": path}}
    return {"type": "command", "environment": "azureml:minimal@latest", "command": command, "inputs": inputs, **more}


def pipeline(**jobs: Any) -> dict[str, Any]:
    return {"type": "pipeline", "jobs": jobs}


def run(here: Folder, document: dict[str, Any]) -> dict[str, JobView]:
    """The steps of a pipeline that completed."""
    job = here.ws.jobs.wait(here.ws.jobs.create_or_update(document).name, 120)
    assert job.status == "Completed", job.error
    return {str(one.display_name or one.name): one for one in here.ws.jobs.list(parent_job_name=job.name)}


def only(here: Folder, document: dict[str, Any]) -> JobView:
    (one,) = run(here, document).values()
    return one


def test_content_decides(tmp_path: Path) -> None:
    with folder(tmp_path, allow_private_addresses=True) as here:
        data = here.project / "data"
        data.mkdir()
        (data / "a.txt").write_text("one")
        command = "cp ${{inputs.d}}/a.txt ${{outputs.o}}/"
        output = {"outputs": {"o": {"type": "uri_folder"}}}
        local = pipeline(s=step(command, str(data), **output))
        first = only(here, local)
        assert first.reused_from is None
        assert only(here, local).reused_from == first.name
        data.rename(here.project / "moved")
        local = pipeline(s=step(command, str(here.project / "moved"), **output))
        assert only(here, local).reused_from == first.name
        here.ws.data.create_or_update({"name": "d", "path": str(here.project / "moved")})
        here.ws.data.create_or_update({"name": "r", "path": str(here.project / "moved")}, by_reference=True)
        for name in ("d", "r"):
            assert only(here, pipeline(s=step(command, f"azureml:{name}:1", **output))).reused_from == first.name
        (here.project / "moved/a.txt").write_text("two")
        (plan,) = here.ws.jobs.plan(local).steps
        assert (plan.runs, "input `d`" in plan.cause) == (True, True)
        assert only(here, local).reused_from is None
        with web(tmp_path / "site") as address:
            (tmp_path / "site/a.txt").write_text("one")
            far = pipeline(s=step("cp ${{inputs.d}} ${{outputs.o}}/", f"{address}/a.txt", "uri_file", **output))
            second = only(here, far)
            assert only(here, far).reused_from == second.name
            (tmp_path / "site/a.txt").write_text("new")
            assert only(here, far).reused_from is None


def test_what_lies_in_a_cloud_is_reused_while_it_is_there_and_unaltered(tmp_path: Path) -> None:
    import boto3

    with folder(tmp_path, allow_private_addresses=True) as here, s3_server() as endpoint:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
        )
        client.create_bucket(Bucket="data")
        client.put_object(Bucket="data", Key="in/a.txt", Body=b"one")
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "s3", "bucket": "data", "endpoint": endpoint, "region": "us-east-1",
            "credentials": {"access_key_id": "k", "secret_access_key": "s"},
        })  # fmt: skip
        out = {"outputs": {"o": {"type": "uri_folder", "path": "azureml://datastores/lake/paths/out/"}}}
        document = pipeline(
            make=step("cp ${{inputs.d}}/a.txt ${{outputs.o}}/", "azureml://datastores/lake/paths/in/", **out),
            read=step("cat ${{inputs.d}}/a.txt", "${{parent.jobs.make.outputs.o}}"),
        )
        first = run(here, document)
        assert {one.reused_from for one in first.values()} == {None}
        again = run(here, document)
        assert {one.reused_from for one in again.values()} == {one.name for one in first.values()}
        client.put_object(Bucket="data", Key="out/a.txt", Body=b"altered")
        plan = {item.step: item for item in here.ws.jobs.plan(document).steps}
        assert (plan["make"].runs, "altered" in plan["make"].cause) == (True, True)
        client.delete_object(Bucket="data", Key="out/a.txt")
        plan = {item.step: item for item in here.ws.jobs.plan(document).steps}
        assert (plan["make"].runs, "gone" in plan["make"].cause) == (True, True)
        assert next(one for one in run(here, document).values() if one.outputs).reused_from is None
        assert client.get_object(Bucket="data", Key="out/a.txt")["Body"].read() == b"one"
