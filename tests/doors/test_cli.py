"""The command line as a real program against a small server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_server import Run, SmallServer, tar

LIGHT = (
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "yaml",
    "http.client",
    "zaffre.wire",
    "zaffre.sdk",
    "zaffre.spec",
)


def test_importing_the_command_line_is_light() -> None:
    code = "import sys, zaffre.cli.main as m; m.build(['job']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    heavy = [name for name in loaded if any(name == light or name.startswith(light + ".") for light in LIGHT)]
    assert heavy == []


def test_importing_zaffre_is_light() -> None:
    code = "import sys, zaffre; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "argparse", "http.client"} & set(done.stdout.split())


def test_every_verb_has_help_with_an_example() -> None:
    from zaffre.cli.main import ALONE, NOUNS, build

    parser = build(None)
    found = 0
    for noun, inner in parser._subparsers._group_actions[0].choices.items():  # type: ignore[union-attr]
        verbs = {"": inner} if noun in ALONE else inner._subparsers._group_actions[0].choices
        for verb, one in verbs.items():
            found += 1
            assert f"zaffre {noun} {verb}".strip() in (one.epilog or ""), f"{noun} {verb} has no example"
            assert one.format_help()
            words = [str(action.metavar or action.dest).upper() for action in one._get_positional_actions()]
            usage = one.format_usage()
            assert all(word in usage.upper() for word in words), f"{noun} {verb}: {usage}"
    assert set(NOUNS) | set(ALONE) == set(parser._subparsers._group_actions[0].choices)  # type: ignore[union-attr]
    assert found > 60


@pytest.mark.parametrize("words", [["--help"], ["job", "--help"], ["job", "create", "--help"], ["--version"]])
def test_help(zaffre: Run, words: list[str]) -> None:
    done = zaffre(*words)
    assert done.returncode == 0
    assert done.stdout
    assert not done.stderr


def test_wrong_words_name_the_nearest(zaffre: Run) -> None:
    for words, near in ((["jbo"], "job"), (["job", "crate"], "create"), (["job", "list", "-o", "jsn"], "json")):
        done = zaffre(*words)
        assert done.returncode == 2
        assert f"did you mean `{near}`" in done.stderr
        assert "Traceback" not in done.stderr


def test_job_create_prints_json_and_picks_by_query(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "hello.py").write_text("print('hello')")
    (tmp_path / "job.yml").write_text(
        "type: command\ncommand: python hello.py\ncode: src\nenvironment: azureml:sklearn@latest\ntags: {a: b}\n"
    )
    done = zaffre("job", "create", "--file", "job.yml", "--name", "first", "--experiment-name", "e")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["name"], job["status"], job["experiment_name"]) == ("first", "Queued", "e")
    root = job["code"].removeprefix("content://")
    assert [entry.path for entry in small_server.content.manifest(root).entries] == ["hello.py"]
    done = zaffre("job", "create", "--f", "job.yml", "--query", "name", "-o", "tsv", "--only-show-errors")
    assert re.fullmatch(r"[a-z]+_[a-z]+_[a-z0-9]{10}\n", done.stdout), "the client makes a name when there is none"
    assert "Idempotency-Key".lower() in next(
        headers for name, _, headers in small_server.calls if name == "jobs.create"
    )


def test_output_formats(zaffre: Run, small_server: SmallServer) -> None:
    for name in ("a", "b", "c"):
        small_server.jobs[name] = {"name": name, "type": "command", "status": "Completed", "tags": {"x": "ü"}}
    assert [job["name"] for job in json.loads(zaffre("job", "list").stdout)] == ["a", "b", "c"]  # over two pages
    assert zaffre("job", "list", "--query", "[].name", "-o", "tsv").stdout == "a\nb\nc\n"
    assert zaffre("job", "list", "--query", "[*].[name]", "-o", "tsv").stdout == "a\nb\nc\n"
    assert zaffre("job", "list", "--query", "[0].{S:status, N:name}", "--out", "tsv").stdout == "Completed\ta\n"
    assert zaffre("job", "list", "--query", "length(@)").stdout == "3\n"
    assert zaffre("job", "list", "--query", "[?name=='zzz'] | [0]").stdout == ""
    assert zaffre("job", "show", "-n", "a", "-o", "none").stdout == ""
    assert "status: Completed\n" in zaffre("job", "show", "-n", "a", "-o", "yaml").stdout
    lines = zaffre("job", "list", "-o", "table").stdout.splitlines()
    assert lines[0].split() == ["Name", "Type", "Status"]
    assert lines[2].split() == ["a", "command", "Completed"]
    wrong = zaffre("job", "list", "--query", "[?")
    assert wrong.returncode == 2
    assert "--query" in wrong.stderr


def test_global_flags_of_az_are_accepted_anywhere(zaffre: Run, small_server: SmallServer) -> None:
    done = zaffre("--workspace-name", "w", "job", "list", "-g", "group", "--subscription", "s")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert small_server.calls[-1][1].workspace == "w"


def test_not_found_and_bad_input_have_their_own_status(zaffre: Run, small_server: SmallServer) -> None:
    done = zaffre("job", "show", "--name", "nope")
    assert done.returncode == 3
    assert done.stderr == "error: no job `nope` in workspace `default`\n hint: `zaffre job list` shows all\n"
    assert zaffre("job", "create", "--file", "missing.yml").returncode == 2
    assert "Traceback" in zaffre("job", "show", "--name", "nope", "--debug").stderr


def test_stream_shows_the_log_and_fails_with_the_job(zaffre: Run, small_server: SmallServer) -> None:
    small_server.jobs["good"] = {"name": "good", "type": "command", "status": "Completed", "duration_s": 14.2}
    small_server.logs["good"] = [b"one\ntw", b"<cut>", b"o\n", "gr\u00fcn".encode()[:3], "gr\u00fcn".encode()[3:]]
    done = zaffre("job", "stream", "--name", "good")
    assert (done.returncode, done.stdout) == (0, "one\ntwo\ngr\u00fcn\nCompleted in 14 s: good\n")
    small_server.jobs["bad"] = {
        "name": "bad", "type": "command", "status": "Failed", "error": {"message": "exit status 3"}
    }  # fmt: skip
    done = zaffre("job", "stream", "--name", "bad")
    assert done.returncode == 1
    assert "job `bad` ended as Failed: exit status 3" in done.stderr


def test_pipeline_stream_names_steps_and_survives_a_cut(zaffre: Run, small_server: SmallServer) -> None:
    small_server.jobs |= {
        "p": {"name": "p", "type": "pipeline", "status": "Completed"},
        "s1": {"name": "s1", "type": "command", "status": "Completed"},
    }
    small_server.logs["s1"] = [b"hello\n"]
    at = {"at": "2026-01-01T00:00:00Z"}
    small_server.events["p"] = [
        {"id": 1, "job": "p", "status": "Running", **at},
        {"id": 2, "job": "s1", "node": "train", "type": "command", "status": "Running", **at},
        {"id": 3, "cut": True},
        {"id": 4, "job": "s2", "node": "prepare", "type": "command", "status": "Completed", "reused_from": "old", **at},
        {"id": 5, "job": "s1", "node": "train", "type": "command", "status": "Completed", **at},
        {"id": 6, "job": "p", "status": "Completed", **at},
    ]
    done = zaffre("job", "stream", "--name", "p")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("[train] hello") == 1
    assert lines.count("[train] Running") == 1
    assert "[prepare] Completed (reused from old)" in lines
    assert lines[-1] == "Completed: p"


@pytest.mark.parametrize("name", ["j", "p"])
def test_an_interrupted_stream_leaves_the_job(small_server: SmallServer, tmp_path: Path, name: str) -> None:
    event = {"at": "2026-01-01T00:00:00Z", "status": "Running"}
    small_server.jobs |= {
        "j": {"name": "j", "type": "command", "status": "Running"},
        "p": {"name": "p", "type": "pipeline", "status": "Running"},
    }
    small_server.events["p"] = [{"id": 1, "job": "j", "node": "train", "type": "command", **event}]
    small_server.logs["j"] = [b"epoch 1\n", b"<wait>"]
    process = subprocess.Popen(
        [sys.executable, "-m", "zaffre", "job", "stream", "-n", name, "--home", str(tmp_path / "home")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "epoch 1" not in process.stdout.readline():
        pass
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert f"job `{name}` goes on; `zaffre job cancel --name {name}` ends it" in said
    assert "Traceback" not in said


def test_what_is_not_offered_is_said(zaffre: Run) -> None:
    done = zaffre("schedule", "create", "-f", "x.yml")
    assert (done.returncode, "`schedule` is not offered by this release" in done.stderr) == (2, True)


def test_plan(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("type: command\ncommand: echo hello\nenvironment: azureml:sklearn@latest\n")
    done = zaffre("job", "plan", "-f", "job.yml", "-o", "table")
    assert "train    runs    src/train.py changed at line 12" in done.stdout
    assert done.stdout.endswith("1 to run, 1 reused, 14 s saved\n")
    assert json.loads(zaffre("job", "plan", "-f", "job.yml").stdout)["will_run"] == 1


def test_job_update(zaffre: Run, small_server: SmallServer) -> None:
    small_server.jobs["j"] = {"name": "j", "type": "command", "status": "Completed", "tags": {"old": "1"}}
    done = zaffre("job", "update", "-n", "j", "--set", "display_name=two words", "--set", "tags.hello=world",
                  "--remove", "tags.old")  # fmt: skip
    job = json.loads(done.stdout)
    assert (job["display_name"], job["tags"]) == ("two words", {"hello": "world"})
    done = zaffre("job", "update", "-n", "j", "--set", "command=x")
    assert done.returncode == 2
    assert "`command` cannot be changed" in done.stderr


def test_download(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    small_server.jobs["j"] = {"name": "j", "type": "command", "status": "Completed"}
    small_server.archive = tar({"artifacts/user_logs/std_log.txt": b"hello", "named-outputs/model/m.bin": b"x" * 5000})
    done = zaffre("job", "download", "--name", "j", "--all", "--download-path", "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/artifacts/user_logs/std_log.txt").read_text() == "hello"
    assert (tmp_path / "out/named-outputs/model/m.bin").stat().st_size == 5000


def test_assets(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    done = zaffre("data", "create", "--name", "t", "--path", "t.csv", "--tags", "k=v")
    asset = json.loads(done.stdout)
    assert (asset["version"], asset["type"], asset["tags"]) == ("1", "uri_file", {"k": "v"})
    assert asset["path"].startswith("content://")
    assert asset["path"].endswith("/t.csv")
    done = zaffre("data", "create", "--name", "t", "--path", "t.csv", "--by-reference")
    assert json.loads(done.stdout)["path"] == (tmp_path / "t.csv").as_uri()
    assert len(json.loads(zaffre("data", "list", "--name", "t").stdout)) == 2
    assert zaffre("data", "show", "-n", "t", "-l", "latest", "--query", "version", "-o", "tsv").stdout == "2\n"
    done = zaffre("data", "update", "-n", "t", "-v", "1", "--set", "tags.q=good", "description=fine")
    assert json.loads(done.stdout)["description"] == "fine"
    assert json.loads(zaffre("data", "diff", "-n", "t", "--base", "1", "--other", "2").stdout)["bytes_added"] == 1
    assert json.loads(zaffre("data", "check", "-n", "t").stdout)["changed"] is False
    assert zaffre("data", "archive", "-n", "t", "-v", "1").returncode == 0
    edge = json.loads(zaffre("lineage", "show", "--type", "data", "--name", "t").stdout)["made_by"][0]
    assert edge["job"] == "j1"


def test_destruction_asks(zaffre: Run, small_server: SmallServer) -> None:
    small_server.resources["compute", "c"] = {"name": "c", "type": "amlcompute"}
    done = zaffre("compute", "delete", "--name", "c")
    assert done.returncode == 2
    assert "hint: add --yes" in done.stderr
    assert zaffre("compute", "delete", "--name", "c", "--yes").returncode == 0
    assert small_server.resources == {}


def test_computes_and_datastores(zaffre: Run, small_server: SmallServer) -> None:
    done = zaffre("compute", "create", "--name", "cpu", "--type", "amlcompute", "--min-instances", "0",
                  "--max-instances", "4", "--output", "json")  # fmt: skip
    compute = json.loads(done.stdout)
    assert (compute["name"], compute["min_instances"], compute["max_instances"]) == ("cpu", 0, 4)
    assert json.loads(zaffre("compute", "update", "-n", "cpu", "--max-instances", "3").stdout)["max_instances"] == 3
    assert zaffre("compute", "list", "--query", "[?name=='cpu'][name]", "-o", "tsv").stdout == "cpu\n"
    assert zaffre("workspace", "show", "--query", "mlflow_tracking_uri", "-o", "tsv").stdout == small_server.url + "\n"


def test_storage(zaffre: Run, small_server: SmallServer) -> None:
    done = zaffre("storage", "scrub")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["objects"], found["bytes"]) == (3, 10)
    assert [item["used_by"] for item in found["damaged"]] == [["data patients:1"]]
    assert json.loads(zaffre("storage", "gc", "--dry-run").stdout)["dry_run"] is True
    assert zaffre("storage", "gc").returncode == 2
    assert json.loads(zaffre("storage", "gc", "--yes").stdout)["dry_run"] is False


def test_status_and_down_without_a_server(zaffre: Run, tmp_path: Path) -> None:
    done = zaffre("status")
    assert done.returncode == 3
    assert "`zaffre up` starts one" in done.stderr
    assert zaffre("down").returncode == 0
    assert not (tmp_path / "home").exists()


def test_a_remote_server_by_variables(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    (tmp_path / "home" / "server.json").unlink()
    assert zaffre("job", "list", ZAFFRE_URL=small_server.url, ZAFFRE_TOKEN="secret-token").stdout == "[]\n"
    done = zaffre("job", "list", ZAFFRE_URL=small_server.url, ZAFFRE_TOKEN="wrong")
    assert done.returncode == 1
    assert "no valid token" in done.stderr
    assert "does not answer" in zaffre("job", "list", ZAFFRE_URL="http://127.0.0.1:9", ZAFFRE_TOKEN="x").stderr
    assert zaffre("job", "list", ZAFFRE_URL="nonsense").returncode == 2


def test_a_reader_that_leaves_is_no_error(zaffre: Run, small_server: SmallServer, tmp_path: Path) -> None:
    small_server.jobs |= {f"j{i}": {"name": f"j{i}" * 50, "type": "command", "status": "Queued"} for i in range(300)}
    home = tmp_path / "home"
    done = subprocess.run(
        f"{sys.executable} -m zaffre job list --max-results 300 --home {home} | head -1",
        shell=True, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_init_writes_a_project_that_is_valid(zaffre: Run, tmp_path: Path) -> None:
    done = zaffre("init", "project")
    assert done.returncode == 0, done.stderr
    for file in ("job.yml", "pipeline.yml"):
        checked = zaffre("validate", file, cwd=tmp_path / "project")
        assert checked.returncode == 0, checked.stderr
        assert json.loads(checked.stdout)["valid"] is True
    again = zaffre("init", "project")
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_completion(zaffre: Run) -> None:
    assert "--experiment-name" in zaffre("completion", "bash").stdout
    assert zaffre("completion", "zsh").stdout.startswith("#compdef zaffre")
