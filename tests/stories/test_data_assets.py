"""Data assets from creation to deletion: versions, labels, differences, changes behind them, lineage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import Folder, folder, web

from zaffre import load_data
from zaffre.base.errors import Conflict, InvalidRequest, NotFound

USE = "command: cat ${{inputs.d}}/t.csv\ninputs:\n  d: {type: uri_folder, path: azureml:%s}\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Folder]:
    with folder(tmp_path, allow_private_addresses=True) as found:
        data = found.project / "data"
        (data / "old").mkdir(parents=True)
        (data / "t.csv").write_text("a,b\n1,2\n")
        (data / "old/n.txt").write_text("name")
        yield found


def test_versions(here: Folder) -> None:
    data = here.ws.data
    (here.project / "data.yml").write_text("name: d\npath: data\ntags: {kind: raw}\ndescription: first\n")
    made = data.create_or_update(load_data(here.project / "data.yml"))
    assert (made.version, made.type, made.description, made.tags) == ("1", "uri_folder", "first", {"kind": "raw"})
    assert (made.model_extra or {})["files"] == 2
    given = {"name": "d", "version": "7", "path": str(here.project / "data")}
    assert data.create_or_update(given).version == "7"
    assert data.create_or_update(given).created_at == data.get("d", "7").created_at
    (here.project / "data/t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(Conflict, match="d:7 exists already with other content"):
        data.create_or_update(given)
    with pytest.raises(Conflict):
        data.create_or_update({**given, "type": "mltable"})
    assert data.create_or_update({"name": "d", "path": str(here.project / "data")}).version == "8"
    assert [item.version for item in data.list("d")] == ["8", "7", "1"]
    data.archive("d", label="latest")  # only the one that the label points to
    assert [item.version for item in data.list("d")] == ["7", "1"]
    assert data.get("d", label="latest").version == "7"
    data.restore("d", "8")
    assert data.get("d").version == "8"
    assert data.update("d", "7", tags={"kind": None, "ok": "yes"}, labels=["best"]).labels == ["best"]
    assert data.get("d", label="best").tags == {"ok": "yes"}
    assert [item.version for item in data.list("d", tag="ok=yes")] == ["7"]
    with pytest.raises(InvalidRequest, match="latest"):
        data.update("d", "7", labels=["latest"])
    data.delete("d", label="best")
    assert [item.version for item in data.list("d")] == ["8", "1"]
    with pytest.raises(NotFound):
        data.get("d", label="best")
    files = data.download("d", here.project / "got", version="1")
    assert {path.relative_to(here.project / "got").as_posix() for path in files} == {"d/t.csv", "d/old/n.txt"}
    assert (here.project / "got/d/t.csv").read_text() == "a,b\n1,2\n"
    with pytest.raises(NotFound, match="has no version 99"):
        data.get("d", "99")
    with pytest.raises(InvalidRequest):
        data.create_or_update({"name": "../d", "path": str(here.project / "data")})


def test_many_at_once_get_a_version_each(here: Folder) -> None:
    got: list[Any] = []

    def create() -> None:
        got.append(here.ws.data.create_or_update({"name": "d", "path": str(here.project / "data")}).version)

    threads = [threading.Thread(target=create) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(int, got)) == list(range(1, 13))


@pytest.mark.parametrize("by_reference", [False, True])
def test_differences(here: Folder, by_reference: bool) -> None:
    path = here.project / "data"
    here.ws.data.create_or_update({"name": "d", "path": str(path)}, by_reference=by_reference)
    (path / "t.csv").write_text("a,c\n1.5,2\n2,3\n")
    (path / "old").rename(path / "new")
    (path / "more.tsv").write_text("x\n1\n")
    here.ws.data.create_or_update({"name": "d", "path": str(path)}, by_reference=by_reference)
    found = {item.path: item for item in here.ws.data.diff("d", "1", "2").files}
    assert {name: item.change for name, item in found.items()} == {
        "more.tsv": "added", "new/n.txt": "renamed", "t.csv": "changed",
    }  # fmt: skip
    table = found["t.csv"]
    assert (table.former_size, table.size, table.rows, found["more.tsv"].rows) == (8, 14, 2, 1)
    if not by_reference:  # of the first version by reference only names and sizes are known: its bytes are gone
        assert (table.former_rows, table.columns_added, table.columns_removed) == (1, ["c"], ["b"])
        assert table.columns_retyped == ["a: int64 -> double"]
    with pytest.raises(NotFound):
        here.ws.data.diff("d", "1", "3")


def test_what_changed_behind_a_version_is_named_before_a_job_uses_it(here: Folder) -> None:
    path = here.project / "data"
    here.ws.data.create_or_update({"name": "d", "path": str(path)}, by_reference=True)
    assert here.log(here.run(USE % "d:1")) == "a,b\n1,2\n"
    assert here.ws.data.check("d").detail == "unchanged"
    (path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    (path / "old/n.txt").unlink()
    (path / "new.txt").write_text("")
    check = here.ws.data.check("d")
    assert (check.changed, check.detail) == (
        True,
        "t.csv was changed (8 -> 12 bytes); old/n.txt is gone; new.txt is new",
    )
    alone = here.submit(USE % "d:1")
    step = {"type": "command", "environment": "azureml:minimal@latest", "command": "cat ${{inputs.d}}/t.csv"}
    step |= {"inputs": {"d": {"type": "uri_folder", "path": "azureml:d:1"}}}
    pipeline = here.ws.jobs.create_or_update({"type": "pipeline", "jobs": {"read": step}})
    for job in (alone, here.ws.jobs.wait(pipeline.name, 60)):
        assert job.status == "Failed"
        assert (job.error or {})["code"] == "SourceChanged"
        assert "d:1" in (job.error or {})["message"]
        assert "t.csv was changed (8 -> 12 bytes)" in (job.error or {})["message"]
    with pytest.raises(Conflict, match=r"t\.csv was changed"):
        here.ws.jobs.plan({"type": "pipeline", "jobs": {"read": step}})
    here.ws.data.create_or_update({"name": "d", "path": str(path)}, by_reference=True)
    assert here.log(here.run(USE % "d@latest")) == "a,b\n1,2\n3,4\n"
    (path / "t.csv").unlink()
    path.rename(here.project / "away")
    assert here.ws.data.check("d").detail == f"{path.as_uri()} is gone"


def test_lineage_both_ways(here: Folder, tmp_path: Path) -> None:
    data = here.ws.data
    data.create_or_update({"name": "raw", "path": str(here.project / "data")})
    made = here.run(
        """
        command: cp ${{inputs.d}}/t.csv ${{outputs.clean}}/ && cp ${{inputs.d}}/t.csv ${{outputs.kept}}
        inputs:
          d: {type: uri_folder, path: azureml:raw@latest}
        outputs:
          clean: {type: uri_folder}
          kept: {type: uri_file, name: kept, version: "5"}
        """
    )
    later = data.create_or_update({"name": "clean", "path": f"azureml://jobs/{made.name}/outputs/clean"})
    assert (later.job_name, later.version) == (made.name, "1")
    assert (data.get("kept", "5").job_name, data.get("kept").type) == (made.name, "uri_file")
    user = here.run(USE % "clean:1")
    lineage = data.lineage("clean", "1")
    assert ([edge.job for edge in lineage.made_by], [edge.job for edge in lineage.used_by]) == (
        [made.name],
        [user.name],
    )
    assert [edge.job for edge in data.lineage("kept").made_by] == [made.name]
    assert [(edge.job, edge.port) for edge in data.lineage("raw").used_by] == [(made.name, "d")]
    with pytest.raises(Conflict, match=user.name):
        data.delete("clean", "1")
    with pytest.raises(Conflict, match=made.name):
        data.delete("raw")
    data.delete("kept", "5")
    with pytest.raises(NotFound):
        data.get("kept")


def test_from_everywhere(here: Folder, tmp_path: Path) -> None:
    data = here.ws.data
    (here.project / "table").mkdir()
    (here.project / "table/MLTable").write_text("type: mltable\npaths:\n  - file: ./t.csv\ntransformations: []\n")
    (here.project / "table/t.csv").write_text("a\n1\n")
    data.create_or_update({"name": "table", "type": "mltable", "path": str(here.project / "table")})
    text = "command: ls ${{inputs.d}}\ninputs:\n  d: {type: mltable, path: azureml:table:1}\n"
    assert here.log(here.run(text)) == "MLTable\nt.csv\n"
    one = {"name": "one", "type": "uri_file", "path": str(here.project / "data/t.csv")}
    data.create_or_update(one)
    read = "command: cat ${{inputs.f}}\ninputs:\n  f: {type: uri_file, path: azureml:%s}\n"
    assert here.log(here.run(read % "one:1")) == "a,b\n1,2\n"
    with web(tmp_path / "site") as address:
        (tmp_path / "site/a.csv").write_text("w\n1\n")
        data.create_or_update({"name": "web", "type": "uri_file", "path": f"{address}/a.csv"})
        with pytest.raises(Conflict):
            data.create_or_update({"name": "web", "version": "1", "type": "uri_file", "path": f"{address}/b.csv"})
        assert here.log(here.run(read % "web:1")) == "w\n1\n"
        files = data.download("web", here.project / "got")
        assert [path.read_text() for path in files] == ["w\n1\n"]
    here.ws.datastores.create_or_update({"name": "mine", "type": "local_folder", "path": str(here.project)})
    data.create_or_update({"name": "there", "path": "azureml://datastores/mine/paths/data"})
    assert here.log(here.run(USE % "there:1")) == "a,b\n1,2\n"
    with pytest.raises(NotFound):
        data.create_or_update({"name": "there", "path": "azureml://datastores/none/paths/data"})
    with pytest.raises(NotFound, match="does not exist"):
        data.create_or_update({"name": "there", "path": "azureml://datastores/mine/paths/none"})
    for bad in ("azureml://datastores/mine/paths/../../x", "azureml://datastores/workspaceblobstore/paths/../x"):
        with pytest.raises(InvalidRequest):
            data.create_or_update({"name": "bad", "path": bad})
