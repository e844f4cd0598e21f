"""Jobs that read from clouds and write to them: S3, Azure Blob."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stores import ACCOUNT, KEY, Folder, azurite, folder, s3_server

from zaffre.base.errors import InvalidRequest

COPY = """
    import os, pathlib, sys
    source, target, single = map(pathlib.Path, sys.argv[1:])
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for path in files:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes().upper())
    single.write_text(",".join(path.relative_to(source).as_posix() for path in files))
    """
JOB = """
    code: src
    command: python copy.py ${{inputs.raw}} ${{outputs.clean}} ${{outputs.list}}
    inputs:
      raw: {type: uri_folder, path: azureml://datastores/lake/paths/in/}
    outputs:
      clean: {type: uri_folder, path: "azureml://datastores/lake/paths/out/${{name}}/"}
      list: {type: uri_file, path: "azureml://datastores/lake/paths/out/${{name}}.txt"}
    """
AGAIN = """
    command: cat ${{inputs.one}} ${{inputs.list}}
    inputs:
      one: {type: uri_file, path: azureml://jobs/%s/outputs/clean/paths/sub/b.txt}
      list: {type: uri_file, path: azureml://jobs/%s/outputs/list}
    """


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Folder]:
    with folder(tmp_path, allow_private_addresses=True) as found:
        yield found


def there_and_back(here: Folder, read: Any, write: Any) -> None:
    """A job reads a folder, writes a folder and a file; the next job reads both; a changed source is noticed."""
    write("in/a.txt", b"one")
    write("in/sub/b.txt", b"two")
    job = here.run(JOB, copy=COPY)
    assert read(f"out/{job.name}/a.txt") == b"ONE"
    assert read(f"out/{job.name}/sub/b.txt") == b"TWO"
    assert read(f"out/{job.name}.txt") == b"a.txt,sub/b.txt"
    assert here.log(here.run(AGAIN % (job.name, job.name))) == "TWOa.txt,sub/b.txt"
    files = here.ws.jobs.download(job.name, here.project / "got", all=True)
    assert {path.relative_to(here.project / "got").as_posix() for path in files} >= {
        "named-outputs/clean/a.txt", "named-outputs/clean/sub/b.txt",
    }  # fmt: skip
    raw = here.ws.data.create_or_update({"name": "raw", "path": "azureml://datastores/lake/paths/in/"})
    use = "command: cat ${{inputs.raw}}/a.txt\ninputs:\n  raw: {type: uri_folder, path: azureml:raw:1}\n"
    assert here.log(here.run(use)) == "one"
    assert here.ws.data.check("raw").changed is False
    write("in/a.txt", b"other")
    assert here.ws.data.check("raw").changed is True
    refused = here.submit(use)
    assert (refused.status, (refused.error or {}).get("code")) == ("Failed", "SourceChanged")
    assert "raw:1" in str((refused.error or {})["message"])
    assert here.ws.data.create_or_update({"name": "raw", "path": raw.path}).version == "2"
    assert here.log(here.run(use.replace("raw:1", "raw:2"))) == "other"


def test_s3(here: Folder) -> None:
    import boto3

    with s3_server() as endpoint:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-west-1"
        )
        client.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "s3", "bucket": "data", "prefix": "team", "endpoint": endpoint,
            "region": "eu-west-1", "credentials": {"access_key_id": "k", "secret_access_key": "s"},
        })  # fmt: skip
        assert "secret_access_key" not in here.ws.datastores.get("lake").model_dump_json()
        there_and_back(
            here,
            lambda key: client.get_object(Bucket="data", Key=f"team/{key}")["Body"].read(),
            lambda key, data: client.put_object(Bucket="data", Key=f"team/{key}", Body=data),
        )


@pytest.mark.parametrize("how", ["account_key", "sas_token"])
@pytest.mark.parametrize("kind", ["azure_blob", "azure_data_lake_gen2"])
def test_azure(here: Folder, tmp_path: Path, how: str, kind: str) -> None:
    from azure.storage.blob import BlobServiceClient, generate_account_sas

    with azurite(tmp_path / "azurite") as endpoint:
        service = BlobServiceClient(endpoint, credential=KEY)
        container = service.create_container("data")
        until = datetime.now(UTC) + timedelta(hours=1)
        sas = generate_account_sas(ACCOUNT, KEY, "sco", "rwdlac", until)
        here.ws.datastores.create_or_update({
            "name": "lake", "type": kind, "account_name": ACCOUNT, "endpoint": endpoint,
            "container_name" if kind == "azure_blob" else "filesystem": "data",
            "credentials": {how: KEY if how == "account_key" else sas},
        })  # fmt: skip
        there_and_back(
            here,
            lambda key: container.download_blob(key).readall(),
            lambda key, data: container.upload_blob(key, data, overwrite=True),
        )
        here.ws.datastores.update("lake", {"credentials": {"sas_token": sas[:-4] + "AAA%3D"}})
        job = here.submit(JOB, copy=COPY)
        assert (job.status, (job.error or {}).get("code")) == ("Failed", "SourceForbidden")
        assert "sig=" not in str(job.model_dump()) + here.system_log(job)


def test_credentials_do_not_follow_a_datastore_to_another_address(here: Folder) -> None:
    lake = {"name": "lake", "type": "s3", "bucket": "data", "endpoint": "https://one.example.org"}
    secret = {"access_key_id": "k", "secret_access_key": "s"}
    here.ws.datastores.create_or_update({**lake, "credentials": secret})
    here.ws.datastores.update("lake", {"description": "kept"})
    with pytest.raises(InvalidRequest, match="credentials"):
        here.ws.datastores.update("lake", {"endpoint": "https://other.example.org"})
    here.ws.datastores.update("lake", {"endpoint": "https://other.example.org", "credentials": secret})


def test_a_private_address_is_refused_unless_allowed(tmp_path: Path) -> None:
    with folder(tmp_path) as here, s3_server() as endpoint:
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "s3", "bucket": "data", "endpoint": endpoint,
            "credentials": {"access_key_id": "k", "secret_access_key": "s"},
        })  # fmt: skip
        job = here.submit(JOB, copy=COPY)
        assert (job.error or {}).get("code") == "PrivateAddress"
        assert "--allow-private-addresses" in str(job.error)
