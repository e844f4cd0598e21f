"""How data is delivered and taken: each mode, for files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import Folder, folder

SHOW = """
    import os, pathlib, sys
    for word in sys.argv[1:]:
        place = pathlib.Path(word)
        files = sorted(place.rglob("*.txt")) if place.is_dir() else [place]
        print(place.name, place.is_dir(), [path.read_text() for path in files])
    """


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Folder]:
    with folder(tmp_path) as found:
        data = found.project / "data"
        (data / "sub").mkdir(parents=True)
        (data / "a.txt").write_text("one")
        (data / "sub/b.txt").write_text("two")
        yield found


@pytest.mark.parametrize("mode", ["ro_mount", "download", "direct", "eval_download", "eval_mount", "rw_mount"])
@pytest.mark.parametrize("source", ["local", "datastore", "reference"])
def test_inputs(here: Folder, mode: str, source: str) -> None:
    paths = {"local": "data", "reference": "azureml:all:1", "datastore": "azureml://datastores/mine/paths/data"}
    files = {"local": "data/a.txt", "reference": "azureml:one:1", "datastore": f"{paths['datastore']}/a.txt"}
    if source == "datastore":
        here.ws.datastores.create_or_update({"name": "mine", "type": "local_folder", "path": str(here.project)})
    if source == "reference":
        here.ws.data.create_or_update({"name": "all", "path": str(here.project / "data")}, by_reference=True)
        one = {"name": "one", "type": "uri_file", "path": str(here.project / "data/a.txt")}
        here.ws.data.create_or_update(one, by_reference=True)
    job = here.run(
        f"""
        code: src
        command: python show.py ${{{{inputs.all}}}} ${{{{inputs.one}}}}
        inputs:
          all: {{type: uri_folder, path: "{paths[source]}", mode: {mode}}}
          one: {{type: uri_file, path: "{files[source]}", mode: {mode}}}
        """,
        show=SHOW,
    )
    folder_line, file_line = here.log(job).splitlines()
    assert folder_line.endswith("True ['one', 'two']")
    assert file_line == "a.txt False ['one']"


@pytest.mark.parametrize("mode", ["upload", "rw_mount", "direct"])
def test_outputs(here: Folder, mode: str) -> None:
    here.ws.datastores.create_or_update({"name": "mine", "type": "local_folder", "path": str(here.project)})
    job = here.run(
        f"""
        command: >-
          mkdir ${{{{outputs.folder}}}}/sub && echo 1 > ${{{{outputs.folder}}}}/sub/x && echo 2 > ${{{{outputs.file}}}}
          && echo 3 > ${{{{outputs.placed}}}}
        outputs:
          folder: {{type: uri_folder, mode: {mode}}}
          file: {{type: uri_file, mode: {mode}}}
          placed: {{type: uri_file, mode: {mode}, path: azureml://datastores/mine/paths/out/deep.txt}}
        """
    )
    assert (here.project / "out/deep.txt").read_text() == "3\n"
    use = f"""
        command: cat ${{{{inputs.folder}}}}/sub/x ${{{{inputs.file}}}} ${{{{inputs.placed}}}}
        inputs:
          folder: {{type: uri_folder, path: azureml://jobs/{job.name}/outputs/folder}}
          file: {{type: uri_file, path: azureml://jobs/{job.name}/outputs/file}}
          placed: {{type: uri_file, path: azureml://jobs/{job.name}/outputs/placed}}
        """
    assert here.log(here.run(use)) == "1\n2\n3\n"


@pytest.mark.parametrize("source", ["upload", "reference"])
def test_a_job_that_writes_into_its_download_alters_nothing_else(here: Folder, source: str) -> None:
    by_reference = source == "reference"
    here.ws.data.create_or_update({"name": "all", "path": str(here.project / "data")}, by_reference=by_reference)
    text = """
        command: cat ${{inputs.all}}/a.txt && echo -n spoilt > ${{inputs.all}}/a.txt && touch ${{inputs.all}}/sub/new
        inputs:
          all: {type: uri_folder, path: azureml:all:1, mode: download}
        """
    assert here.log(here.run(text)) == here.log(here.run(text)) == "one"
    assert (here.project / "data/a.txt").read_text() == "one"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_mount_is_read_only(here: Folder) -> None:
    text = """
        command: echo spoilt > ${{inputs.all}}/a.txt
        inputs:
          all: {type: uri_folder, path: data, mode: ro_mount}
        """
    assert here.submit(text).status == "Failed"
