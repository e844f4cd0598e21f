"""Bad input, as a user gives it on the command line: one clear error, the right exit status, nothing lost."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ENV = "environment: azureml:python@latest\n"
STEP = (
    "  {name}: {{type: command, command: 'cat ${{{{inputs.i}}}}', environment: azureml:python@latest, "
    "inputs: {{i: {input}}}, outputs: {{o: {{type: {type}}}}}}}\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server the first command starts."""
    folder = tmp_path_factory.mktemp("bad") / "home"
    yield folder
    run(folder, "down")


def run(home: Path, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
    paths = os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "src").split(os.pathsep))
    return subprocess.run(
        [sys.executable, "-m", "zaffre", *words],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        cwd=cwd or home.parent,
        check=False,
        env={**clean, "ZAFFRE_HOME": str(home), "PYTHONPATH": paths, "NO_COLOR": "1", **env},
    )


def told(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Exit status and words of the error; it never shows the inside."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "error:" in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


FILES = {
    "unclosed quote": ("command: 'x\n" + ENV, ("job.yml:", "malformed YAML", "begins at line 1")),
    "tab": ("command: x\n\tenvironment: y\n", ("job.yml:2", "spaces, not tabs")),
    "empty": ("", ("job.yml:1:1", "empty")),
    "a list": ("- 1\n- 2\n", ("job.yml:1:1", "list, not a mapping")),
    "a key twice": ("command: x\ncommand: y\n" + ENV, ("job.yml:2:1", "`command` is given twice")),
    "misspelt key": ("command: x\nenvironmnt: y\n", ("job.yml:2:1", "`environmnt`", "did you mean `environment`?")),
    "misspelt command": ("comand: x\n" + ENV, ("job.yml:1:1", "`comand`", "did you mean `command`?")),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)),
        ("job.yml:", "aliases expand"),
    ),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, ("job.yml:", "deep")),
    "undefined input": ("command: echo ${{inputs.rat}}\ninputs: {rate: 1}\n" + ENV, ("`rat`", "did you mean `rate`?")),
    "missing code": ("command: x\ncode: ./nope\n" + ENV, ("job.yml:2:1", "./nope")),
    "name upwards": ("name: ../x\ncommand: x\n" + ENV, ("job.yml:1:1", "`../x` is no name")),
    "cycle": (
        "type: pipeline\njobs:\n"
        + STEP.format(name="a", input="'${{parent.jobs.b.outputs.o}}'", type="uri_folder")
        + STEP.format(name="b", input="'${{parent.jobs.a.outputs.o}}'", type="uri_folder"),
        ("circle", "a -> b -> a"),
    ),
    "no such step": (
        "type: pipeline\njobs:\n" + STEP.format(name="a", input="'${{parent.jobs.bb.outputs.o}}'", type="uri_folder"),
        ("job.yml:", "bb"),
    ),
    "output without address": (
        "command: x\noutputs: {o: {type: uri_folder, path: /tmp/somewhere}}\n" + ENV,
        ("/tmp/somewhere", "azureml://datastores/"),
    ),
    "unknown environment": ("command: x\nenvironment: azureml:sklaern-1.5@latest\n", ("sklaern-1.5", "hint")),
    "unknown data": ("command: x\ninputs: {d: {type: uri_file, path: azureml:nothing:1}}\n" + ENV, ("nothing",)),
    "unknown compute": ("command: x\ncompute: azureml:gpus\n" + ENV, ("compute gpus not found", "zaffre compute list")),
}


@pytest.mark.parametrize("name", FILES)
def test_files(home: Path, tmp_path: Path, name: str) -> None:
    text, words = FILES[name]
    (tmp_path / "job.yml").write_text(text)
    done = run(home, "job", "create", "-f", "job.yml", cwd=tmp_path)
    told(done, 3 if "unknown" in name else 2, *words)
    assert done.stdout == ""


