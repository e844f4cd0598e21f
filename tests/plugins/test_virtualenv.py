"""Virtual environments, built for real with tiny packages."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zaffre.base.errors import Conflict, InvalidRequest, Unavailable
from zaffre.plugins.virtualenv.backend import VirtualEnvironments
from zaffre.plugins.virtualenv.interpreters import Interpreters
from zaffre.ports.environment import BuildLog, BuiltEnvironment, EnvironmentDefinition

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SMALL = EnvironmentDefinition(requirements=["six==1.15.0"], constraints=["tabulate<0.9"])


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> VirtualEnvironments:
    """A backend that several tests share, for what they do not remove."""
    return VirtualEnvironments(tmp_path_factory.mktemp("environments"), cache=cache)


@pytest.fixture
def backend(tmp_path: Path, cache: Path) -> VirtualEnvironments:
    return VirtualEnvironments(tmp_path / "environments", cache=cache)


def build(backend: VirtualEnvironments, definition: EnvironmentDefinition) -> tuple[BuiltEnvironment, list[str]]:
    lines: list[str] = []
    return backend.build(backend.plan(definition), lines.append), lines


def fingerprint(folder: Path) -> str:
    """Of every path, mode, time and content below."""
    digest = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        digest.update(f"{path} {facts.st_mode} {facts.st_mtime_ns}\n".encode())
        if stat.S_ISREG(facts.st_mode):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command: str, variables: dict[str, str], folder: Path) -> str:
    """As a job runs it; its output, with a failure shown in full."""
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environ |= variables | {"PATH": variables["PATH"] + os.pathsep + os.environ["PATH"]}
    done = subprocess.run(["sh", "-ec", command], env=environ, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_built_once_and_ready_costs_nothing(backend: VirtualEnvironments) -> None:
    built, lines = build(backend, SMALL)
    assert "six==1.15.0" in built.lock
    assert any("Resolved" in line for line in lines)
    assert lines[0].split("s ")[0].strip() == "0.0"
    assert build(backend, SMALL) == (built, [])
    start = time.perf_counter()
    for _ in range(1000):
        assert backend.ready(built.key) is built
    assert time.perf_counter() - start < 0.1
    assert [found.key for found in backend.list()] == [built.key]
    again = VirtualEnvironments(backend.places.root, cache=backend.cache)
    assert again.ready(built.key) == built


def test_names_do_not_enter_the_key(backend: VirtualEnvironments) -> None:
    plans = [
        backend.plan(EnvironmentDefinition(name=name, conda={"dependencies": ["python=3.11", {"pip": ["six"]}]}))
        for name in ("a", "b")
    ]
    assert plans[0].key == plans[1].key


def pythons() -> list[str]:
    found = {one.minor for one in Interpreters().found()}
    return sorted(found & {"3.7", "3.8", HERE})


@pytest.mark.parametrize("python", pythons())
def test_what_a_job_installs_lands_in_its_layer(standing: VirtualEnvironments, python: str, tmp_path: Path) -> None:
    wanted = EnvironmentDefinition(
        requirements=SMALL.requirements, constraints=SMALL.constraints, python_version=python
    )
    built, _ = build(standing, wanted)
    before = fingerprint(built.folder)
    show = 'python -c "import six; print(six.__version__, six.__file__)"'
    for name, command, expected in (
        ("plain", show, ["1.15.0", str(built.folder)]),
        ("module", f"python -m pip install -q six==1.16.0; {show}", ["1.16.0", "layer"]),
        ("pip", f"pip install -q six==1.14.0; {show}", ["1.14.0", "layer"]),
        ("uv", f"uv pip install -q six==1.16.0; {show}", ["1.16.0", "layer"]),
        ("script", "pip install -q tabulate; command -v tabulate; echo a b | tabulate; pip freeze", ["layer", "0.8."]),
        ("uvscript", "uv pip install -q tabulate; command -v tabulate; pip freeze", ["layer/bin/tabulate", "0.8."]),
        ("remove", f"pip uninstall -q -y six; uv pip uninstall -q six; {show}", ["1.15.0"]),
        ("upgrade", "pip install -q --force-reinstall pip; pip --version", ["layer/lib"]),
    ):
        folder = tmp_path / name
        variables = standing.layer(built, folder / "layer")
        output = run(command, variables, folder)
        for word in expected:
            assert word in output, (name, output)
        assert fingerprint(built.folder) == before, name
        standing.release(folder / "layer")
        assert not (folder / "layer").exists()


def test_a_layer_is_quick(standing: VirtualEnvironments, tmp_path: Path) -> None:
    built, _ = build(standing, SMALL)
    start = time.process_time()  # 0.3 ms of wall time; ext4 takes ten times that where many files were just removed
    for number in range(50):
        standing.layer(built, tmp_path / str(number) / "layer")
    assert (time.process_time() - start) / 50 < 0.01


def test_the_as_of_date_holds_in_the_build_and_in_the_job(backend: VirtualEnvironments, tmp_path: Path) -> None:
    built, _ = build(backend, EnvironmentDefinition(requirements=["six"], exclude_newer="2021-01-01"))
    assert "six==1.15.0" in built.lock
    variables = backend.layer(built, tmp_path / "layer")
    assert run("uv pip install -q tabulate; pip freeze", variables, tmp_path).count("tabulate==0.8.7") == 1


def test_a_broken_requirement_says_why_and_leaves_nothing(backend: VirtualEnvironments) -> None:
    definition = EnvironmentDefinition(requirements=["tabulate", "six==99"])
    for _ in range(2):  # a later try builds again
        with pytest.raises(InvalidRequest, match=r"(?s)`six==99`:\n.*no version of six==99") as caught:
            build(backend, definition)
        assert caught.value.code == "EnvironmentBuildFailed"
    assert [path.name for path in backend.places.root.iterdir() if "staging" in path.name] == []
    assert not backend.list()
    with pytest.raises(InvalidRequest) as blamed:
        build(backend, EnvironmentDefinition(requirements=["six>=1.16"], constraints=["six<1.16"]))
    assert "six<1.16" in (blamed.value.hint or "")


def test_the_shared_tree_is_read_only_and_its_scripts_are_free(standing: VirtualEnvironments) -> None:
    built, _ = build(standing, SMALL)
    for path in built.folder.rglob("*"):
        assert path.is_symlink() or not path.lstat().st_mode & 0o222, path
    assert (built.folder / "bin" / "pip").read_text().startswith("#!/usr/bin/env python\n")
    assert ".staging" not in (built.folder / "bin" / "pip").read_text()


SCRIPT = """
import sys
from pathlib import Path
from zaffre.plugins.virtualenv.backend import VirtualEnvironments
from zaffre.ports.environment import EnvironmentDefinition
backend = VirtualEnvironments(Path(sys.argv[1]), cache=Path(sys.argv[2]))
plan = backend.plan(EnvironmentDefinition(requirements=["tabulate==0.9.0"]))
print(plan.key, flush=True)
backend.build(plan, lambda line: print(line, flush=True))
"""


def start_builder(backend: VirtualEnvironments) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(backend.places.root), str(backend.cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_two_processes_and_threads_build_once(backend: VirtualEnvironments) -> None:
    builders = [start_builder(backend) for _ in range(2)]
    outputs: list[str] = []
    definition = EnvironmentDefinition(requirements=["tabulate==0.9.0"])
    threads = [
        threading.Thread(target=lambda: outputs.append("\n".join(build(backend, definition)[1]))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for builder in builders:
        outputs.append(builder.communicate(timeout=120)[0])
        assert builder.returncode == 0, outputs[-1]
    assert sum("waiting for the build" not in text and "Resolved" in text for text in outputs) == 1
    assert len(backend.list()) == 1


def test_a_failure_is_shared_by_those_who_waited(backend: VirtualEnvironments) -> None:
    plan = backend.plan(EnvironmentDefinition(requirements=["six==99"]))
    logs: list[list[str]] = [[] for _ in range(3)]
    codes = []

    def work(log: list[str]) -> None:
        try:
            backend.build(plan, log.append)
        except InvalidRequest as error:
            codes.append(error.code)

    threads = [threading.Thread(target=work, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["EnvironmentBuildFailed"] * 3
    assert sum("waiting" not in log[0] for log in logs) == 1
    assert all(any("no version of six==99" in line for line in log) for log in logs)


def test_a_killed_builder_leaves_no_half_environment(backend: VirtualEnvironments) -> None:
    builder = start_builder(backend)
    assert builder.stdout is not None
    key = builder.stdout.readline().strip()
    deadline = time.monotonic() + 60
    while not backend.places.stagings(key) and time.monotonic() < deadline:
        time.sleep(0.005)
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    builder.stdout.close()
    assert backend.ready(key) is None
    built, _ = build(backend, EnvironmentDefinition(requirements=["tabulate==0.9.0"]))
    assert built.key == key
    assert backend.places.stagings(key) == []


def test_a_cancelled_build_stops_uv(backend: VirtualEnvironments) -> None:
    plan = backend.plan(EnvironmentDefinition(requirements=["tabulate==0.9.0", "pyjokes"]))
    lines: list[str] = []
    with pytest.raises(Conflict) as caught:
        backend.build(plan, lines.append, lambda: bool(lines))
    assert caught.value.code == "EnvironmentBuildCanceled"
    assert backend.places.stagings(plan.key) == []
    assert backend.ready(plan.key) is None


def test_prune_spares_what_is_used(backend: VirtualEnvironments, tmp_path: Path) -> None:
    built, _ = build(backend, EnvironmentDefinition(name="minimal"))
    assert backend.prune(3600, dry_run=False) == []
    backend.layer(built, tmp_path / "layer")
    assert backend.prune(0, dry_run=False) == []
    shutil.rmtree(tmp_path / "layer")
    ((key, size),) = backend.prune(0, dry_run=True)
    assert key == built.key
    assert size > 1_000_000
    assert backend.ready(built.key) is not None
    assert backend.prune(0, dry_run=False) == [(key, size)]
    assert backend.ready(built.key) is None
    assert not (backend.places.root / built.key).exists()
    with pytest.raises(Conflict):
        backend.layer(built, tmp_path / "other")


def test_all_is_compiled_but_the_tests_of_packages(backend: VirtualEnvironments, tmp_path: Path) -> None:
    wheel = tmp_path / "tests" / "sample-1.0-py3-none-any.whl"  # the folder's name means nothing
    wheel.parent.mkdir()
    files = {"sample/__init__.py": "", "sample/tests/__init__.py": "", "sample/tests/deep/test_it.py": "x = 1\n",
             "sample/old.py": "print 'of Python 2'\n", "sample-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\n",
             "sample-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n"}  # fmt: skip
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "sample-1.0.dist-info/RECORD": "".join(f"{name},,\n" for name in files)}.items():
            archive.writestr(name, text)
    plan = dataclasses.replace(backend.plan(SMALL), requirements=(f"sample @ {wheel.as_uri()}",), constraints=())
    made = backend.build(plan, lambda _line: None)
    before = fingerprint(made.folder)
    places = sorted(str(path.relative_to(path.parents[2])) for path in made.folder.rglob("sample/**/*.pyc"))
    assert [place.partition(".")[0] for place in places] == ["sample/__pycache__/__init__"]
    variables = backend.layer(made, tmp_path / "layer")
    run("python -c 'import sample.tests.deep.test_it as it; assert it.x == 1'", variables, tmp_path)
    assert fingerprint(made.folder) == before, "a job that imports them leaves nothing there, not even as root"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if (mounted := subprocess.run(mount, capture_output=True, check=False)).returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("full", ["environments", "cache"])
def test_a_full_disk_is_named_and_leaves_nothing(small_disk: Path, cache: Path, tmp_path: Path, full: str) -> None:
    folders = {"environments": tmp_path / "environments", "cache": cache, full: small_disk / full}
    backend = VirtualEnvironments(folders["environments"], cache=folders["cache"])
    definition = EnvironmentDefinition(image="library/python:latest")
    lines: list[str] = []
    for _ in range(2):
        with pytest.raises(Unavailable) as failed:
            backend.build(backend.plan(definition), lines.append)
        assert failed.value.code == "DiskFull"
        assert f"the disk of {small_disk / full} is full" in failed.value.message
        assert "4 MB were free" in failed.value.message
        assert "zaffre storage gc" in str(failed.value.hint)
        assert sorted(path.name for path in folders["environments"].iterdir() if not path.name.startswith(".")) == []
        assert list(folders["environments"].glob(".staging-*")) == []
    assert sum("Python " in line for line in lines) == 1, "the same disk is not tried again"
    subprocess.run(["mount", "-o", "remount,size=128m", str(small_disk)], check=True)
    assert build(backend, definition)[0].python.exists()


def test_what_is_removed_frees_its_disk(tmp_path: Path) -> None:
    """The files of an environment are names of those in the download cache."""
    backend = VirtualEnvironments(tmp_path / "environments", cache=tmp_path / "cache")
    made, _ = build(backend, SMALL)
    (found,) = made.folder.rglob("six.py")
    kept = tmp_path / "kept"
    os.link(found, kept)
    assert kept.stat().st_nlink == 3
    assert [key for key, _ in backend.prune(0, dry_run=False)] == [made.key]
    assert kept.stat().st_nlink == 1
    build(backend, SMALL)


def test_secrets_of_the_server_are_not_seen_by_a_build(tmp_path: Path, cache: Path) -> None:
    from zaffre.plugins.virtualenv.uv import build_variables

    environ = {"PATH": "/bin", "ZAFFRE_TOKEN": "canary", "AWS_SECRET_ACCESS_KEY": "canary", "HOME": str(tmp_path)}
    assert "canary" not in str(build_variables(environ, cache))


def test_the_log_of_a_build_is_kept_with_what_it_made(backend: VirtualEnvironments) -> None:
    plan = backend.plan(SMALL)
    assert backend.build_log(plan.key).state == "absent"
    states: list[tuple[str, str]] = []

    def say(line: str) -> None:
        told = backend.build_log(plan.key)
        assert told.path is not None
        states.append((told.state, told.path.read_text()))
        assert states[-1][1].endswith(f"{line}\n"), "a reader is not behind"

    backend.build(plan, say)
    assert {state for state, _ in states} == {"building"}
    told = backend.build_log(plan.key)
    assert told.state == "built"
    assert told.path is not None
    assert told.path.read_text() == states[-1][1]
    assert "ready: " in told.path.read_text()
    assert [key for key, _ in backend.prune(0, dry_run=False)] == [plan.key]
    assert backend.build_log(plan.key) == BuildLog("absent")


def test_the_log_of_a_failed_build_is_kept_until_cleaning_up(backend: VirtualEnvironments) -> None:
    plan = backend.plan(EnvironmentDefinition(requirements=["six==99"]))
    with pytest.raises(InvalidRequest):
        backend.build(plan, lambda _line: None)
    told = backend.build_log(plan.key)
    assert told.state == "failed"
    assert told.path is not None
    assert told.error is not None
    assert "six==99" in told.path.read_text()
    assert told.error["code"] == "EnvironmentBuildFailed"
    backend.prune(3600, dry_run=False)
    assert backend.build_log(plan.key).state == "failed"
    backend.prune(0, dry_run=False)
    assert backend.build_log(plan.key) == BuildLog("absent")


def test_a_long_build_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    from zaffre.plugins.virtualenv.build_log import END_BYTES, KEPT_BYTES, LogFile

    with (tmp_path / "log").open("wb") as file:
        log = LogFile(file)
        for number in range(60_000):
            log.line(f"line {number} {'x' * 60}")
        log.line("y" * 3 * END_BYTES)
        log.line("the end")
        log.close()
    text = (tmp_path / "log").read_text()
    assert text.startswith("line 0 ")
    assert text.endswith("the end\n")
    assert "lines are left out here" in text
    assert len(text) < KEPT_BYTES + 2 * END_BYTES
