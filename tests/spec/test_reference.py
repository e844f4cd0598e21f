import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.spec.reference import Reference, is_local, parse_reference

HASH = "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("azureml:iris:3", Reference("asset", name="iris", version="3", asset_type="data")),
        ("azureml:iris@latest", Reference("asset", name="iris", label="latest", asset_type="data")),
        ("azureml:iris", Reference("asset", name="iris", asset_type="data")),
        (
            "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            Reference(
                "registry_asset", registry="azureml", asset_type="environments", name="sklearn-1.5", label="latest"
            ),
        ),
        (
            "azureml://registries/r/models/m/versions/2",
            Reference("registry_asset", registry="r", asset_type="models", name="m", version="2"),
        ),
        ("azureml://datastores/d/paths/a/b.csv", Reference("datastore", datastore="d", path="a/b.csv")),
        ("azureml://datastores/d", Reference("datastore", datastore="d", path="")),
        (
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/p",
            Reference("datastore", datastore="d", path="p"),
        ),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/1",
            Reference("asset", asset_type="models", name="m", version="1"),
        ),
        ("azureml://jobs/j/outputs/model", Reference("job_output", job="j", output="model")),
        (
            "azureml://jobs/j/outputs/artifacts/paths/m/",
            Reference("job_output", job="j", output="artifacts", path="m/"),
        ),
        ("azureml:azureml://jobs/j/outputs/o/paths/x", Reference("job_output", job="j", output="o", path="x")),
        ("https://x.org/a.csv", Reference("url", url="https://x.org/a.csv")),
        ("wasbs://c@a.blob.core.windows.net/x", Reference("url", url="wasbs://c@a.blob.core.windows.net/x")),
        ("abfss://f@a.dfs.core.windows.net/x", Reference("url", url="abfss://f@a.dfs.core.windows.net/x")),
        ("s3://b/k", Reference("url", url="s3://b/k")),
        ("gs://b/k", Reference("url", url="gs://b/k")),
        ("adl://s.azuredatalakestore.net/x", Reference("url", url="adl://s.azuredatalakestore.net/x")),
        ("file:./x", Reference("local", path="./x")),
        ("file:///data/x", Reference("local", path="/data/x")),
        ("../data", Reference("local", path="../data")),
        (f"content://{HASH}", Reference("content", content=HASH)),
        (f"content://{HASH}/a/b", Reference("content", content=HASH, path="a/b")),
    ],
)
def test_every_form(text, expected):
    assert parse_reference(text, "data") == expected


def test_a_bare_name_can_be_an_asset():
    assert parse_reference("sklearn-1.5@latest", "environments", bare="asset").label == "latest"
    assert parse_reference("sklearn-1.5", "environments").kind == "local"


@pytest.mark.parametrize(
    "text",
    [
        "", "azureml:", "azureml:../x:1", "azureml:a/b:1", "azureml:a\0:1", "azureml:..:1", "azureml:x:" + "9" * 300,
        "azureml://datastores/d/paths/../../etc", "azureml://nonsense", "content://abc", f"content://{HASH}/../x",
        "azureml://registries/r/wheels/m/versions/1", "azureml://jobs/../outputs/x", "ftp://x", "azureml:{{NAME}}:1",
        "azureml://registries/r/models/%2e%2e%2fx/versions/1",
    ],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(InvalidRequest):
        parse_reference(text)


def test_local():
    assert is_local("./x")
    assert is_local("file:x")
    assert not any(is_local(text) for text in ("azureml:x:1", "https://x", "${{parent.inputs.x}}", "/subscriptions/x"))
