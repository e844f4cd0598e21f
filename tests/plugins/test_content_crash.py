"""Killed, full, damaged, collected: the store stays valid and says what is wrong."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zaffre.base.errors import NotFound, Unavailable
from zaffre.plugins.content import ingest, settle
from zaffre.plugins.content.store import FileContentStore
from zaffre.ports.content import Manifest

ADD = """
import sys
from pathlib import Path
from zaffre.plugins.content.store import FileContentStore
store = FileContentStore(Path(sys.argv[1]))
print("ready", flush=True)
for source in sys.argv[2:]:
    print(store.add(Path(source)).manifest.root, flush=True)
"""


def start(store: Path, *sources: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ADD, str(store), *map(str, sources)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def make_source(folder: Path, seed: int, small: int = 300, large: int = 2) -> Path:
    folder.mkdir()
    rng = random.Random(seed)
    for number in range(small):
        (folder / f"{number:04}").write_bytes(rng.randbytes(5_000))
    for number in range(large):
        (folder / f"large{number}").write_bytes(rng.randbytes(8_000_000))
    return folder


def check_valid(root: Path) -> None:
    store = FileContentStore(root)
    assert list(store.scrub()) == []
    with sqlite3.connect(root / "index.db") as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    store.close()


def test_kill_in_the_middle_of_add(tmp_path: Path) -> None:
    source, root = make_source(tmp_path / "source", 1), tmp_path / "content"
    FileContentStore(root).close()
    expected = FileContentStore(tmp_path / "other").scan(source)
    begun = time.perf_counter()
    whole = start(tmp_path / "measure", source)
    whole.wait()
    duration = time.perf_counter() - begun
    killed = 0
    for attempt in range(12):
        process = start(root, source)
        time.sleep(duration * attempt / 12 / 4)
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        killed += expected.root not in output
        check_valid(root)
        store = FileContentStore(root)
        for entry in expected.entries[::50]:
            if not store.missing([entry.hash]):
                with store.open(entry.hash) as file:
                    assert len(file.read()) == entry.size
        store.close()
        if attempt % 4 == 3:
            shutil.rmtree(root)
    assert killed > 3
    store = FileContentStore(root)
    assert store.add(source).manifest == expected
    assert not list(store.scrub())
    store.gc([expected.root], dry_run=False, grace_s=-10)
    assert os.listdir(root / "incoming") == []


def test_kill_at_each_step_of_publishing(tmp_path: Path) -> None:
    """Deterministic: the process kills itself at the n-th of these calls, for every n."""
    source = make_source(tmp_path / "source", 2, small=20, large=1)
    script = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[1])
def audit(event, args):
    global left
    if event in ("os.rename", "os.mkdir", "open", "sqlite3.connect", "os.remove", "os.rmdir") and started:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
started = False
sys.addaudithook(audit)
from zaffre.plugins.content import ingest
from zaffre.plugins.content.store import FileContentStore
original = ingest.sync_folder
def syncing(path):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    original(path)
ingest.sync_folder = syncing
store = FileContentStore(Path(sys.argv[2]))
started = True
store.add(Path(sys.argv[3]))
"""
    for step in range(200):
        root = tmp_path / f"content{step}"
        done = subprocess.run([sys.executable, "-c", script, str(step), str(root), str(source)], check=False)
        check_valid(root)
        store = FileContentStore(root)
        manifest = store.add(source).manifest
        assert list(store.scrub()) == []
        store.gc([manifest.root], dry_run=False, grace_s=-10)
        assert list(store.scrub()) == []
        assert os.listdir(root / "incoming") == []
        store.checkout(manifest.root, tmp_path / f"out{step}")
        if done.returncode == 0:
            assert step > 5
            return
        assert done.returncode == -signal.SIGKILL
    pytest.fail("never finished")


def test_many_processes_add_at_once(tmp_path: Path) -> None:
    sources = [make_source(tmp_path / f"source{n}", n, small=100, large=1) for n in range(3)]
    processes = [start(tmp_path / "content", *random.Random(n).sample(sources, 3)) for n in range(4)]
    printed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, printed
    assert len({line for output, _ in printed for line in output.split()}) == 3
    check_valid(tmp_path / "content")


