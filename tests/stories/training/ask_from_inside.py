"""In a job: what its token lets it do through the SDK, and what not."""

import os
import sys
from pathlib import Path

sys.path[:0] = os.environ["SOURCES"].split(os.pathsep)

from zaffre import Workspace, command  # noqa: E402
from zaffre.base.errors import Forbidden  # noqa: E402

ws = Workspace.connect(os.environ["ZAFFRE_URL"], os.environ["ZAFFRE_TOKEN"])
assert ws.name == os.environ["ZAFFRE_WORKSPACE"]
me = os.environ["ZAFFRE_JOB"]
assert ws.jobs.get(me).status == "Running"
assert me in {job.name for job in ws.jobs.list()}
asset = ws.data.get("words", label="latest")
assert asset.version == "1"
ws.data.download("words", "got", version="1")
assert Path("got/words/words.txt").read_text() == "one two three"
with Workspace.from_home() as same:
    assert [one.name for one in same.data.list()] == ["words"]

Path("code").mkdir()
Path("code/x.py").write_text("print(1)")
tries = {
    "submit": lambda: ws.jobs.create_or_update(
        {"type": "command", "command": "true", "environment": "azureml:python@latest"}
    ),
    "submit with code": lambda: ws.jobs.create_or_update(
        command(code="code", command="python x.py", environment="azureml:python@latest")
    ),
    "cancel": lambda: ws.jobs.cancel(me),
    "change data": lambda: ws.data.update("words", "1", description="mine"),
    "add data": lambda: ws.data.create_or_update({"name": "more", "type": "uri_file", "path": "code/x.py"}),
    "another workspace": lambda: Workspace.connect(
        os.environ["ZAFFRE_URL"], os.environ["ZAFFRE_TOKEN"], "other"
    ).jobs.get("any"),
    "stop": lambda: list(ws.workspaces.list()),
}
for what, call in tries.items():
    try:
        call()
    except Forbidden as error:
        print(f"{what}: {error.message} ({error.hint})")
        assert me in error.message and error.hint
    else:
        raise AssertionError(f"{what} was allowed")
