"""The client against a small server: submission, uploads, streams, broken connections."""

from __future__ import annotations

import os
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest
from small_server import TOKEN, SmallServer, tar
from starlette.responses import JSONResponse, Response

from zaffre import Input, Model, Workspace, command, load_component, load_data, load_job
from zaffre.base import errors
from zaffre.sdk.git_facts import git_facts
from zaffre.sdk.unpack import unpack


@pytest.fixture
def here(small_server: SmallServer) -> Workspace:
    """A workspace whose server's content store lies on this machine."""
    return Workspace.from_home(small_server.home)


@pytest.fixture
def remote(small_server: SmallServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    monkeypatch.setenv("ZAFFRE_HOME", str(tmp_path / "own"))
    return Workspace.connect(small_server.url, TOKEN)


def project(folder: Path) -> Path:
    (folder / "src" / "sub").mkdir(parents=True)
    (folder / "src" / "train.py").write_text("print(1)")
    (folder / "src" / "sub" / "big.txt").write_text("x" * 3_000_000)
    (folder / "src" / "secret.log").write_text("no")
    (folder / "src" / ".amlignore").write_text("*.log\n")
    (folder / "d.csv").write_text("a,b\n1,2\n")
    (folder / "job.yml").write_text(
        "type: command\ncode: src\ncommand: python train.py ${{inputs.d}}\nenvironment: azureml:sklearn@latest\n"
        "inputs:\n  d: {type: uri_file, path: d.csv}\n  path: /not/a/file\n"
    )
    return folder / "job.yml"


@pytest.mark.parametrize("where", ["here", "remote"])
def test_submission_closes_the_document(
    where: str, small_server: SmallServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ws: Workspace = request.getfixturevalue(where)
    file = project(tmp_path)
    job = ws.jobs.create_or_update(load_job(file), name="mine")
    spec = small_server.jobs["mine"]
    code = small_server.content.manifest(spec["code"].removeprefix("content://"))
    assert [entry.path for entry in code.entries if not entry.path.startswith(".")] == ["sub/big.txt", "train.py"]
    root, _, name = spec["inputs"]["d"]["path"].removeprefix("content://").partition("/")
    assert name == "d.csv"
    with small_server.content.open(small_server.content.manifest(root).entries[0].hash) as stored:
        assert stored.read() == b"a,b\n1,2\n"
    assert spec["inputs"]["path"] == "/not/a/file"  # a plain value is no path
    assert job.status == "Queued"
    if where == "remote":
        sent = len([call for call in small_server.calls if call[0] == "content.upload"])
        ws.jobs.create_or_update(load_job(file), name="again")
        assert len([call for call in small_server.calls if call[0] == "content.upload"]) == sent  # nothing was missing


def test_paths_in_pipelines_components_and_environments(
    here: Workspace, small_server: SmallServer, tmp_path: Path
) -> None:
    project(tmp_path)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "util.py").write_text("")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM python:3.11")
    (tmp_path / "c.yml").write_text(
        "type: command\nname: c\ncode: src\nadditional_includes: [shared]\ncommand: ls\n"
        "environment: {build: {path: docker}}\n"
    )
    (tmp_path / "p.yml").write_text(
        "type: pipeline\njobs:\n  a: {type: command, component: ./c.yml}\n  b: {type: command, component: ./c.yml}\n"
    )
    here.jobs.create_or_update(load_job(tmp_path / "p.yml"), name="p")
    nodes = small_server.jobs["p"]["jobs"]
    one = nodes["a"]["component"]
    assert nodes["b"]["component"] == one
    assert "additional_includes" not in one
    files = {entry.path for entry in small_server.content.manifest(one["code"].removeprefix("content://")).entries}
    assert {"shared/util.py", "train.py", "sub/big.txt"} <= files
    assert one["environment"]["build"]["path"].startswith("content://")
    here.components.create_or_update(load_component(tmp_path / "c.yml"), version="3")
    assert small_server.assets["component", "c"][0]["version"] == "3"


def test_models_in_python_are_checked_and_sent(
    here: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    model = here.models.create_or_update(Model(name="m", path="d.csv", type="custom_model"))
    assert model.path is not None
    assert model.path.endswith("/d.csv")
    with pytest.raises(errors.SpecError, match="no file or folder gone"):
        here.models.create_or_update(Model(name="m", path="gone"))
    job = command(
        command="ls ${{inputs.x}}", inputs={"x": Input(type="uri_folder", path="src")}, environment="azureml:e@latest"
    )
    sent = here.jobs.create_or_update(job).model_extra or {}
    assert sent["inputs"]["x"]["path"].startswith("content://")
    (tmp_path / "data.yml").write_text("name: d\ntype: uri_file\npath: d.csv\n")
    kept = here.data.create_or_update(load_data("data.yml"), by_reference=True)
    assert kept.path == (tmp_path / "d.csv").as_uri()


def test_errors_come_back_as_they_were_raised(here: Workspace, small_server: SmallServer) -> None:
    fault = errors.Fault("no compute `x`", "p.yml", 3, 5, "compute", "zaffre compute list")
    body = errors.SpecError([fault]).body()
    small_server.faults["jobs.show"] = [lambda: JSONResponse(body, 400)]
    with pytest.raises(errors.InvalidRequest) as caught:
        here.jobs.get("x")
    assert caught.value.faults == (fault,)
    small_server.faults["jobs.show"] = [lambda: Response("<html>", 404)]
    with pytest.raises(errors.NotFound, match="404"):
        here.jobs.get("x")
    with pytest.raises(errors.InvalidRequest, match="is not a name"):
        here.jobs.get("a/../b")


def test_what_is_unavailable_for_a_moment_is_asked_again(here: Workspace, small_server: SmallServer) -> None:
    busy = errors.Unavailable("locked")
    small_server.faults["jobs.create"] = [lambda: JSONResponse(busy.body(), 503)] * 2
    here.jobs.create_or_update({"type": "command", "command": "ls", "environment": "azureml:e@latest"})
    assert len(small_server.jobs) == 1
    small_server.faults["jobs.list"] = [lambda: JSONResponse(busy.body(), 503)] * 9
    with pytest.raises(errors.Unavailable, match="locked"):
        list(here.jobs.list())


def test_a_stale_connection_is_opened_anew(small_server: SmallServer) -> None:
    ws = Workspace.connect(small_server.url, TOKEN)
    assert list(ws.jobs.list()) == []
    connection = ws.transport._local.connection  # type: ignore[attr-defined]
    connection.sock.shutdown(2)
    assert list(ws.jobs.list()) == []


def test_threads_share_a_workspace(here: Workspace, small_server: SmallServer) -> None:
    small_server.jobs = {f"j{i}": {"name": f"j{i}", "type": "command", "status": "Queued"} for i in range(8)}
    names: list[str] = []
    threads = [threading.Thread(target=lambda n=n: names.append(here.jobs.get(f"j{n}").name)) for n in range(8)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == sorted(small_server.jobs)


def test_stream_and_wait(here: Workspace, small_server: SmallServer, capsys: pytest.CaptureFixture[str]) -> None:
    small_server.jobs["j"] = {"name": "j", "type": "command", "status": "Completed"}
    small_server.logs["j"] = [b"first\n", b"<cut>", b"last"]
    assert here.jobs.stream("j").status == "Completed"
    assert capsys.readouterr().out == "first\nlast\n"
    small_server.jobs["k"] = {"name": "k", "type": "command", "status": "Running"}
    with pytest.raises(errors.Unavailable, match="still Running after"):
        here.jobs.wait("k", timeout_s=0.1)


def test_an_archive_cannot_leave_its_folder(tmp_path: Path) -> None:
    link = tarfile.TarInfo("l")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard = tarfile.TarInfo("h")
    hard.type, hard.linkname = tarfile.LNKTYPE, "a"
    device = tarfile.TarInfo("d")
    device.type = tarfile.CHRTYPE
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "target"
    target.mkdir()
    (target / "door").symlink_to(outside)
    bad = {"../x": b"1", "/abs": b"1", "a/../../x": b"1", "l": link, "h": hard, "d": device, "door/x": b"1"}
    for name, content in bad.items():
        with pytest.raises(errors.InvalidRequest, match="refused"):
            unpack(iter([tar({name: content})]), target)
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "target"]
    whole = tar({"a/b.txt": b"x" * 3000})
    assert [path.name for path in unpack(iter([whole[:700], whole[700:]]), target)] == ["b.txt"]
    with pytest.raises(errors.Unavailable, match="cut off"):
        unpack(iter([whole[:1500]]), target)
    assert (target / "a" / "b.txt").read_bytes() == b"x" * 3000  # the former file stays


def test_git_facts(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True,
                       capture_output=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})  # fmt: skip

    assert git_facts(tmp_path) is None
    git("init", "-q", "-b", "trunk")
    assert git_facts(tmp_path) is None
    (tmp_path / "a.py").write_text("one\n")
    git("add", ".")
    git("commit", "-qm", "x")
    git("remote", "add", "origin", "https://me:s3cret@example.org/r.git")
    clean = git_facts(tmp_path)
    assert clean is not None
    assert (clean["branch"], len(clean["commit"]), clean["remote"]) == ("trunk", 40, "https://example.org/r.git")
    assert "diff" not in clean
    (tmp_path / "a.py").write_text("two\n" + "long line\n" * 200_000)
    changed = git_facts(tmp_path)
    assert changed is not None
    assert "-one" in changed["diff"]
    assert len(changed["diff"]) == 2**20
    assert changed["diff_cut"] is True
    git("pack-refs", "--all")
    packed = git_facts(tmp_path)
    assert packed is not None
    assert packed["commit"] == clean["commit"]


def test_downloads_of_data_and_models(here: Workspace, small_server: SmallServer, tmp_path: Path) -> None:
    small_server.archive = tar({"model/MLmodel": b"flavors: {}"})
    small_server.jobs["m"] = {}
    assert here.models.download("m", tmp_path / "out", version="1") == [tmp_path / "out" / "model" / "MLmodel"]
