"""The command line and the real server: found, started by whoever comes first, stopped."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest
from small_server import Run

from zaffre import Workspace
from zaffre.base import errors
from zaffre.base.home import Home
from zaffre.sdk import connect


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_up_status_down(zaffre: Run, tmp_path: Path) -> None:
    up = json.loads(zaffre("up", "--detach").stdout)
    try:
        said = tmp_path / "home" / "server.json"
        assert stat.S_IMODE(said.stat().st_mode) == 0o600
        assert json.loads(said.read_text())["url"] == up["url"]
        again = zaffre("up", "--detach")
        assert json.loads(again.stdout)["pid"] == up["pid"]
        assert "already" in again.stderr
        second = zaffre("up")
        assert second.returncode == 1
        assert "hint" in second.stderr
        assert json.loads(zaffre("status").stdout)["pid"] == up["pid"]
        assert zaffre("job", "list").stdout == "[]\n"
        path = zaffre(
            "datastore", "show", "--name", "workspaceblobstore", "--query", "path", "-o", "tsv"
        ).stdout.strip()
        assert Path(path).is_relative_to(tmp_path / "home")
        assert zaffre("workspace", "show", "--query", "mlflow_tracking_uri").stdout.startswith('"http')
    finally:
        assert zaffre("down").returncode == 0
    assert not lives(up["pid"])
    assert not (tmp_path / "home" / "server.json").exists()
    assert zaffre("status").returncode == 3


def test_many_first_callers_start_one_server(tmp_path: Path) -> None:
    home, found = Home(tmp_path / "home"), []
    threads = [
        threading.Thread(target=lambda: found.append(connect.connect(home.root)[0].pid), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    try:
        assert len(found) == 4
        assert len(set(found)) == 1
    finally:
        assert connect.stop(home)


def test_a_killed_server_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    ws = Workspace.from_home(home.root)
    first = connect.read(home)
    assert first is not None
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    while connect._lives(first.pid):
        time.sleep(0.01)
    with pytest.raises(errors.Unavailable, match="does not answer"):
        ws.jobs.get("x")
    with pytest.raises(errors.NotFound, match="no server runs"):
        Workspace.from_home(home.root, start=False)
    try:
        assert list(Workspace.from_home(home.root).jobs.list()) == []
    finally:
        assert connect.stop(home)


def test_a_home_that_cannot_be_used_is_named(zaffre: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = zaffre("job", "list", "--home", str(tmp_path / "file" / "home"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "--home" in done.stderr


def test_a_server_that_does_not_start_says_why(zaffre: Run) -> None:
    done = zaffre("up", "--detach", "--host", "192.0.2.1", "--allow-remote")
    assert done.returncode == 1
    assert "cannot listen on 192.0.2.1" in done.stderr
    assert "its log is" in done.stderr
    wrong = zaffre("up", "--url-rewrite", "nonsense")
    assert wrong.returncode == 2
    assert "PREFIX=TARGET" in wrong.stderr


def test_url_rewrites_may_hold_equal_signs() -> None:
    from zaffre.cli.server import _rewrite

    assert _rewrite("https://h/a?b=c=file:///m/") == ("https://h/a?b=c", "file:///m/")
    assert _rewrite("wasbs://c@h/=/m") == ("wasbs://c@h/", "/m")
