"""The stat cache must never say that a changed file is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zaffre.plugins.content import hashing, statcache
from zaffre.plugins.content.store import FileContentStore

OLD = 1_600_000_000_123_456_789


@pytest.fixture
def store(tmp_path: Path) -> FileContentStore:
    return FileContentStore(tmp_path / "content")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(statcache, "FINE_NS", 0)  # files of this moment count as old
    folder = tmp_path / "source"
    (folder / "d").mkdir(parents=True)
    (folder / "a").write_text("one")
    (folder / "d/b").write_text("two")
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    real = hashing.read_small

    def counting(file: hashing.Found) -> tuple[bytes, bytes]:
        found.append(file.path)
        return real(file)

    monkeypatch.setattr(hashing, "read_small", counting)
    return found


def test_unchanged_files_are_not_read(store: FileContentStore, source: Path, reads: list[str]) -> None:
    first = store.scan(source)
    assert sorted(reads) == ["a", "d/b"]
    reads.clear()
    assert store.scan(source) == first
    assert reads == []
    (source / "d").rename(source / "e")
    assert [entry.path for entry in store.scan(source).entries] == ["a", "e/b"]
    assert reads == []
    os.chmod(source / "a", 0o755)
    assert store.scan(source).entries[0].executable


def test_same_size_and_mtime_with_other_content(store: FileContentStore, source: Path) -> None:
    os.utime(source / "a", ns=(OLD, OLD))
    first = store.scan(source)
    (source / "a").write_text("ONE")
    os.utime(source / "a", ns=(OLD, OLD))  # as `cp -p` or rsync do; only ctime tells
    assert store.scan(source).entries[0].hash != first.entries[0].hash


def test_a_file_just_written_is_not_remembered(
    store: FileContentStore, source: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statcache, "FINE_NS", 3_600 * 10**9)
    store.scan(source)
    reads.clear()
    store.scan(source)
    assert sorted(reads) == ["a", "d/b"]


def test_coarse_time_stamps_need_more_distance() -> None:
    class Status:
        st_mtime_ns = st_ctime_ns = 1_000 * 10**9

    assert not statcache.settled(Status(), Status.st_mtime_ns + 10**9)  # type: ignore[arg-type]
    assert statcache.settled(Status(), Status.st_mtime_ns + 3 * 10**9)  # type: ignore[arg-type]
    Status.st_ctime_ns += 1
    assert statcache.settled(Status(), Status.st_mtime_ns + 10**9)  # type: ignore[arg-type]


def test_a_broken_cache_costs_time_only(store: FileContentStore, source: Path) -> None:
    first = store.scan(source)
    store.close()
    (store.root / "stat.db").write_bytes(b"this is no database" * 1000)
    for suffix in ("-wal", "-shm"):
        (store.root / f"stat.db{suffix}").unlink(missing_ok=True)
    again = FileContentStore(store.root)
    assert again.scan(source) == first
    assert again.scan(source) == first
    again.close()
    (store.root / "stat.db").unlink()
    assert FileContentStore(store.root).scan(source) == first
