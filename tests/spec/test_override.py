import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.spec.override import apply


def test_values_places_and_missing_mappings():
    data = {"inputs": {"lr": 1}, "rules": [{"a": 1}]}
    changed = apply(
        data, ["inputs.lr=0.1", "settings.force_rerun=true", "rules[0].a=x", "rules[1].a=[1, b]", "name='3'"]
    )
    assert changed == {
        "inputs": {"lr": 0.1},
        "rules": [{"a": "x"}, {"a": [1, "b"]}],
        "settings": {"force_rerun": True},
        "name": "3",
    }
    assert data == {"inputs": {"lr": 1}, "rules": [{"a": 1}]}, "the given document is not changed"


def test_text_with_equals_signs_and_colons():
    assert apply({}, ["command=x=1 a: b", "model=azureml:m:1", "version=1.10", "tags.a=on"]) == {
        "command": "x=1 a: b",
        "model": "azureml:m:1",
        "version": "1.10",
        "tags": {"a": "on"},
    }


@pytest.mark.parametrize("pair", ["x", "=1", "a..b=1", "a.=1", "a[0].x=1", "b[9]=1", "a[x=1", "c[0]=1", "a.b.c=2"])
def test_errors_name_the_path(pair):
    with pytest.raises(InvalidRequest) as caught:
        apply({"a": "text", "b": [], "c": {}}, [pair])
    assert pair.partition("=")[0] in caught.value.message
