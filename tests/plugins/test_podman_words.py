"""What podman is told, and what is made of what it says. Containers that really run: tests/serving."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from zaffre.base.errors import Conflict, InvalidRequest, NotFound, Unavailable
from zaffre.plugins.podman.engine import Podman
from zaffre.plugins.podman.program import Failed, Program
from zaffre.ports.container import FOLDER, NAME, Mount, Run


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A podman that says what it was told, or what is prepared for a verb."""
    place = tmp_path / "bin/podman"
    place.parent.mkdir()
    place.write_text(
        '#!/bin/sh\nfor word; do echo "[$word]"; done >>"$HOME/told"\nenv >"$HOME/env"\n'
        'if [ -f "$HOME/$1" ]; then . "$HOME/$1"; fi\n'
    )
    place.chmod(0o755)
    return place


def engine(program: Path, *registries: str, **more: str) -> Podman:
    environ = {"PATH": f"{program.parent}:{os.defpath}", "HOME": str(program.parent.parent), **more}
    return Podman("home-1", registries, environ)


def told(program: Path) -> list[str]:
    return (program.parent.parent / "told").read_text().splitlines()


def say(program: Path, verb: str, script: str) -> None:
    (program.parent.parent / verb).write_text(script)


def test_without_podman_it_says_what_to_install(tmp_path: Path) -> None:
    absent = Podman("home-1", (), {"PATH": str(tmp_path)})
    assert "apt-get install podman" in str(absent.missing())
    with pytest.raises(Unavailable) as missing:
        absent.find("python:3.11")
    assert missing.value.code == "ContainerEngineMissing"


def test_sec_21_a_run_has_the_least_rights(program: Path) -> None:
    made = engine(program)
    assert made.missing() is None
    run = Run("sha256:1", Path("/v"), [Mount("/m", "/models")], {"a": "b"}, memory_mb=512, cpus=0.5)
    words = made.words(run)
    assert words[:2] == [str(program), "run"]
    assert words[-1] == "sha256:1"
    for wanted in (
        "--network=none", "--cap-drop=all", "--security-opt=no-new-privileges", "--pull=never", "--http-proxy=false",
        "--memory=512m", "--cpus=0.5", "--label=zaffre.home=home-1", "--label=a=b", f"--name={NAME}",
        f"--pidfile={FOLDER}/pid", "--env-file=/v", "--mount=type=bind,source=/m,destination=/models,ro=true",
    ):  # fmt: skip
        assert wanted in words
    assert not [word for word in words if word.startswith(("--privileged", "--publish", "--user", "--entrypoint"))]
    closed = made.words(
        Run("i", Path("/v"), network=True, closed=True, user="1:1", entrypoint="python3", arguments=["a"])
    )
    assert "--read-only" in closed
    assert "--user=1:1" in closed
    assert not [word for word in closed if word.startswith(("--network", "--cap-add"))]
    assert closed[-3:] == ['--entrypoint=["python3"]', "i", "a"]
    for path in ("/a,ro=false", '/a"b', "/a\nb"):
        with pytest.raises(InvalidRequest):
            made.words(Run("i", Path("/v"), [Mount(path, "/models")]))


def test_sec_15_the_program_gets_no_variable_of_the_server(program: Path) -> None:
    engine(program, ZAFFRE_TOKEN="secret", LD_PRELOAD="/x.so", CONTAINERS_CONF="/c").find("python:3.11")
    seen = (program.parent.parent / "env").read_text()
    assert "CONTAINERS_CONF=/c" in seen
    assert "secret" not in seen
    assert "LD_PRELOAD" not in seen


def test_an_image_is_found_or_pulled_from_where_it_may(program: Path) -> None:
    made = engine(program, "registry.example.com")
    say(program, "image", "echo 0123abc")
    assert made.get("python:3.11", print) == "0123abc"
    say(program, "image", 'echo "Error: python: image not known" >&2; exit 125')
    assert made.find("python:3.11") is None
    with pytest.raises(NotFound, match=r"this server pulls from registry\.example\.com only") as refused:
        made.get("python:3.11", print)
    assert refused.value.code == "ImageMissing"
    assert str(refused.value.hint).startswith(
        "podman pull docker.io/library/python:3.11, or zaffre up --registry docker.io"
    )
    assert "[pull]" not in told(program)
    with pytest.raises(NotFound, match="cannot be pulled: this server"):
        made.get("localhost/own:1", print)
    lines: list[str] = []
    say(program, "pull", "echo Trying; echo 'Error: no route' >&2; exit 125")
    with pytest.raises(NotFound, match="is not present and cannot be pulled: Error: no route"):
        made.get("registry.example.com/a:1", lines.append)
    assert lines == ["pulling image registry.example.com/a:1", "Trying", "Error: no route"]
    assert told(program)[-2:] == ["[pull]", "[docker://registry.example.com/a:1]"]
    say(program, "image", 'echo "Error: database is locked" >&2; exit 125')
    with pytest.raises(Unavailable, match="database is locked"):
        made.find("python:3.11")


def test_long_work_is_told_line_by_line_and_can_be_cancelled(program: Path) -> None:
    run = Program({"PATH": f"{program.parent}:{os.defpath}", "HOME": str(program.parent.parent)})
    lines: list[str] = []
    say(program, "build", "printf 'one\\r\\ntwo\\n\\377three'; exit 3")
    with pytest.raises(Failed) as failed:
        run.follow(["build"], lines.append)
    assert (failed.value.status, lines) == (3, ["one", "two", "\ufffdthree"])
    say(program, "build", "echo begun; exec sleep 60")
    began = time.monotonic()
    with pytest.raises(Conflict, match="cancelled"):
        run.follow(["build"], lines.append, lambda: "begun" in lines)
    assert time.monotonic() - began < 30, "it was ended, not waited for"
