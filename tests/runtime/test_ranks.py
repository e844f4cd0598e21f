"""The program that runs the ranks, as real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zaffre.runtime import ranks

LIMIT_S = 30.0


class Run:
    """One start of the program with a bash command."""

    def __init__(self, folder: Path, command: str, entries: list[dict[str, Any]], python: str = sys.executable,
                 ports: int = 1, grace_s: float = 10) -> None:  # fmt: skip
        self.folder = folder
        layout = {"shell": ["bash", "-c", command], "ports": ports, "grace_s": grace_s, "logs": str(folder)}
        layout["ranks"] = [{"log": f"{number}.txt", **entry} for number, entry in enumerate(entries)]
        (folder / "layout.json").write_text(json.dumps(layout))
        self.process = subprocess.Popen(
            [python, "-IS", str(ranks.__file__), str(folder / "layout.json")], stdout=subprocess.PIPE, text=True
        )

    def end(self) -> int:
        self.out = self.process.communicate(timeout=LIMIT_S)[0]
        return self.process.returncode

    def log(self, number: int) -> str:
        return (self.folder / f"{number}.txt").read_text()

    def until(self, number: int, text: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not (self.folder / f"{number}.txt").exists() or text not in self.log(number):
            assert time.monotonic() < deadline, f"no {text} of rank {number}"
            time.sleep(0.01)


def numbered(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"variables": {"RANK": str(number)}, **more} for number in range(count)]


def test_each_rank_has_its_log_and_the_first_is_shown(tmp_path: Path) -> None:
    run = Run(tmp_path, "echo out $RANK; echo err $RANK >&2", numbered(3))
    assert run.end() == 0
    assert [run.log(number) for number in range(3)] == [f"out {n}\nerr {n}\n" for n in range(3)]
    assert run.out == "out 0\nerr 0\n"


def test_ports_are_the_same_for_all_and_free(tmp_path: Path) -> None:
    entries = [{"variables": {"ADDRESSES": "a:${PORT_0},b:${PORT_1}"}} for _ in range(2)]
    run = Run(tmp_path, 'echo "$ADDRESSES"', entries, ports=2)
    assert run.end() == 0
    assert run.log(0) == run.log(1)
    first, second = (int(item.split(":")[1]) for item in run.log(0).split(","))
    assert first != second
    assert {first, second} <= set(ranks.PORTS)


def test_the_first_failure_ends_the_others_and_is_the_status(tmp_path: Path) -> None:
    waits = 'trap "echo asked; exit 3" TERM; while :; do sleep 0.05; done'
    command = f"if [ $RANK = 1 ]; then sleep 0.3; echo lost it; exit 7; fi; {waits}"
    run = Run(tmp_path, command, numbered(3))
    assert run.end() == 7
    assert "asked" in run.log(0)
    assert "asked" in run.log(2)
    assert "rank 1 ended with exit status 7" in run.out
    assert "lost it" in run.out  # its last lines, for those who see rank 0 only


def test_a_rank_that_ignores_the_request_is_killed_with_what_it_started(tmp_path: Path) -> None:
    command = '[ $RANK = 1 ] && { sleep 0.3; exit 5; }; trap "" TERM; sleep 600 & echo $!; wait; sleep 600'
    run = Run(tmp_path, command, numbered(2), grace_s=0.3)
    assert run.end() == 5
    child = int(run.log(0))
    deadline = time.monotonic() + LIMIT_S
    while Path(f"/proc/{child}/stat").exists() and " Z " not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_rank_counts_as_a_shell_counts(tmp_path: Path) -> None:
    run = Run(tmp_path, "[ $RANK = 1 ] && kill -9 $$; sleep 600", numbered(2))
    assert run.end() == 128 + signal.SIGKILL


def test_signals_are_passed_on(tmp_path: Path) -> None:
    command = 'trap "echo one" USR1; trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.02; done'
    run = Run(tmp_path, command, numbered(2))
    for number in range(2):
        run.until(number, "ready")
    os.kill(run.process.pid, signal.SIGUSR1)
    for number in range(2):
        run.until(number, "one")
    run.process.terminate()
    assert run.end() == 0
    assert all("bye" in run.log(number) for number in range(2))


def test_servers_end_after_the_workers(tmp_path: Path) -> None:
    entries = [*numbered(2), {"variables": {"RANK": "ps"}, "serves": True}]
    run = Run(tmp_path, "[ $RANK = ps ] && exec sleep 600; sleep 0.1; echo done", entries)
    assert run.end() == 0
    assert run.log(1) == "done\n"


def test_a_server_that_fails_is_a_failure(tmp_path: Path) -> None:
    entries = [*numbered(1), {"variables": {"RANK": "ps"}, "serves": True}]
    run = Run(tmp_path, "[ $RANK = ps ] && exit 4; sleep 600", entries)
    assert run.end() == 4


def test_a_process_left_behind_does_not_keep_it_waiting(tmp_path: Path) -> None:
    run = Run(tmp_path, "setsid sleep 5 & echo $RANK", numbered(2))
    started = time.monotonic()
    assert run.process.wait(timeout=LIMIT_S) == 0
    assert time.monotonic() - started < 4
    assert run.log(1) == "1\n"


def test_much_output_arrives_whole_and_in_order(tmp_path: Path) -> None:
    run = Run(tmp_path, "seq 300000", numbered(2))
    assert run.end() == 0
    whole = "".join(f"{number}\n" for number in range(1, 300_001))
    assert run.out == whole
    assert run.log(1) == whole


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.13"])
def test_it_runs_on_any_python(tmp_path: Path, version: str) -> None:
    of_pyenv = [str(path) for path in (Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")]
    on_path = [path] if (path := shutil.which(f"python{version}")) else []
    works = [item for item in (*of_pyenv, *on_path) if not subprocess.call([item, "-c", ""], stderr=subprocess.DEVNULL)]
    if not works:
        pytest.skip(f"no Python {version} here")
    found = works[0]
    run = Run(tmp_path, "echo $RANK; [ $RANK = 0 ] || exit 3; sleep 600", numbered(2), python=found)
    assert run.end() == 3
    assert run.log(1) == "1\n"