SHARED = """
import sys
from pathlib import Path
from zaffre.plugins.content.store import FileContentStore
print(FileContentStore(Path(sys.argv[1])).shared(sys.argv[2]))
"""


def test_two_processes_share_a_tree_at_once(tmp_path: Path) -> None:
    store = FileContentStore(tmp_path / "content")
    root = store.add(make_source(tmp_path / "source", 3)).manifest.root
    command = [sys.executable, "-c", SHARED, str(store.root), root]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0].strip() for process in processes} == {str(store.root / "trees" / root)}
    assert len(list((store.root / "trees" / root).iterdir())) == 302
    assert list((store.root / "incoming").iterdir()) == []
    assert list(store.scrub()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "tiny"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a tmpfs needs root: " + made.stderr.decode())
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("kind", ["many small", "one large", "large while another writes"])
def test_rel_15_a_full_disk(tiny_disk: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileContentStore(tiny_disk / "content")
    kept = store.add(make_source(tmp_path / "kept", 4, small=20, large=0)).manifest
    source = make_source(tmp_path / "source", 5, small=800 if kind == "many small" else 0, large=kind != "many small")
    if kind == "large while another writes":
        monkeypatch.setattr("zaffre.plugins.content.add.room_for", lambda *_: None)
    with pytest.raises(Unavailable, match=str(store.root)) as caught:
        store.add(source)
    assert caught.value.code == "DiskFull"
    assert list((store.root / "incoming").iterdir()) == []
    check_valid(store.root)
    assert store.manifest(kept.root) == kept
    with pytest.raises(NotFound):
        store.manifest(store.scan(source).root)
    small = make_source(tmp_path / "small", 6, small=20, large=0)
    assert store.add(small).new_files == 20  # there is room again
    roomy = FileContentStore(tmp_path / "roomy")
    root = roomy.add(source).manifest.root
    with pytest.raises(Unavailable, match="no space is left"):
        roomy.checkout(root, tiny_disk / "out")
    assert not (tiny_disk / "out").exists()


# --- damage


def stored(tmp_path: Path) -> tuple[FileContentStore, Manifest]:
    store = FileContentStore(tmp_path / "content")
    return store, store.add(make_source(tmp_path / "source", 7, small=10, large=2)).manifest


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_rel_16_scrub_names_each_object(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    by_path = {entry.path: entry for entry in manifest.entries}
    (pack,) = (store.root / "packs").iterdir()
    flip(pack, 40 + 10)
    flip(store._folder.object(by_path["large0"].hash), 4_000_000)
    store._folder.object(by_path["large1"].hash).unlink()
    found = {damage.name: damage.problem for damage in store.scrub()}
    assert len(found) == 3
    assert found[by_path["large0"].hash] == "its file was written to"
    assert found[by_path["large1"].hash] == "its file is gone"
    (small,) = found.keys() - {by_path["large0"].hash, by_path["large1"].hash}
    assert small in {entry.hash for entry in manifest.entries}
    for hash_ in found:
        with pytest.raises(Unavailable, match=hash_):
            store.open(hash_)
    with pytest.raises(Unavailable, match="damaged"):
        store.checkout(manifest.root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rel_16_bits_that_rot_without_a_write(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    entry = next(entry for entry in manifest.entries if entry.path == "large0")
    path = store._folder.object(entry.hash)
    before = path.stat()
    flip(path, 100)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [(damage.name, damage.problem) for damage in store.scrub()] == [
        (entry.hash, "its bytes are not what was stored")
    ]


def test_rel_16_a_shared_folder_that_was_written_to(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    shared = store.shared(manifest.root)
    flip(shared / "0003", 7)
    (damage,) = store.scrub()
    assert "0003" in damage.problem


def test_adding_again_mends(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    (pack,) = (store.root / "packs").iterdir()
    flip(pack, 40 + 10)
    store._folder.object(manifest.entries[-1].hash).unlink()
    assert len(list(store.scrub(forget=True))) == 4  # two objects, each missing from the tree then
    assert store.add(tmp_path / "source").manifest == manifest
    assert list(store.scrub()) == []


def test_a_power_cut_loses_large_objects_but_never_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = stored(tmp_path)
    lost, kept = (entry for entry in manifest.entries if entry.path.startswith("large"))
    path = store._folder.object(lost.hash)
    path.chmod(0o644)
    os.truncate(path, 0)
    store.close()
    for module in (settle, ingest):
        monkeypatch.setattr(module, "boot_id", lambda: "another boot")
    store = FileContentStore(tmp_path / "content")
    assert store.missing([lost.hash, kept.hash]) == {lost.hash}
    assert {damage.name for damage in store.scrub()} == {lost.hash}
    assert store.add(tmp_path / "source").new_files == 1
    store.settle()
    assert store._index.unsettled() == []
    assert list(store.scrub()) == []


# --- collection


def test_gc(tmp_path: Path) -> None:
    store, live = stored(tmp_path)
    dead_source = make_source(tmp_path / "dead", 8, small=30, large=1)
    dead = store.add(dead_source).manifest
    store.shared(dead.root)
    store.checkout(live.root, tmp_path / "before")
    spared = store.gc([live.root], dry_run=False)
    assert (spared.objects, spared.bytes, spared.trees) == (0, 0, 0)  # all of it is younger than a day
    before = sorted(path for path in store.root.rglob("*") if path.is_file())
    plan = store.gc([live.root], dry_run=True, grace_s=-10)
    assert sorted(path for path in store.root.rglob("*") if path.is_file()) == before
    assert plan.objects == 32
    assert plan.bytes > dead.size
    done = store.gc([live.root], dry_run=False, grace_s=-10)
    assert (done.objects, done.bytes, done.trees) == (plan.objects, plan.bytes, 1)
    with pytest.raises(NotFound):
        store.manifest(dead.root)
    assert not (store.root / "trees" / dead.root).exists()
    assert store.missing([entry.hash for entry in dead.entries]) == {entry.hash for entry in dead.entries}
    assert list(store.scrub()) == []
    store.checkout(live.root, tmp_path / "after")
    assert sum(path.stat().st_size for path in (store.root / "packs").iterdir()) < 60_000
    assert store.add(dead_source).new_files == 31


def test_gc_repacks_what_is_mostly_dead(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    two = store.put_manifest(manifest.entries[:2])
    (pack, *_) = sorted((store.root / "packs").iterdir(), key=lambda path: -path.stat().st_size)
    with store.open(two.entries[0].hash) as file:
        content = file.read()
    reader = FileContentStore(store.root)
    reader.open(two.entries[1].hash)
    store.gc([two.root], dry_run=False, grace_s=-10)
    assert not pack.exists()
    assert reader.open(two.entries[0].hash).read() == content  # knows the pack by its old name
    assert list(store.scrub()) == []


def test_gc_beside_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection takes objects that an upload just found to be there: the upload notices and stores them."""
    store, manifest = stored(tmp_path)
    other = FileContentStore(store.root)
    real = ingest.Ingest.publish
    runs: list[Any] = []

    def collecting_before(self: ingest.Ingest, *args: object) -> set[bytes]:
        if not runs:
            runs.append(None)
            runs[0] = other.gc([], dry_run=False, grace_s=-10)
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.Ingest, "publish", collecting_before)
    assert store.add(tmp_path / "source").manifest == manifest
    assert runs[0].objects == 13
    assert list(store.scrub()) == []
    store.checkout(manifest.root, tmp_path / "out")


def test_gc_removes_what_killed_processes_left(tmp_path: Path) -> None:
    store, manifest = stored(tmp_path)
    (store.root / "incoming/deadbeef").mkdir()
    (store.root / "incoming/deadbeef/1.object").write_bytes(b"x" * 1000)
    (store.root / "packs/orphan.pack").write_bytes(b"x" * 500)
    with store._folder.staging() as living:
        (living / "1.object").write_bytes(b"x")
        assert store.gc([manifest.root], dry_run=False, grace_s=-10).leftover_bytes == 1500
        assert os.listdir(store.root / "incoming") == [living.name]
