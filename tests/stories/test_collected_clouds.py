"""What data collectors took goes to S3 and Azure Blob, also when they were away."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import ACCOUNT, KEY, Folder, azurite, folder, s3_server, wait_for

from zaffre.base.home import Home
from zaffre.engine.serving import collected, spool

URI = "azureml://datastores/lake/paths/kept/flowers/blue"
INNER = "kept/flowers/blue/model_inputs/2026/11/20/18"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setattr(collected, "LOOK_S", 0.1)
    monkeypatch.setattr(spool.Spool, "pause_s", 0.1)
    monkeypatch.setattr(collected, "FIRST_PAUSE_S", 0.1)
    with folder(tmp_path, allow_private_addresses=True) as found:
        yield found


def collect(here: Folder, name: str, *values: Any) -> Path:
    """A file of a worker that has ended, which appears whole."""
    place = spool.folder_for(Home(here.home), "default", "flowers", "blue", URI)
    staged = place / f"{name}.staged"
    staged.write_text("".join(json.dumps({"id": f"{name}-{value}", "data": value}) + "\n" for value in values))
    staged.rename(place / f"model_inputs.2026-11-20-18.{name}.jsonl")
    return place


def delivered(place: Path) -> bool:
    return not [path for path in place.iterdir() if path.name != spool.PLACE]


def data(content: bytes) -> list[Any]:
    import pyarrow.parquet as pq

    return [json.loads(row["data"]) for row in pq.read_table(io.BytesIO(content)).to_pylist()]


def test_s3_that_has_no_bucket_yet_gets_everything_once_when_it_has(here: Folder) -> None:
    import boto3

    with s3_server() as endpoint:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-west-1"
        )
        place = collect(here, "a", 1, 2)
        wait_for((place / "model_inputs.2026-11-20-18.a.parquet").exists)  # the datastore is not known yet
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "s3", "bucket": "data", "prefix": "team", "endpoint": endpoint,
            "region": "eu-west-1", "credentials": {"access_key_id": "k", "secret_access_key": "s"},
        })  # fmt: skip
        collect(here, "b", 3)
        client.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        wait_for(lambda: delivered(place))
        listed = client.list_objects_v2(Bucket="data")["Contents"]
        assert sorted(one["Key"] for one in listed) == [f"team/{INNER}/a.parquet", f"team/{INNER}/b.parquet"]
        assert data(client.get_object(Bucket="data", Key=f"team/{INNER}/a.parquet")["Body"].read()) == [1, 2]


def test_azure(here: Folder, tmp_path: Path) -> None:
    from azure.storage.blob import BlobServiceClient

    with azurite(tmp_path / "azurite") as endpoint:
        container = BlobServiceClient(endpoint, credential=KEY).create_container("data")
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "azure_blob", "account_name": ACCOUNT, "endpoint": endpoint,
            "container_name": "data", "credentials": {"account_key": KEY},
        })  # fmt: skip
        place = collect(here, "a", {"x": 1.5})
        wait_for(lambda: delivered(place))
        assert list(container.list_blob_names()) == [f"{INNER}/a.parquet"]
        assert data(container.download_blob(f"{INNER}/a.parquet").readall()) == [{"x": 1.5}]
