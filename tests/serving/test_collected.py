"""What data collectors took becomes tables in the datastore, whole and once, whoever dies meanwhile."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from collecting import DEPLOYMENT, DYING_PROGRAM, DYING_SERVER, PAIRS, Bench, kill
from live_endpoints import Place, until

from zaffre import Workspace
from zaffre.base.errors import Conflict
from zaffre.engine.serving import collected
from zaffre.engine.serving.spool import Spool
from zaffre.runtime.zaffre_scoring import collect

NAME = re.compile(r"model_inputs/\d{4}/\d\d/\d\d/\d\d/instance_\d+_[0-9a-f]{8}_\d{4}\.parquet")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_a_worker_collected_is_read_back_as_tables(bench: Bench) -> None:
    asked = [
        b'{"data": [[1, 2]]}',
        b'{"data": [[NaN, -Infinity, 2.5]], "more": {"a": [true, null]}}',
        b'{"other": "columns \xc3\xa9 \\ud83d"}',
        b"[" * 100_000,
        b"\xff\xfe no text",
        b"",
        json.dumps({"large": "x" * (5 << 20)}).encode(),
    ]
    worker = bench.worker([(one, b"[0.5]") for one in asked])
    kill(worker)
    bench.turn()
    assert bench.left() == []
    assert all(NAME.fullmatch(name.replace("model_outputs", "model_inputs")) for name in bench.files()), bench.files()
    inputs = bench.rows()
    assert [json.loads(row["data"]) for row in inputs] == [
        {"data": [[1, 2]]},
        {"data": [[None, None, 2.5]], "more": {"a": [True, None]}},
        {"other": "columns é \ud83d"},
        "[" * 100_000,
        "\ufffd\ufffd no text",
        "",
        {"large": "x" * (5 << 20)},
    ]
    outputs = bench.rows("model_outputs")
    assert [row["correlationid"] for row in outputs] == [row["correlationid"] for row in inputs]
    assert {row["data"] for row in outputs} == {"[0.5]"}
    first = inputs[0]
    assert (first["workspace"], first["endpoint"], first["deployment"]) == ("default", "flowers", "blue")
    assert (first["collection"], first["agent"]) == ("model_inputs", "zaffre")
    assert abs((datetime.now(UTC) - first["time"]).total_seconds()) < 600


def test_json_that_the_model_has_read_is_kept_as_it_came(bench: Bench) -> None:
    asked = [b'{\r\n "data":\n [1, 2.50, "\xc3\xa9 \\n"]}', b"[]", b'"\\ud83d"', b" 5\n"]
    worker = bench.worker([(one, b"[0.5]") for one in asked], is_json=True)
    kill(worker)
    bench.turn()
    inputs, outputs = bench.rows(), bench.rows("model_outputs")
    assert [json.loads(row["data"]) for row in inputs] == [{"data": [1, 2.5, "é \n"]}, [], "\ud83d", 5]
    assert [row["id"] for row in inputs] == [row["correlationid"] for row in outputs]
    assert len({row["id"] for row in inputs}) == 4
    first, now = inputs[0], datetime.now(UTC)
    assert abs((now - first["time"]).total_seconds()) < 600
    assert (first["source"], first["type"]) == ("zaffre/default/flowers/blue", "azureml.inference.model_inputs")
    assert all(first[name] for name in ("specversion", "agent", "contentrange", "datacontenttype", "xrequestid"))


def test_a_file_is_taken_when_its_writer_lets_go_and_not_before(bench: Bench) -> None:
    worker = bench.worker([(b"1", b"2")])
    try:
        bench.turn(3)
        assert len(bench.left()) == 2
        assert bench.files() == []
    finally:
        kill(worker)
    bench.turn()
    assert bench.left() == []
    assert len(bench.rows()) == 1


def test_a_file_that_is_old_or_large_is_let_go_by_a_worker_that_lives(bench: Bench) -> None:
    worker = bench.worker([(b"1", b"2")], close_s=0.0)
    try:
        until(lambda: bench.turn() or not bench.left())
        assert [row["data"] for row in bench.rows()] == ["1"]
    finally:
        kill(worker)


def test_lines_that_were_cut_off_or_harmed_lose_nothing_else(bench: Bench) -> None:
    log = bench.home / "serving/default/flowers/blue/log.txt"
    log.parent.mkdir(parents=True)
    bench.lines("a", 1, 2, tail='{"id": "half')
    bench.lines("b", 3, tail="\0\0 no record\n[1]\n")
    bench.turn()
    rows = {row["id"]: row["data"] for row in bench.rows() if row["id"]}
    assert rows == {"a-0": "1", "a-1": "2", "b-0": "3"}
    assert sorted(row["data"] for row in bench.rows() if not row["id"]) == ['"[1]"', '"\\u0000\\u0000 no record"']
    assert "1 records were cut off" in log.read_text()


def test_files_and_folders_of_others_are_left_alone(bench: Bench) -> None:
    for name, text in (("odd", ""), ("empty", "{}"), ("list", "[1]")):
        (bench.spool.parent / name).mkdir()
        (bench.spool.parent / name / "place.json").write_text(text)
    for name in ("one.parquet", "a.b.parquet", "c.kept", "...parquet"):
        (bench.spool / name).write_text("x")
    (bench.spool / "no.json.jsonl").mkdir()
    bench.lines("a", 1)
    bench.turn(2)
    assert bench.files() == ["model_inputs/2026/11/20/18/a.parquet"]
    assert bench.left() == ["...parquet", "a.b.parquet", "c.kept", "no.json.jsonl", "one.parquet"]


def test_records_with_an_odd_envelope_have_a_place(bench: Bench) -> None:
    path = bench.lines("a")
    odd: list[dict[str, Any]] = [
        {"id": 7, "time": "yesterday", "data": {"x": 1}, "unknown": 1},
        {"id": "half \ud83d", "time": "2026-11-20T18:00:00.1234567+02:00", "workspace": "another"},
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in odd))
    bench.turn()
    first, second = bench.rows()
    assert (first["id"], first["time"], first["data"]) == ("7", None, '{"x": 1}')
    assert second["time"] == datetime(2026, 11, 20, 16, 0, 0, 123456, UTC)
    assert (second["id"], second["data"], second["workspace"]) == ("half ?", "null", "default")


@pytest.mark.slow
@pytest.mark.parametrize("who", ["server", "program"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_is_there_twice(
    tmp_path: Path, who: str, caplog: pytest.LogCaptureFixture
) -> None:
    deaths = 0
    for step in range(1, 100):
        bench = Bench(tmp_path / str(step))
        bench.lines("a", *range(5))
        caplog.clear()
        if who == "server":
            bench.lines("b", *range(5, 8), stamp="2026-11-20-19")
            words = [sys.executable, "-c", DYING_SERVER, str(step), str(bench.home), str(Path(__file__).parent)]
            died = subprocess.run(words, check=False).returncode == -9
        else:
            dying = collected.Collected(bench.ctx, [sys.executable, "-c", DYING_PROGRAM, str(step)])
            dying.turn(0.0)
            died = "ended with -9" in caplog.text
        if not died:
            break
        deaths += 1
        bench.turn()
        assert bench.left() == [], f"step {step}"
        wanted = ["model_inputs/2026/11/20/18/a.parquet", "model_inputs/2026/11/20/19/b.parquet"]
        assert bench.files() == (wanted if who == "server" else wanted[:1])
        rows = sorted(int(row["data"]) for row in bench.rows())
        assert rows == list(range(8 if who == "server" else 5)), f"step {step}"
    assert deaths == 8


def test_a_datastore_on_another_disk_gets_whole_files(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if bench.spool in path.parents and bench.store in target.parents:
            raise OSError(errno.EXDEV, "another device")
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    bench.lines("a", 1)
    bench.turn()
    assert bench.files() == ["model_inputs/2026/11/20/18/a.parquet"]
    assert (bench.left(), len(bench.rows())) == ([], 1)


def test_without_pyarrow_the_lines_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "converts", lambda: False)
    bench.lines("a", 1, 2)
    bench.turn()
    (name,) = bench.files()
    assert name == "model_inputs/2026/11/20/18/a.jsonl"
    assert [json.loads(line)["data"] for line in (bench.store / name).read_text().splitlines()] == [1, 2]
    assert bench.left() == []


@pytest.mark.parametrize("program", ["import sys; sys.exit(3)", "print('nonsense')", "raise MemoryError", "print([1])"])
def test_what_no_program_can_convert_stays_lines(bench: Bench, program: str) -> None:
    bench.lines("a", 1)
    bench.lines("b", 2)
    bench.collected.command = [sys.executable, "-c", program]
    bench.turn(collected.TRIES)
    assert bench.files() == ["model_inputs/2026/11/20/18/a.jsonl", "model_inputs/2026/11/20/18/b.jsonl"]
    assert bench.left() == []


def test_a_datastore_that_is_away_is_asked_again_later(bench: Bench) -> None:
    log = bench.home / "serving/default/flowers/blue/log.txt"
    log.parent.mkdir(parents=True)
    bench.store.parent.mkdir(parents=True)
    bench.store.write_text("in the way")
    bench.lines("a", 1)
    bench.turn(3)
    assert bench.left() == ["model_inputs.2026-11-20-18.a.parquet"]
    assert log.read_text().count("waits for its datastore") == 1
    spool = next(iter(bench.collected.spools.values()))
    assert spool.next_push > 0
    bench.store.unlink()
    bench.collected.turn(spool.next_push)
    assert bench.files() == ["model_inputs/2026/11/20/18/a.parquet"]


def test_what_waits_for_too_long_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "HELD_BYTES", 1)
    bench.store.parent.mkdir(parents=True)
    bench.store.write_text("in the way")
    bench.lines("a", 1)
    bench.turn()
    assert bench.left() == []


def test_the_oldest_go_first_and_no_more_than_must(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "HELD_BYTES", 150)
    bench.store.parent.mkdir(parents=True)
    bench.store.write_text("in the way")
    for name, size, moment in (("new.parquet", 100, 2_000_000_000), ("old.kept", 900, 1_000_000_000)):
        path = bench.spool / f"model_inputs.2026-11-20-18.{name}"
        path.write_bytes(b"x" * size)
        os.utime(path, (moment, moment))
    bench.turn()
    assert bench.left() == ["model_inputs.2026-11-20-18.new.parquet"]


def test_the_folder_of_a_deployment_that_is_gone_goes_when_it_is_empty(bench: Bench) -> None:
    path = bench.lines("a", 1)
    keeper = collected.Collected(bench.ctx)
    keeper.start()
    keeper.stop()
    assert path.exists() or bench.files()
    bench.turn()
    keeper = collected.Collected(bench.ctx)
    keeper.start()
    keeper.stop()
    assert not bench.spool.exists()
    assert len(bench.rows()) == 1


def test_a_former_program_that_still_works_is_left_alone(bench: Bench) -> None:
    import fcntl

    path = bench.lines("a", 1)
    with open(path, "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert list(Spool(bench.spool, {}).complete()) == []
        bench.turn()
        assert bench.left() == [path.name]
    bench.turn()
    assert len(bench.rows()) == 1


SCRIPT = """
import os, urllib.request
def init(): pass
def run(data):
    url = f"http://{os.environ['AZUREML_MDC_HOST']}:{os.environ['AZUREML_MDC_PORT']}/modeldata/log"
    request = urllib.request.Request(url, data.encode(), {"ce-type": "azureml.inference.asked"})
    return urllib.request.urlopen(request, timeout=30).status
