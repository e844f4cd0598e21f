"""SEC-03: streams of content and trees of files hold only what they say, below where they belong."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest
from attacked_server import Server
from blake3 import blake3

from zaffre.base.errors import ZaffreError
from zaffre.sdk.unpack import unpack


def frame(content: bytes) -> bytes:
    return blake3(content).digest() + struct.pack(">Q", len(content)) + content


def test_sec_03_frames_that_lie(server: Server) -> None:
    assert server.api("POST", "/content", content=frame(b"fine")).json() == {"objects": 1}
    lies = (
        frame(b"cut")[:-1],
        b"x" * 39,
        b"\0" * 32 + struct.pack(">Q", 3) + b"abc",
        b"\0" * 32 + struct.pack(">Q", 2**64 - 1) + b"abc",
        frame(b"first") + b"\0" * 7,
    )
    for lie in lies:
        answer = server.api("POST", "/content", content=lie)
        assert answer.status_code in (400, 413, 503), lie
    wanted = blake3(b"abc").hexdigest()
    assert server.api("POST", "/content:missing", {"hashes": [wanted]}).json() == {"hashes": [wanted]}


def test_sec_03_trees_with_hostile_paths(server: Server) -> None:
    server.api("POST", "/content", content=frame(b"hello"))
    entry = {"size": 5, "hash": blake3(b"hello").hexdigest()}
    for path in ("../x", "/etc/x", "a/../../x", "a\\b", "", ".", "a//b", "a/./b", "x" * 300, "a/" * 5000 + "b"):
        answer = server.api("POST", "/content/trees", {"entries": [{"path": path, **entry}]})
        assert answer.status_code == 400, path
    for paths in (("a", "a"), ("a", "a/b")):
        entries = [{"path": path, **entry} for path in paths]
        assert server.api("POST", "/content/trees", {"entries": entries}).status_code == 400, paths
    lie = {"path": "a", "size": 99, "hash": entry["hash"]}
    assert server.api("POST", "/content/trees", {"entries": [lie]}).status_code == 400


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x"])
def test_sec_03_downloads_are_unpacked_below_the_target(tmp_path: Path, name: str) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ZaffreError):
        unpack(iter([made.getvalue()]), tmp_path / "target")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_sec_03_downloads_hold_no_links_or_devices(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.linkname = kind, "/etc/passwd"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(member)
    with pytest.raises(ZaffreError):
        unpack(iter([made.getvalue()]), tmp_path / "target")
    assert not (tmp_path / "target" / "x").exists()


def test_sec_03_delete_stays_inside(server: Server) -> None:
    """Removing the artifacts of a run removes links, not what they point to."""
    outside = server.home.parent / "outside"
    outside.mkdir()
    (outside / "keep").write_text("keep")
    job = server.submit(f"ln -s {outside} outputs/link")
    assert server.ended(job)["status"] == "Completed"
    for path in ("outputs/link/keep", "outputs/link", "outputs"):
        server.mlflow("DELETE", f"mlflow-artifacts/artifacts/ExperimentRun/dcid.{job}/{path}")
    assert (outside / "keep").read_text() == "keep"
