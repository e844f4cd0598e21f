"""Storage that stays sound and small: damage is found and named, what is dead goes, what lives stays."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from stores import Folder, folder, s3_server

from zaffre.app.platform import DATABASE_VARIABLE
from zaffre.plugins.content.store import FileContentStore
from zaffre.services.server import storage
from zaffre.wire import server

MINIMAL = "azureml:minimal@latest"


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    if request.param == "sqlite":
        with folder(tmp_path, allow_private_addresses=True) as found:
            yield found
        return
    base, name = request.getfixturevalue("postgres"), f"zaffre_{uuid.uuid4().hex}"
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    monkeypatch.setenv(DATABASE_VARIABLE, base.set(database=name).render_as_string(hide_password=False))
    with folder(tmp_path, allow_private_addresses=True) as found:
        yield found
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def collect(here: Folder, **asked: Any) -> server.Collected:
    return here.ws.transport.call(server.GC, server.Collect(**asked))


def scrub(here: Folder) -> list[server.Damage]:
    *_, last = events = list(here.ws.transport.events(server.SCRUB, server.Scrub()))
    assert last.over
    assert last.objects == last.of_objects
    return [item for event in events for item in event.damaged]


def age(here: Folder, days: float = 2) -> None:
    """As if everything had come in long ago."""
    with sqlite3.connect(here.home / "content/index.db") as index:
        for table in ("objects", "trees"):
            index.execute(f"update {table} set seen = seen - ?", (int(days * 86400),))
    for place in [*here.home.glob("content/packs/*"), *here.home.glob("content/objects/*/*")]:
        os.utime(place)


def write(place: Path, body: str | bytes) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(body.encode() if isinstance(body, str) else body)
    return str(place.parent)


def test_a_long_scrub_shows_how_far_it_is_and_can_go_on(here: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SCRUB_STEP_S", 0.0)
    for number in range(5):
        write(here.project / f"data/{number}.txt", f"file {number}")
    here.ws.data.create_or_update({"name": "d", "path": str(here.project / "data")})
    flip(here.home / "content/packs", b"file 0")
    events = list(here.ws.transport.events(server.SCRUB, server.Scrub()))
    assert len(events) >= 6
    assert [event.id for event in events] == [*range(1, len(events)), len(events) - 1]
    assert [event.over for event in events] == [False] * (len(events) - 1) + [True]
    assert (events[-1].objects, events[-1].bytes) == (events[0].of_objects, events[0].of_bytes)
    assert sum(len(event.damaged) for event in events) == 1
    rest = list(here.ws.transport.events(server.SCRUB, server.Scrub(after=3)))
    assert [event.id for event in rest] == [event.id for event in events[3:]]


def test_a_flipped_byte_is_found_and_what_uses_it_is_named(here: Folder) -> None:
    files = write(here.project / "data/small.txt", "the small file of a data asset")
    write(here.project / "data/large.bin", big := os.urandom(600_000))
    here.ws.data.create_or_update({"name": "d", "path": files})
    here.ws.data.create_or_update({"name": "other", "path": write(here.project / "other/x.txt", "sound")})
    job = here.run("code: src\ncommand: python run.py\n", run="print('the code of a job')")
    assert scrub(here) == []
    flip(here.home / "content/packs", b"the small file of a data asset")
    flip(here.home / "content/packs", b"the code of a job")
    flip(here.home / "content/objects", big[1000:1100])
    found = scrub(here)
    assert sorted(item.used_by for item in found) == [["data d:1"], ["data d:1"], [f"job {job.name}"]]
    assert all(item.problem for item in found)


def flip(below: Path, around: bytes) -> None:
    for place in below.rglob("*"):
        if place.is_file() and (at := place.read_bytes().find(around)) >= 0:
            place.chmod(0o600)
            with open(place, "r+b") as file:
                file.seek(at + 5)
                byte = file.read(1)
                file.seek(at + 5)
                file.write(bytes([byte[0] ^ 1]))
            place.chmod(0o444)
            return
    raise AssertionError("not stored there")


def test_collection_takes_what_is_dead_and_nothing_else(here: Folder) -> None:
    ws, project = here.ws, here.project
    # living: a data asset, one by reference, a job's code, a component's code, one inside a pipeline component,
    # a build context, a model
    ws.data.create_or_update({"name": "kept", "path": write(project / "kept/a.txt", "kept data")})
    lying = write(project / "lying/a.txt", "by reference")
    ws.data.create_or_update({"name": "lying", "path": lying}, by_reference=True)
    here.run("code: src\ncommand: python run.py\n", run="print('code of a job')")
    inner = {"type": "command", "name": "inner", "environment": MINIMAL, "command": "python c.py"}
    inner["code"] = write(project / "component/c.py", "print('code of a component')")
    ws.components.create_or_update({**inner, "name": "alone"})
    inner["code"] = write(project / "nested/c.py", "print('code in a pipeline component')")
    nested = {"type": "pipeline", "jobs": {"low": {"type": "command", "component": inner}}}
    outer = {"type": "pipeline", "name": "outer", "jobs": {"deep": {"type": "pipeline", "component": nested}}}
    ws.components.create_or_update(outer)
    context = write(project / "context/Dockerfile", "FROM python:3.11\nRUN pip install -r requirements.txt\n")
    write(project / "context/requirements.txt", "# nothing needed\n")
    ws.environments.create_or_update({"name": "built", "build": {"path": context}})
    ws.models.create_or_update({"name": "m", "path": write(project / "model/m.txt", "a model")})
    # dead: a deleted version
    ws.data.create_or_update({"name": "dead", "path": write(project / "dead/a.txt", "dead data " * 1000)})
    living = stored(here)
    ws.data.delete("dead", "1")
    assert collect(here, dry_run=True, keep_hours=24).objects == 0  # it may belong to work under way
    age(here)
    would = collect(here, dry_run=True)
    assert (would.objects, would.bytes >= 10_000) == (2, True)  # the file and its tree
    assert stored(here) == living
    assert collect(here, dry_run=False).objects == 2
    assert living - stored(here) == {content for content in living if b"dead data" in content}
    assert collect(here, dry_run=True).objects == 0
    assert scrub(here) == []
    # what lives is used again
    step = {"type": "command", "component": "azureml:alone@latest"}
    deep = {"type": "pipeline", "component": "azureml:outer@latest"}
    job = ws.jobs.create_or_update({"type": "pipeline", "jobs": {"step": step, "deep": deep}})
    assert ws.jobs.wait(job.name, 60).status == "Completed"
    assert [path.read_text() for path in ws.data.download("kept", project / "got")] == ["kept data"]
    (project / "lying/a.txt").write_text("changed")
    assert ws.data.check("lying").detail == "a.txt was changed (12 -> 7 bytes)"


def stored(here: Folder) -> set[bytes]:
    """The content of every object that can still be read, but for manifests."""
    store = FileContentStore(here.home / "content")
    with sqlite3.connect(here.home / "content/index.db") as index:
        hashes = [row[0].hex() for row in index.execute("select hash from objects")]
    found = set()
    for hash_ in hashes:
        with store.open(hash_) as file:
            found.add(file.read())
    store.close()
    return {content for content in found if not content.startswith(b"zaffre-tree")}


def test_folders_of_jobs_and_fetched_copies_go_when_their_time_is_over(here: Folder) -> None:
    failed = here.submit("command: exit 3\n")
    assert failed.status == "Failed"
    place = here.home / "jobs/default" / failed.name
    stray = here.home / "jobs/default/nobody-knows-it"
    stray.mkdir(parents=True)
    assert place.is_dir()  # for a look
    assert collect(here, dry_run=True).job_folders == 1
    assert collect(here, dry_run=False).job_folders == 1
    assert (place.is_dir(), stray.exists()) == (True, False)
    week_ago = int((time.time() - 8 * 86400) * 1000)
    engine = here.ws.transport._platform.ctx.db.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(
            text("update jobs set ended_at = :at where name = :name"), {"at": week_ago, "name": failed.name}
        )
    assert collect(here, dry_run=False).job_folders == 1
    assert not place.exists()
    import boto3

    with s3_server() as endpoint:
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
        )
        client.create_bucket(Bucket="data")
        client.put_object(Bucket="data", Key="d/sub/a.txt", Body=b"remote")
        here.ws.datastores.create_or_update({
            "name": "lake", "type": "s3", "bucket": "data", "endpoint": endpoint, "region": "us-east-1",
            "credentials": {"access_key_id": "k", "secret_access_key": "s"},
        })  # fmt: skip
        use = "command: cat ${{inputs.d}}/sub/a.txt\ninputs:\n  d: {path: azureml://datastores/lake/paths/d/}\n"
        here.run(use)
        assert collect(here, dry_run=False).copies_bytes == 0  # used today
        for copy in here.home.glob("cache/*"):
            os.utime(copy, (0, 0))
        assert collect(here, dry_run=True).copies_bytes == 6
        assert collect(here, dry_run=False).copies_bytes == 6
        assert collect(here, dry_run=False).copies_bytes == 0
        assert here.log(here.run(use)) == "remote"


def test_environments_that_nobody_uses_go(tmp_path: Path) -> None:
    with folder(tmp_path, own_environments=True) as here:
        here.run("command: python -c 1\n")
        assert collect(here, dry_run=False, unused_days=1).environments == []
        (would,) = collect(here, dry_run=True, unused_days=0).environments
        assert (here.home / "environments" / would["key"]).is_dir()
        assert collect(here, dry_run=False, unused_days=0).environments == [would]
        assert not (here.home / "environments" / would["key"]).exists()
        here.run("command: python -c 1\n")
        sleeper = here.start("command: sleep 30\n")
        stream = here.ws.jobs.events(sleeper.name)
        while next(stream).status != "Running":
            pass
        assert collect(here, dry_run=False, unused_days=0).environments == []  # in use
        here.ws.jobs.cancel(sleeper.name)
        here.ws.jobs.wait(sleeper.name, 60)
