"""What a folder, a manifest or a link may hold that must not come in, or lead out."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from blake3 import blake3

from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.core import manifest as manifests
from zaffre.core.manifest import Entry
from zaffre.plugins.content import checkout, hashing
from zaffre.plugins.content.ingest import Ingest
from zaffre.plugins.content.store import FileContentStore

BAD_PATHS = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a\0b",
    "a\\..\\x",
    "..\\x",
    "",
    ".",
    "..",
    "a//b",
    "a/",
    "./a",
    "a/./b",
]
BAD_PATHS += ["x" * 256, "a/" * 2500 + "a", "\udcff"]


@pytest.fixture
def store(tmp_path: Path) -> FileContentStore:
    return FileContentStore(tmp_path / "content")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source/sub").mkdir(parents=True)
    (tmp_path / "source/a.txt").write_text("a")
    return tmp_path / "source"


def paths(store: FileContentStore, source: Path) -> list[str]:
    return [entry.path for entry in store.scan(source).entries]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_sec_01_a_manifest_with_such_a_path_is_refused(
    store: FileContentStore, source: Path, tmp_path: Path, path: str
) -> None:
    entry = store.add(source).manifest.entries[0]
    with pytest.raises(InvalidRequest):
        store.put_manifest([Entry(path, entry.size, entry.hash)])
    if "\udcff" in path or "\0" in path:
        return  # has no canonical form at all
    form = manifests.render([Entry(path, entry.size, entry.hash)])
    with Ingest(store._folder, store._index) as ingest:  # as if it had come into the store all the same
        root = blake3(form).digest()
        ingest.small(root, form)
        ingest.publish(root, {root})
    for use in (lambda: store.checkout(root.hex(), tmp_path / "out"), lambda: store.shared(root.hex())):
        with pytest.raises(InvalidRequest):
            use()
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "x").exists()


def test_sec_04_paths_that_collide(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    entry = store.add(source).manifest.entries[0]

    def entries(*names: str) -> list[Entry]:
        return [Entry(name, entry.size, entry.hash) for name in names]

    with pytest.raises(InvalidRequest, match="twice"):
        store.put_manifest(entries("a", "a"))
    with pytest.raises(InvalidRequest, match="is a file of the same tree"):
        store.put_manifest(entries("a", "a/b"))
    with pytest.raises(InvalidRequest, match="is a file of the same tree"):
        store.put_manifest(entries("a", "a-b", "a/b"))


def test_sec_04_letter_case_on_a_file_system_that_folds(
    store: FileContentStore, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = store.add(source).manifest.entries[0]
    tree = store.put_manifest([Entry(name, entry.size, entry.hash) for name in ("README", "readme")])
    store.checkout(tree.root, tmp_path / "fine")
    real = os.open

    def folding(path: str, *args: int, **options: int) -> int:
        return real(str(path).lower() if "/fold/" in str(path) else path, *args, **options)

    monkeypatch.setattr(checkout.os, "open", folding)
    with pytest.raises(InvalidRequest, match="'readme'"):
        store.checkout(tree.root, tmp_path / "fold")
    assert not (tmp_path / "fold").exists()


def test_sec_04_a_link_in_the_target_is_not_followed(store: FileContentStore, source: Path, tmp_path: Path) -> None:
    (source / "sub/b").write_text("b")
    root = store.add(source).manifest.root
    (tmp_path / "target").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "target/sub").symlink_to(tmp_path / "outside")
    with pytest.raises(Conflict):
        store.checkout(root, tmp_path / "target")
    assert list((tmp_path / "outside").iterdir()) == []


def test_sec_04_symlinks_of_the_source(store: FileContentStore, source: Path) -> None:
    (source / "inside").symlink_to("a.txt")
    (source / "folder").symlink_to("sub")
    (source / "sub/b").write_text("b")
    assert paths(store, source) == ["a.txt", "folder/b", "inside", "sub/b"]
    for target in ("/etc/passwd", "../other", "/", str(source) + "-other"):
        (source / "leak").symlink_to(target)
        with pytest.raises(InvalidRequest, match="leak"):
            store.add(source)
        (source / "leak").unlink()
    (source / "leak").symlink_to("nowhere")
    with pytest.raises(InvalidRequest, match="leads nowhere"):
        store.add(source)
    (source / "leak").unlink()
    (source / "sub/up").symlink_to("..")
    with pytest.raises(InvalidRequest, match="sub/up contains itself"):
        store.add(source)


def test_what_is_no_file_is_refused_by_name(store: FileContentStore, source: Path) -> None:
    os.mkfifo(source / "pipe")
    with pytest.raises(InvalidRequest, match="pipe is a named pipe"):
        store.add(source)
    (source / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "sock"))
        with pytest.raises(InvalidRequest, match="sock is a socket"):
            store.add(source)
    (source / "sock").unlink()
    with pytest.raises(InvalidRequest, match="/dev/null is a device"):
        store.add(Path("/dev/null"))
    with pytest.raises(InvalidRequest, match="none cannot be read"):
        store.add(source / "none")
    for name in (b"\xff.txt", b"back\\slash"):
        path = os.path.join(os.fsencode(source), name)
        with open(path, "wb"):
            pass
        with pytest.raises(InvalidRequest, match=r"UTF-8|plain relative"):
            store.add(source)
        os.unlink(path)


def test_unreadable_files_are_named(store: FileContentStore, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "secret").write_text("s")
    real = os.open

    def refusing(path: str, *args: int) -> int:  # the tests may run as root, who may read everything
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args)

    monkeypatch.setattr(hashing.os, "open", refusing)
    with pytest.raises(InvalidRequest, match="secret cannot be read: Permission denied"):
        store.add(source)


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_file_that_changes_while_it_is_read(
    store: FileContentStore, source: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    moving = source / "moving"
    moving.write_bytes(b"x" * size)
    real = hashing.same
    calls: list[str] = []

    def writes_meanwhile(file: hashing.Found, now: os.stat_result) -> None:
        real(file, now)
        if file.name == "moving":
            calls.append(file.path)
            moving.write_bytes(b"y" * size)

    monkeypatch.setattr(hashing, "same", writes_meanwhile)
    with pytest.raises(Conflict, match="moving was changed while"):
        store.add(source)
    monkeypatch.undo()
    assert list((store.root / "incoming").iterdir()) == []
    assert store.open(store.add(source).manifest.entries[1].hash).read() == b"y" * size


def test_ignore_files(store: FileContentStore, source: Path) -> None:
    for name in (
        ".git/config",
        "__pycache__/m.pyc",
        "sub/__pycache__/m.pyc",
        ".zaffre/db",
        "logs/1",
        "keep.log",
        "x.log",
    ):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(name)
    (source / "logs/link").symlink_to("/etc/passwd")  # left out, so it does not matter
    (source / ".gitignore").write_text("*.log\n!keep.log\nlogs/\n")
    assert paths(store, source) == [".gitignore", "a.txt", "keep.log"]
    (source / ".amlignore").write_text("logs\nkeep.log\n")
    assert paths(store, source) == [".amlignore", ".gitignore", "a.txt", "x.log"]
    (source / "logs/link").unlink()
    every = [entry.path for entry in store.scan(source, ignore_files=False).entries]
    assert every == [".amlignore", ".gitignore", "a.txt", "keep.log", "logs/1", "x.log"]
    assert os.path.isdir(source / "sub")  # has nothing but a cache: empty folders are not part of a tree