"""
HANGING = """
import os, pathlib, time
place = pathlib.Path(__file__).with_name("pid")
place.with_suffix(".new").write_text(str(os.getpid()))
place.with_suffix(".new").rename(place)
time.sleep(600)
"""


COLLECTING = {"collections": {"asked": {"enabled": True}}}


def home_of(folder: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zaffre-tests" / "environments"
    cache.mkdir(parents=True, exist_ok=True)
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "environments").symlink_to(cache)
    return home


def test_a_program_that_hangs_affects_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, programs = home_of(tmp_path), tmp_path / "programs"
    programs.mkdir()
    (programs / "hanging_converter.py").write_text(HANGING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(programs), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setattr(collected, "MODULE", "hanging_converter")
    monkeypatch.setattr(collected, "LOOK_S", 0.05)
    with Workspace.local(home) as ws:
        place = Place(home, tmp_path, ws)
        place.endpoint("flowers")
        place.deploy("flowers", "blue", SCRIPT, data_collector=COLLECTING)
        spool = next((home / "collected").iterdir())
        (spool / "asked.2026-11-20-18.former.jsonl").write_text('{"id": "1", "data": 1}\n')
        pid = int(until(lambda: (programs / "pid").exists() and (programs / "pid").read_text()))
        assert [place.post("flowers", {"x": i})[:2] for i in range(30)] == [(200, 200)] * 30
        os.kill(pid, 0)  # all the while it hung
        until(lambda: _lines(spool) == 31)
        ws.online_endpoints.delete("flowers")
        until(lambda: not list((home / "serving/s").glob("*.sock")))
    with pytest.raises(ProcessLookupError):  # it ended with the platform
        os.kill(pid, 0)
    assert _lines(spool) == 31


def test_what_a_deployment_collected_reaches_its_bucket_also_when_it_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    import pyarrow.parquet as pq
    from moto.server import ThreadedMotoServer

    monkeypatch.setattr(collected, "LOOK_S", 0.05)
    home = home_of(tmp_path)
    bucket = ThreadedMotoServer(port=0, verbose=False)
    bucket.start()
    try:
        endpoint = f"http://127.0.0.1:{bucket.get_host_and_port()[1]}"
        secret = {"access_key_id": "k", "secret_access_key": "s"}
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
        )
        client.create_bucket(Bucket="collected")
        with Workspace.local(home, allow_private_addresses=True) as ws:
            lake = {"name": "lake", "type": "s3", "bucket": "collected", "endpoint": endpoint, "credentials": secret}
            ws.datastores.create_or_update(lake)
            place = Place(home, tmp_path, ws)
            place.endpoint("flowers")
            destination = {**COLLECTING, "destination": "azureml://datastores/lake/paths/flowers/"}
            place.deploy("flowers", "blue", SCRIPT, data_collector=destination)
            assert [place.post("flowers", {"x": i})[:2] for i in range(5)] == [(200, 200)] * 5
            ws.online_endpoints.delete("flowers")
            until(lambda: client.list_objects_v2(Bucket="collected")["KeyCount"] > 0)
            (spool,) = (home / "collected").iterdir()
            until(lambda: os.listdir(spool) == ["place.json"])
        keys = [one["Key"] for one in client.list_objects_v2(Bucket="collected")["Contents"]]
        assert all(key.startswith("flowers/asked/") and key.endswith(".parquet") for key in keys)
        rows: list[dict[str, Any]] = []
        for key in keys:
            client.download_file("collected", key, str(tmp_path / "one.parquet"))
            rows += pq.read_table(tmp_path / "one.parquet").to_pylist()
        assert sorted(json.loads(row["data"])["x"] for row in rows) == [0, 1, 2, 3, 4]
    finally:
        bucket.stop()


def test_a_destination_that_can_only_be_read_is_refused(tmp_path: Path) -> None:
    with Workspace.local(home_of(tmp_path)) as ws:
        place = Place(tmp_path / "home", tmp_path, ws)
        place.endpoint("flowers")
        with pytest.raises(Conflict, match="can be read only"):
            place.deploy(
                "flowers", "blue", SCRIPT, data_collector={**COLLECTING, "destination": "https://example.org/x"}
            )
        ws.online_endpoints.delete("flowers")


def _lines(spool: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in spool.glob("*.jsonl"))


# --- the worker's side ---


def collector(bench: Bench, monkeypatch: pytest.MonkeyPatch, **more: Any) -> collect.Collector:
    for name in ("ENABLED", "HOST", "PORT"):
        monkeypatch.setenv(f"AZUREML_MDC_{name}", "")
    settings = {"folder": str(bench.spool), "collections": PAIRS, **more}
    made = collect.start(settings, {**DEPLOYMENT})
    assert made is not None
    return made


def written(bench: Bench) -> list[Any]:
    lines = [line for path in sorted(bench.spool.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def test_one_record_that_cannot_be_kept_harms_no_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = collector(bench, monkeypatch)
    original = made._line

    def line(collection: str, data: Any, *more: Any) -> Any:
        if data == 2:
            raise RuntimeError("odd")
        return original(collection, data, *more)

    monkeypatch.setattr(made, "_line", line)
    for number in (b"1", b"2", b"3"):
        made.offer(number, b"0", False)
    made.finish(30)
    assert sorted(one["data"] for one in written(bench) if one["type"].endswith("inputs")) == [1, 3]


def test_a_file_is_let_go_also_where_a_child_of_the_model_has_it_open(bench: Bench) -> None:
    made = collect._File(str(bench.spool), "model_inputs.2026-11-20-18.a.jsonl")
    made.write(b"{}\n")
    inherited = os.dup(made.file.fileno())  # as a fork shares it
    try:
        assert list(Spool(bench.spool, {}).complete()) == []
        made.close()
        assert len(list(Spool(bench.spool, {}).complete())) == 1
    finally:
        os.close(inherited)


def test_what_waits_in_a_worker_is_bounded_in_bytes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "WAITING_BYTES", 1000)
    monkeypatch.setattr(collect.Collector, "_write", lambda _self: None)  # it cannot keep up at all
    made = collector(bench, monkeypatch)
    made.offer(b"x" * 2000, b"", False)  # one is always taken
    for _ in range(5):
        made.offer(b"x", b"", False)
    assert (made.taken, made.dropped) == (1, 5)


def test_a_disk_that_is_full_ends_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = collector(bench, monkeypatch)
    original = collect._File.write
    full = [True]

    def write(self: Any, content: bytes) -> None:
        if full.pop() if full else False:
            original(self, content[:7])
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, content)

    monkeypatch.setattr(collect._File, "write", write)
    made.post("model_inputs", {}, b"1")
    made.finish(30)
    made.post("model_inputs", {}, b"2")
    made.finish(30)
    assert len(list(bench.spool.glob("*.jsonl"))) == 2
    made.open.popitem()[1].close()
    bench.turn()
    assert [row["data"] for row in bench.rows()] == ["2"]


def test_scripts_post_what_they_collect(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = collector(bench, monkeypatch)
    address = f"http://{os.environ['AZUREML_MDC_HOST']}:{os.environ['AZUREML_MDC_PORT']}/modeldata/log"
    headers = {"ce-id": "7", "ce-type": "azureml.inference.model_inputs", "ce-time": "2026-11-20T18:00:00Z"}
    request = urllib.request.Request(address, b'[{"age": 1}]', headers)
    assert urllib.request.urlopen(request, timeout=30).status == 200
    made.finish(30)
    (record,) = written(bench)
    assert (record["id"], record["data"], record["time"]) == ("7", [{"age": 1}], "2026-11-20T18:00:00Z")
