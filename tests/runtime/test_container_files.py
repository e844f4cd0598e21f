"""What code in a container leaves for the one who looks after it: a socket and a file, or something made of them."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zaffre.runtime import run_container
from zaffre.runtime.zaffre_container import connect
from zaffre.runtime.zaffre_scoring import places

RUNTIME = Path(run_container.__file__).parent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(RUNTIME))
    return importlib.import_module("zaffre_container.run")


@pytest.fixture
def near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sockets are named from here: their whole paths may be too long."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared").mkdir()
    (tmp_path / "s").mkdir()
    return tmp_path


def listening(name: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.bind(name)
    found.listen()
    found.setblocking(False)
    return found


@pytest.fixture
def other(near: Path) -> Iterator[socket.socket]:
    """A worker of somebody else."""
    with listening("other.sock") as found:
        yield found


def was_reached(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def reach(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(name)


def test_sec_21_the_socket_of_a_container_stays_the_one_that_was_taken(
    run: Any, near: Path, other: socket.socket
) -> None:
    assert not run.taken("shared/score.sock", "s/a.sock")
    with listening("shared/score.sock") as mine:
        assert run.taken("shared/score.sock", "s/a.sock")
        assert os.listdir("s") == ["a.sock"]
        os.unlink("shared/score.sock")
        os.symlink(near / "other.sock", "shared/score.sock")
        reach("s/a.sock")
        assert was_reached(mine)
    assert not was_reached(other)


@pytest.mark.parametrize("kind", ["symlink", "file", "folder", "pipe"])
def test_sec_21_nothing_but_a_socket_is_taken(run: Any, near: Path, other: socket.socket, kind: str) -> None:
    made = near / "shared/score.sock"
    {
        "symlink": lambda: made.symlink_to(near / "other.sock"),
        "file": made.touch,
        "folder": made.mkdir,
        "pipe": lambda: os.mkfifo(made),
    }[kind]()
    with pytest.raises(OSError, match="Operation not permitted" if kind == "folder" else "non-socket"):
        run.taken(str(made), "s/a.sock")
    assert os.listdir("s") == []


def test_sec_21_a_container_with_a_symlink_for_a_socket_is_ended(near: Path, other: socket.socket) -> None:
    config = {
        "run": ["sh", "-c", f"ln -s {near}/other.sock shared/score.sock; echo $$ > pid; exec sleep 60"],
        "stop": ["sh", "-c", "kill $(cat pid)"],
        "pid": "pid", "socket": "s/a.sock", "status": "status.json",
        "inside": {"socket": "shared/score.sock", "status": "shared/status.json"},
    }  # fmt: skip
    Path("config.json").write_text(json.dumps(config))
    words = [sys.executable, str(RUNTIME / "run_container.py"), "config.json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 66, done.stderr
    assert "cannot be reached" in json.loads(Path("status.json").read_text())["message"]
    assert os.listdir("s") == []
    assert not was_reached(other)


def test_sec_21_what_is_said_at_the_end_is_read_from_a_plain_file_only(run: Any, near: Path) -> None:
    Path("plain").write_text("said")
    Path("secret").write_text('{"message": "of somebody else"}')
    os.symlink("secret", "link")
    os.mkfifo("pipe")
    assert run.content_of("plain") == "said"
    for name, why in (("link", "Too many levels"), ("pipe", "Invalid"), ("shared", "Invalid"), ("none", "No such")):
        with pytest.raises(OSError, match=why):
            run.content_of(name)


@pytest.mark.parametrize(
    ("path", "route", "is_below"),
    [
        ("/predict", "/predict", True),
        ("/predict/more", "/predict", True),
        ("/predict:explain", "/predict", True),
        ("/predict-admin", "/predict", False),
        ("/predict.html", "/predict", False),
        ("/live", "/predict", False),
        ("/v1/models/m:predict", "/v1/models/m:predict", True),
        ("/v1/models/m:predict", "/v1/models/m", True),
        ("/v1/models/me:predict", "/v1/models/m", False),
        ("/v1/", "/v1/", True),
        ("/v1", "/v1/", True),
        ("/v1/a", "/v1/", True),
        ("/v10", "/v1/", False),
        ("/", "/", True),
        ("/anything", "/", True),
    ],
)
def test_sec_21_what_belongs_to_a_route(path: str, route: str, is_below: bool) -> None:
    assert places.is_below(path, route) is is_below


def test_no_connection_takes_longer_than_others_may_wait() -> None:
    connector: Any = connect.Connector.__new__(connect.Connector)
    connector.lock = connect.threading.Lock()
    connector.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with connector.ours, theirs:
        for wanted, given in ((600.0, connect.CONNECT_S), (0.5, 0.5)):
            theirs.send(connect.ANSWERED.pack(111))
            with pytest.raises(ConnectionRefusedError):
                connector.open(80, wanted)
            assert connect.ASKED.unpack(theirs.recv(connect.ASKED.size)) == (80, given)
