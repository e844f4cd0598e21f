from zaffre.spec import document
from zaffre.spec.local import local_paths, replace_local_paths

HASH = "content://" + "ab" * 32


def test_local_paths_are_found_and_replaced():
    inner = {"type": "command", "command": "ls", "code": "/c", "environment": {"build": {"path": "/b"}}}
    body = {
        "type": "pipeline",
        "inputs": {"d": {"path": "/d"}, "u": {"path": "https://x/y"}, "path": "/literal"},
        "outputs": {"o": {"path": "/out"}},
        "jobs": {"a": {"component": inner}, "b": {"command": "ls", "environment": "azureml:e", "code": "/c"}},
    }
    spec = document.parse(body).spec
    assert set(local_paths(spec)) == {("path", "/d"), ("code", "/c"), ("path", "/b")}
    probe = {"name": "b", "endpoint_name": "e", "model": {"path": "/m"}, "liveness_probe": {"path": "/live"}}
    assert list(local_paths(document.parse(probe).spec)) == [("path", "/m")]
    changed = replace_local_paths(spec, lambda field, path: HASH if field == "code" else path)
    assert changed.jobs["b"].code == changed.jobs["a"].component.code == HASH
    assert spec.jobs["b"].code == "/c"
    assert changed.inputs == spec.inputs
    assert document.parse(document.dump(changed)).spec == changed
