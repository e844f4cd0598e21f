"""Jobs that read from the web, and the same without a network: addresses rewritten to a mirror on this machine."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from stores import folder, web

from zaffre.cli.progress import watch

READ = """
    command: cat ${{inputs.raw}}
    inputs:
      raw: {type: uri_file, path: "%s", mode: %s}
    """


def test_a_file_of_the_web(tmp_path: Path) -> None:
    with folder(tmp_path, allow_private_addresses=True) as here, web(tmp_path / "site") as address:
        (tmp_path / "site/a.csv").write_text("x\n1\n")
        for mode in ("ro_mount", "download", "direct"):
            job = here.run(READ % (f"{address}/a.csv", mode))
            assert here.log(job) == "x\n1\n"
        gone = here.submit(READ % (f"{address}/none.csv", "ro_mount"))
        assert (gone.status, (gone.error or {}).get("code")) == ("Failed", "SourceNotFound")
        assert f"{address}/none.csv" in str(gone.error)
        here.ws.datastores.create_or_update({"name": "site", "type": "http", "url": address})
        job = here.run(READ % ("azureml://datastores/site/paths/a.csv", "ro_mount"))
        assert here.log(job) == "x\n1\n"
        text = """
            command: touch ran && echo 1 > ${{outputs.o}}/x
            outputs:
              o: {type: uri_folder, path: azureml://datastores/site/paths/out/}
            """
        job = here.submit(text)
        assert (job.error or {}).get("code") == "ReadOnly"  # before it ran
        assert here.log(job) == ""


def test_an_asset_of_the_web_is_pinned_by_its_first_reader(tmp_path: Path) -> None:
    with folder(tmp_path, allow_private_addresses=True) as here, web(tmp_path / "site") as address:
        (tmp_path / "site/a.csv").write_text("x\n1\n")
        asset = {"name": "a", "version": "1", "type": "uri_file", "path": f"{address}/a.csv"}
        here.ws.data.create_or_update(asset)
        assert here.ws.data.create_or_update(asset).version == "1"
        assert here.ws.data.check("a").detail.startswith("not read yet")
        here.run(READ % ("azureml:a:1", "ro_mount"))
        assert here.ws.data.check("a").detail == "unchanged"
        (tmp_path / "site/a.csv").write_text("x\n2\n")
        job = here.submit(READ % ("azureml:a:1", "ro_mount"))
        assert (job.error or {}).get("code") == "SourceChanged"


def test_rewritten_addresses_say_so(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "d").mkdir(parents=True)
    (mirror / "d/a.csv").write_text("x\n1\n")
    prefix = "wasbs://data@public.blob.core.windows.net/"
    with folder(tmp_path, url_rewrites={prefix: mirror.as_uri()}) as here:
        note = f"{prefix}d/a.csv is read from {mirror.as_uri()}/d/a.csv (url rewrite)"
        job = here.run(READ % (f"{prefix}d/a.csv", "ro_mount"))
        assert here.log(job) == "x\n1\n"
        assert f"input raw: {note}" in here.system_log(job)
        assert note in str([event.reason for event in here.ws.jobs.events(job.name)])
        blob = here.run(READ % ("https://public.blob.core.windows.net/data/d/a.csv", "download"))
        assert here.log(blob) == "x\n1\n"
        # what `zaffre job stream` shows
        seen = io.StringIO()
        step: dict[str, Any] = {
            "type": "command",
            "environment": "azureml:minimal@latest",
            "command": "cat ${{inputs.raw}}",
        }
        step["inputs"] = {"raw": {"type": "uri_file", "path": f"{prefix}d/a.csv"}}
        watch(here.ws.jobs, here.ws.jobs.create_or_update({"type": "pipeline", "jobs": {"read": step}}), seen)
        assert note in seen.getvalue()
        lost = here.submit(READ % (f"{prefix}d/none.csv", "ro_mount"))
        assert f"{mirror.as_uri()}/d/none.csv" in str(lost.error)
