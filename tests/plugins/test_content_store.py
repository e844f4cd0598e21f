from __future__ import annotations

import os
from pathlib import Path

import pytest

from zaffre.base.errors import Conflict, InvalidRequest, NotFound
from zaffre.core.manifest import Entry
from zaffre.plugins.content.store import FileContentStore

LARGE = os.urandom(1000) * 700  # 700 kB: an object file of its own


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FILES = {
    "train.py": b"print(1)",
    "data/a.csv": b"x,y\n1,2\n",
    "data/größe 数.bin": LARGE,
    "data/empty": b"",
    "copy": b"print(1)",
}


@pytest.fixture
def store(tmp_path: Path) -> FileContentStore:
    return FileContentStore(tmp_path / "content")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(tmp_path / "source", FILES)


def test_a_tree_comes_back_as_it_was(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    (source / "train.py").chmod(0o755)
    added = store.add(source)
    assert added.new_files == 4  # two files have the same content
    assert added.new_bytes == sum(map(len, FILES.values())) - len(b"print(1)")
    assert added.manifest == store.manifest(added.manifest.root) == store.scan(source)
    store.checkout(added.manifest.root, tmp_path / "out")
    assert read(tmp_path / "out") == FILES
    assert os.access(tmp_path / "out/train.py", os.X_OK)
    assert not (tmp_path / "out/copy").stat().st_mode & 0o111
    shared = store.shared(added.manifest.root)
    assert read(shared) == FILES
    assert store.shared(added.manifest.root) == shared
    assert not shared.stat().st_mode & 0o222
    assert store.open(added.manifest.entries[0].hash).read() == b"print(1)"


def test_a_checkout_is_private(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    root = store.add(source).manifest.root
    store.checkout(root, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            path.write_bytes(b"changed")
    assert list(store.scrub()) == []
    store.checkout(root, tmp_path / "again")
    assert read(tmp_path / "again") == FILES
    with pytest.raises(Conflict, match="again"):
        store.checkout(root, tmp_path / "again")
    assert read(tmp_path / "again") == FILES


def test_only_what_is_new_is_stored(store: FileContentStore, source: Path) -> None:
    store.add(source)
    again = store.add(source)
    assert (again.new_bytes, again.new_files) == (0, 0)
    (source / "data").rename(source / "renamed")
    renamed = store.add(source)
    assert renamed.new_bytes == 0
    assert renamed.manifest.root != again.manifest.root
    (source / "train.py").write_bytes(b"print(2)")
    assert store.add(source).new_bytes == 8


def test_objects_travel(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    manifest = store.add(source).manifest
    other = FileContentStore(tmp_path / "other")
    hashes = [entry.hash for entry in manifest.entries]
    assert other.missing(hashes) == set(hashes)
    stream = b"".join(store.send(hashes))
    pieces = (stream[at : at + 1013] for at in range(0, len(stream), 1013))
    assert set(other.receive(pieces)) == set(hashes)
    assert other.missing(hashes) == set()
    assert other.put_manifest(manifest.entries) == manifest
    other.checkout(manifest.root, tmp_path / "out")
    assert read(tmp_path / "out") == FILES


def test_a_stream_is_checked(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    hashes = [entry.hash for entry in store.add(source).manifest.entries]
    stream = b"".join(store.send(hashes))
    cut = FileContentStore(tmp_path / "cut")
    with pytest.raises(InvalidRequest, match="too early"):
        cut.receive(iter([stream[:-1]]))
    assert 0 < len(cut.missing(hashes)) < len(set(hashes))  # whole objects are kept
    wrong = FileContentStore(tmp_path / "wrong")
    with pytest.raises(InvalidRequest, match="another hash"):
        wrong.receive(iter([bytes(32) + (5).to_bytes(8, "big") + b"12345"]))
    with pytest.raises(InvalidRequest, match="another hash"):
        wrong.receive(iter([bytes(32) + len(LARGE).to_bytes(8, "big") + LARGE]))
    assert wrong.missing([bytes(32).hex()]) == {bytes(32).hex()}
    assert list((tmp_path / "wrong/incoming").iterdir()) == []


def test_what_is_not_here_is_named(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    absent = "ab" * 32
    for call in (
        store.manifest,
        store.open,
        store.shared,
        lambda h: store.checkout(h, tmp_path / "t"),
        lambda h: store.send([h]),
    ):
        with pytest.raises(NotFound, match=absent):
            call(absent)
        with pytest.raises(InvalidRequest):
            call("../../etc/passwd")
    with pytest.raises(InvalidRequest, match=absent):
        store.put_manifest([Entry("a", 1, absent)])
    entry = store.add(source).manifest.entries[0]
    with pytest.raises(InvalidRequest, match="of 9 bytes"):
        store.put_manifest([Entry("a", 9, entry.hash)])
    with pytest.raises(NotFound):
        store.manifest(entry.hash)  # an object, but no tree


def test_one_file_is_a_tree_of_one(store: FileContentStore, source: Path) -> None:
    manifest = store.add(source / "train.py").manifest
    assert [entry.path for entry in manifest.entries] == ["train.py"]