def test_type_mismatch_between_steps(home: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(
        "name: c\ntype: command\ncommand: cat ${{inputs.n}}\n"
        "inputs: {n: {type: integer}}\noutputs: {o: {type: uri_folder}}\n" + ENV
    )
    (tmp_path / "job.yml").write_text(
        "type: pipeline\njobs:\n  a: {type: command, component: ./c.yml, inputs: {n: 1}}\n"
        "  b:\n    type: command\n    component: ./c.yml\n    inputs:\n      n: ${{parent.jobs.a.outputs.o}}\n"
    )
    told(
        run(home, "job", "create", "-f", "job.yml", cwd=tmp_path),
        2,
        "job.yml:8",
        "`n` is uri_folder",
        "wanted is integer",
    )


def test_files_that_are_none(home: Path, tmp_path: Path) -> None:
    told(run(home, "job", "create", "-f", "missing.yml", cwd=tmp_path), 2, "missing.yml", "No such file")
    told(run(home, "job", "create", "-f", ".", cwd=tmp_path), 2, "is a folder")
    (tmp_path / "b.yml").write_bytes(os.urandom(3000))
    told(run(home, "job", "create", "-f", "b.yml", cwd=tmp_path), 2, "not UTF-8")


def test_a_hundred_megabytes_of_yaml(home: Path, tmp_path: Path) -> None:
    with (tmp_path / "big.yml").open("w") as file:
        file.write("command: x\ndescription: |\n")
        file.truncate(100_000_000)
    began = time.monotonic()
    told(run(home, "job", "create", "-f", "big.yml", cwd=tmp_path), 2, "big.yml", "100,000,000 bytes", "64 MB")
    assert time.monotonic() - began < 5


def test_a_link_out_of_the_code(home: Path, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "leak").symlink_to("/etc/passwd")
    (tmp_path / "job.yml").write_text("command: ls\ncode: ./code\n" + ENV)
    told(run(home, "job", "create", "-f", "job.yml", cwd=tmp_path), 2, "code/leak", "symlink", ".amlignore")
    (tmp_path / "code" / ".amlignore").write_text("leak\n")
    done = run(home, "job", "create", "-f", "job.yml", "--stream", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "leak" not in done.stdout


def test_command_not_found(home: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("command: no_such_program --x\n" + ENV)
    done = run(home, "job", "create", "-f", "job.yml", "--stream", cwd=tmp_path)
    told(done, 1, "exit status 127", "zaffre job")
    assert "no_such_program: command not found" in done.stdout


def test_environment_that_cannot_be_built(home: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text(
        "command: x\nenvironment:\n  image: x\n  conda_file:\n    dependencies:\n      - pip: [./no/such/package]\n"
    )
    done = run(home, "job", "create", "-f", "job.yml", "--stream", cwd=tmp_path)
    assert done.returncode in (1, 2)
    told(done, done.returncode, "no/such/package")


def test_words_that_are_wrong(home: Path, tmp_path: Path) -> None:
    told(run(home, "jb", "list"), 2, "`jb`", "did you mean `job`?", "`zaffre --help`")
    told(run(home, "job", "shw"), 2, "`shw`", "did you mean `show`?", "`zaffre job --help`")
    told(run(home, "job", "create"), 2, "--file", "`zaffre job create --help`")
    told(run(home, "job", "show", "-n", "nope"), 3, "job nope not found", "zaffre job list")
    (tmp_path / "job.yml").write_text("command: x\n" + ENV)
    told(run(home, "job", "create", "-f", "job.yml", "--set", "nme=x", cwd=tmp_path), 2, "did you mean `name`?")


def test_a_version_never_changes(home: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.csv").write_text(str(number))
    create = ("data", "create", "-n", "fixed", "--version", "1", "--type", "uri_file", "--path")
    assert run(home, *create, "1.csv", cwd=tmp_path).returncode == 0
    assert run(home, *create, "1.csv", cwd=tmp_path).returncode == 0  # the same again is the same
    told(run(home, *create, "2.csv", cwd=tmp_path), 1, "fixed:1 exists already", "leave the version out")
    told(run(home, "data", "create", "-n", "../x", "--path", "1.csv", "--type", "uri_file", cwd=tmp_path), 2, "`../x`")
    shown = run(home, "data", "download", "-n", "fixed", "--version", "1", "--download-path", "got", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert next((tmp_path / "got").rglob("1.csv")).read_text() == "1"


def test_two_of_one_name_at_once(home: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("command: sleep 0.2\n" + ENV)
    done: list[subprocess.CompletedProcess[str]] = []
    threads = [
        threading.Thread(
            target=lambda: done.append(run(home, "job", "create", "-f", "job.yml", "-n", "one", cwd=tmp_path))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.returncode for item in done) == [0, 1, 1]
    for item in done:
        if item.returncode:
            told(item, 1, "job one exists already", "leave the name out")


def test_cancelled_twice(home: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("command: sleep 60\n" + ENV)
    assert run(home, "job", "create", "-f", "job.yml", "-n", "long", cwd=tmp_path).returncode == 0
    for _ in range(3):
        assert run(home, "job", "cancel", "-n", "long").returncode == 0
    run(home, "job", "wait", "-n", "long")
    again = run(home, "job", "cancel", "-n", "long", "--query", "status", "-o", "tsv")
    assert (again.returncode, again.stdout.strip()) == (0, "Canceled")


def test_port_and_home_taken(home: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for more in ((), ("--detach",)):
            done = run(tmp_path / "new", "up", "--port", port, *more)
            told(done, 1, f"127.0.0.1:{port}", "already in use", "zaffre up --port 0")
    told(run(tmp_path / "new", "up", "--port", "99999"), 2, "99999 is no port")
    assert run(home, "status").returncode in (0, 3)
    run(home, "job", "list")  # the server of the home runs now
    told(run(home, "up", "--port", "0"), 1, "another Zaffre works on the home folder", "zaffre status")
    told(run(tmp_path / "new", "up", "--host", "0.0.0.0", "--port", "0"), 2, "not encrypted", "--allow-remote")


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (Path("/proc/zaffre"), tmp_path / "file", tmp_path / "file" / "below"):
        told(run(tmp_path, "up", "--home", str(place), "--port", "0"), 2, str(place), "cannot be written", "--home DIR")
        told(run(tmp_path, "job", "list", "--home", str(place)), 1, str(place), "cannot be written")


def test_database_damaged_newer_locked(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(home, "up", "--detach").returncode == 0
    (tmp_path / "job.yml").write_text("command: 'true'\n" + ENV)
    with sqlite3.connect(home / "zaffre.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(3, lambda: None).start()
        waiting = threading.Thread(
            target=lambda: results.append(run(home, "job", "create", "-f", "job.yml", cwd=tmp_path))
        )
        results: list[subprocess.CompletedProcess[str]] = []
        waiting.start()
        time.sleep(2)
        other.execute("ROLLBACK")
        waiting.join()
        assert results[0].returncode == 0, results[0].stderr  # it waited
    assert run(home, "down").returncode == 0
    with sqlite3.connect(home / "zaffre.db") as other:
        known = other.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    told(run(home, "up", "--port", "0"), 1, "newer release", "9999", "--home DIR")
    told(run(home, "job", "list"), 1, "newer release")
    with sqlite3.connect(home / "zaffre.db") as other:
        other.execute("UPDATE alembic_version SET version_num = ?", (known,))
    listed = run(home, "job", "list", "--query", "length(@)")
    assert listed.stdout.strip() == "1"  # nothing was lost
    assert run(home, "down").returncode == 0
    for name in ("zaffre.db-wal", "zaffre.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "zaffre.db").write_text("garbage, not a database at all\n" * 100)
    told(run(home, "up", "--port", "0"), 1, "damaged", "--home DIR")


def test_unicode_everywhere(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "données 数据 😀"
    folder.mkdir()
    (folder / "größe.py").write_text("print('naïve ☃ 数据')\n", encoding="utf-8")
    (folder / "jöb.yml").write_text(
        "command: python größe.py && echo ${{inputs.über}}\ncode: .\ndisplay_name: Öl 😀\ntags: {schlüssel: wert ☃}\n"
        "inputs: {über: 数据}\n" + ENV,
        encoding="utf-8",
    )
    done = run(home, "job", "create", "-f", "jöb.yml", "--stream", cwd=folder)
    if "über" in done.stderr:  # refused by name is fine; broken is not
        told(done, 2, "über")
        return
    assert done.returncode == 0, done.stderr
    assert "naïve ☃ 数据" in done.stdout
    assert re.search("Öl 😀", run(home, "job", "list", "-o", "table").stdout)
