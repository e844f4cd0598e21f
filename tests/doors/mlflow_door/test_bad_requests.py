"""Values and requests that no well-meaning client sends: each gets MLflow's error code, and nothing is lost."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import pytest
from raw_client import Client
from sqlalchemy import update

from zaffre.base.clock import now_ms
from zaffre.base.ids import sequence
from zaffre.core.job_state import Status
from zaffre.store import assets, experiments, jobs
from zaffre.store.assets import Edge
from zaffre.store.jobs import JobRecord
from zaffre.store.tables.jobs import jobs as job_table

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WRONG = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")


@pytest.fixture
def owner(door: Any) -> Client:
    return Client(door)


SEARCHES = [
    ("POST", "runs/search", {"experiment_ids": ["0"]}),
    ("POST", "experiments/search", {"max_results": 5}),
    ("GET", "registered-models/search", {}),
    ("GET", "model-versions/search", {}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"]}),
    ("POST", "traces/search", {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}]}),
    ("GET", "traces", {"experiment_ids": "0"}),
]
FILTERS = [
    "'", '"', "`", "a", "a =", "= 'x'", "tags.a = 'b' --", "tags.a = 'b'; DROP TABLE traces", "tags.a = 'b' OR 1 = 1",
    "tags.a = 'b') OR ('1' = '1'", "tags.`a` = 'b' UNION SELECT 1", "name = 'a' AND", "attributes.name ~ '('",
    "nothing.at.all = 'x'", "name IN ('a', 1)", "name = 1e999", "(" * 500, " AND ".join(["name = 'a'"] * 300), "name = '" + "x" * 100 + "\\", "\x00",
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), SEARCHES, ids=[path for _, path, _ in SEARCHES])
def test_searches_refuse_what_they_cannot_read(owner: Client, method: str, path: str, body: dict[str, Any]) -> None:
    def ask(**more: Any) -> tuple[int, dict[str, Any]]:
        if method == "POST":
            return owner.call(path, {**body, **more})
        query = "&".join(f"{key}={_quoted(str(value))}" for key, value in {**body, **more}.items())
        return owner.get(f"{path}?{query}")

    for token in ("what", "bm90aGluZw==", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAxZTMwMH0=", "é", "A" * 5000, "%00"):
        status, answer = ask(page_token=token)
        assert (status, answer["error_code"] in WRONG) == (400, True), (token, answer)
    for text in FILTERS:
        status, answer = ask(filter=text)
        assert (status, answer.get("error_code") in WRONG) == (400, True), (text, answer)
    for most in (0, -1, 10**7, 2**70, "many"):
        status, answer = ask(max_results=most)
        assert (status, answer["error_code"] in WRONG) == (400, True), (most, answer)
    assert ask()[0] == 200


@pytest.mark.parametrize("key", ["it's", 'say "x"', "a.b", "ü/../x", "$[0]", "%_*?[", "--", "';DROP TABLE traces;--"])
def test_odd_keys_of_tags_are_keys_like_any_other(owner: Client, key: str) -> None:
    """In filters they stand between backticks."""
    run = owner.new_run()
    assert owner.call("runs/set-tag", {"run_id": run, "key": key, "value": "it's"})[0] == 200
    trace = owner.new_trace(tags={key: "it's"}, trace_metadata={key: "1"})
    found = owner.call("runs/search", {"experiment_ids": ["0"], "filter": f"tags.`{key}` = 'it''s'"})
    assert (found[0], [item["info"]["run_id"] for item in found[1]["runs"]]) == (200, [run])
    for text in (f"tags.`{key}` = 'it''s'", f"metadata.`{key}` LIKE '1'"):
        assert owner.traces(text) == [trace], text
    assert owner.traces(f"tags.`{key}` = 'no'") == []
    assert owner.traces(f"tags.`{key}x` IS NULL") == [trace]


@on_sqlite
def test_very_many_and_very_large_values(owner: Client) -> None:
    many = [{"key": f"k{n}", "value": "v"} for n in range(200_000)]
    for path, body in (
        ("runs/create", {"experiment_id": "0"}),
        ("experiments/create", {"name": "many"}),
        ("registered-models/create", {"name": "many"}),
    ):
        status, answer = owner.call(path, {**body, "tags": many})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), path
        assert "200000" in answer["message"]
    run = owner.new_run()
    for body in (
        {"tags": many[:101]},
        {"params": many[:101]},
        {"metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1001},
    ):
        assert owner.call("runs/log-batch", {"run_id": run, **body})[1]["error_code"] == "INVALID_PARAMETER_VALUE"
    for path, value in (("log-parameter", "v" * 2**20), ("set-tag", "v" * 2**20), ("log-parameter", "ü" * 6001)):
        status, answer = owner.call(f"runs/{path}", {"run_id": run, "key": "large", "value": value})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), path
        assert len(answer["message"]) < 1000, "the value is not sent back"
    assert owner.call("runs/log-parameter", {"run_id": run, "key": "a/b/../ü", "value": "ü" * 6000})[0] == 200
    status, _, answer = owner.ask(
        "POST", "/api/2.0/mlflow/runs/log-batch", b'{"run_id": "' + b"x" * (33 * 2**20) + b'"}'
    )
    assert status == 413
    data = owner.get(f"runs/get?run_id={run}")[1]["run"]["data"]
    assert data["params"] == [{"key": "a/b/../ü", "value": "ü" * 6000}]
    assert data["metrics"] == []


@on_sqlite
def test_a_description_of_a_model_that_is_none(owner: Client) -> None:
    run = owner.new_run()
    for text in ("5", "null", "[]", "{", '"artifact_path"', "[" * 100_000):
        status, answer = owner.call("runs/log-model", {"run_id": run, "model_json": text})
        assert (status, answer.get("error_code")) == (400, "INVALID_PARAMETER_VALUE"), text[:20]
    model = {"artifact_path": "m", "flavors": {}, "run_id": run, "utc_time_created": "2026-11-20"}
    for former in ("no list", "5"):
        assert owner.call("runs/set-tag", {"run_id": run, "key": "mlflow.log-model.history", "value": former})[0] == 200
        assert owner.call("runs/log-model", {"run_id": run, "model_json": json.dumps(model)})[0] == 200


@on_sqlite
@pytest.mark.parametrize("moment", [-1, 2**62, 253_402_300_800_000, "1e3", 1.5, True])
def test_moments_that_no_calendar_has(owner: Client, moment: Any) -> None:
    status, answer = owner.call("runs/create", {"experiment_id": "0", "start_time": moment})
    assert (status, answer.get("error_code")) == (400, "INVALID_PARAMETER_VALUE")
    run = owner.new_run()
    body = {"run_id": run, "status": "FINISHED", "end_time": moment}
    assert owner.call("runs/update", body)[1]["error_code"] == "INVALID_PARAMETER_VALUE"
    assert owner.get(f"runs/get?run_id={run}")[1]["run"]["info"]["status"] == "RUNNING"


@on_sqlite
def test_metrics_at_the_edges_of_their_types(owner: Client) -> None:
    run = owner.new_run()
    points = [
        {"key": "x", "value": value, "timestamp": timestamp, "step": step}
        for value, timestamp, step in (
            ("NaN", 0, -(2**63)), ("Infinity", 1, -1), ("-Infinity", 2, 0), (1.7976931348623157e308, 3, 1),
            (5e-324, 2**63 - 1, 2**63 - 1), (-0.0, -5, 2),
        )
    ]  # fmt: skip
    assert owner.call("runs/log-batch", {"run_id": run, "metrics": points}) == (200, {})
    found = owner.get(f"metrics/get-history?run_id={run}&metric_key=x")[1]["metrics"]
    assert sorted(found, key=lambda point: int(point["step"])) == sorted(points, key=lambda point: point["step"])
    last = owner.get(f"runs/get?run_id={run}")[1]["run"]["data"]["metrics"]
    assert [(item["value"], item["step"]) for item in last] == [(5e-324, 2**63 - 1)]
    assert owner.call("runs/search", {"experiment_ids": ["0"], "filter": "metrics.x > 1e-320"})[1]["runs"] == []


@on_sqlite
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/xml"]
)
def test_bodies_of_other_kinds_are_no_requests(owner: Client, kind: str) -> None:
    for body in (
        b"experiment_id=0",
        b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n0\r\n--b--",
        b"<a/>",
        b"\xff\xfe{",
    ):
        status, _, answer = owner.ask("POST", "/api/2.0/mlflow/runs/create", body, **{"Content-Type": kind})
        assert (status, json.loads(answer)["error_code"]) == (400, "BAD_REQUEST")
    assert owner.call("runs/search", {"experiment_ids": ["0"]})[1]["runs"] == []


def test_two_writers_of_one_model_get_two_versions(owner: Client) -> None:
    run = owner.new_run()
    path = f"/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}/model/MLmodel"
    assert owner.ask("PUT", path, b"flavors: {}\n")[0] == 200
    assert owner.call("registered-models/create", {"name": "shared"})[0] == 200
    answers: list[tuple[int, Any]] = []

    def write() -> None:
        for _ in range(5):
            answers.append(owner.call("model-versions/create", {"name": "shared", "source": f"runs:/{run}/model"}))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}, answers
    assert sorted(int(answer["model_version"]["version"]) for _, answer in answers) == list(range(1, 21))


def test_what_is_used_is_not_deleted(owner: Client) -> None:
    run, db = owner.new_run(), owner.door.context.db
    folder = f"/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}"
    for name in ("model/MLmodel", "model/data/x.bin", "other.txt", "model2/x"):
        assert owner.ask("PUT", f"{folder}/{name}", b"flavors: {}\n")[0] == 200
    owner.call("registered-models/create", {"name": "kept"})
    late = http.client.HTTPConnection(owner.place.hostname or "", owner.place.port, timeout=30)
    late.putrequest("PUT", f"{owner.place.path}{folder}/model/MLmodel")
    for header, value in (("Authorization", f"Bearer {owner.token}"), ("Content-Length", "9")):
        late.putheader(header, value)
    late.endheaders(b"else")
    assert owner.ask("GET", f"{folder}/model/MLmodel")[2] == b"flavors: {}\n"
    assert owner.call("model-versions/create", {"name": "kept", "source": f"runs:/{run}/model"})[0] == 200
    late.send(b"where")
    assert late.getresponse().status == 400, "an upload that began before the version was made"
    late.close()
    for path in ("/model", "/model/data", "/model/data/x.bin", ""):
        status, _, answer = owner.ask("DELETE", folder + path)
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_STATE"), path
        assert "kept:1" in json.loads(answer)["message"]
    for path in ("/model/MLmodel", "/model/data/x.bin", "/model/new.pkl"):
        status, _, answer = owner.ask("PUT", folder + path, b"something else")
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_STATE"), path
        upload = f"/api/2.0/mlflow-artifacts/mpu/create/ExperimentRun/dcid.{run}{path.rpartition('/')[0]}"
        status, _, answer = owner.ask("POST", upload, {"path": path.rpartition("/")[2], "num_parts": 1})
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_STATE"), path
    assert owner.ask("GET", f"{folder}/model/MLmodel")[2] == b"flavors: {}\n"
    assert owner.ask("PUT", f"{folder}/other.txt", b"again")[0] == owner.ask("PUT", f"{folder}/models", b"")[0] == 200
    assert owner.ask("DELETE", f"{folder}/other.txt")[0] == owner.ask("DELETE", f"{folder}/model2")[0] == 200
    now, id_ = now_ms(), sequence()
    with db.write() as connection:
        experiment = experiments.ensure(db, connection, "default", "trial")
        job = JobRecord(id=id_, workspace="default", name="user", type="command", status=Status.RUNNING, root_id=id_,
                        experiment_id=experiment.id, spec={}, created_at=now, changed_at=now)  # fmt: skip
        jobs.insert(connection, [job], Status.RUNNING)
        assets.add_edges(connection, "default", [Edge(id_, "input", "m", "model", "kept:1")])
    named = {"name": "kept", "version": "1"}
    for method, path, body in (
        ("DELETE", "model-versions/delete", named),
        ("DELETE", "registered-models/delete", {"name": "kept"}),
        ("POST", "registered-models/rename", {"name": "kept", "new_name": "moved"}),
    ):
        status, _, answer = owner.ask(method, f"/api/2.0/mlflow/{path}", body)
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_STATE"), path
    with db.write() as connection:
        connection.execute(update(job_table).where(job_table.c.id == id_).values(status=Status.COMPLETED))
    assert owner.ask("DELETE", "/api/2.0/mlflow/model-versions/delete", named)[0] == 200
    assert owner.ask("DELETE", f"{folder}/model")[0] == 200


def test_a_renamed_model_keeps_everything(owner: Client) -> None:
    run = owner.new_run()
    folder = f"/api/2.0/mlflow-artifacts/artifacts/ExperimentRun/dcid.{run}"
    assert owner.ask("PUT", f"{folder}/model/MLmodel", b"flavors: {}\n")[0] == 200
    tags = [{"key": "team", "value": "a"}]
    owner.call("registered-models/create", {"name": "old%", "tags": tags, "description": "said"})
    owner.call("registered-models/create", {"name": "old_"})
    for _ in range(2):
        owner.call("model-versions/create", {"name": "old%", "source": f"runs:/{run}/model"})
    assert owner.call("registered-models/alias", {"name": "old%", "alias": "best", "version": "1"})[0] == 200
    for wrong in ("old_", "", "a/b", ".."):
        status, answer = owner.call("registered-models/rename", {"name": "old%", "new_name": wrong})
        assert status == 400, wrong
        assert answer["error_code"] in (*WRONG, "RESOURCE_ALREADY_EXISTS")
    status, answer = owner.call("registered-models/rename", {"name": "old%", "new_name": "new ü"})
    model = answer["registered_model"]
    assert (status, model["name"], model["tags"], model["description"]) == (200, "new ü", tags, "said")
    assert model["aliases"] == [{"alias": "best", "version": "1"}]
    assert owner.get("registered-models/get?name=old%25")[0] == 404
    found = owner.get("model-versions/search?filter=name%3D'new%20%C3%BC'")[1]["model_versions"]
    assert [item["version"] for item in found] == ["2", "1"]
    assert found[0]["run_id"] == run
    copy = owner.call("model-versions/create", {"name": "old_", "source": "models:/new ü/1"})[1]["model_version"]
    assert (copy["name"], copy["version"]) == ("old_", "1")
    path = owner.get("model-versions/get-download-uri?name=old_&version=1")[1]["artifact_uri"]
    assert owner.ask("GET", f"/api/2.0/mlflow-artifacts/artifacts/{path.removeprefix('mlflow-artifacts:/')}/MLmodel")[2]
    with owner.door.context.db.read() as connection:
        assert len(assets.edges_at(connection, "default", "model", "new ü:1")) == 1


def test_the_data_sets_of_experiments(owner: Client) -> None:
    run = owner.new_run()
    uses = [{"dataset": {"name": "wine", "digest": f"d{n}", "source_type": "local", "source": "x"},
             "tags": [{"key": "mlflow.data.context", "value": use}]} for n, use in enumerate(("training", "test"))]  # fmt: skip
    assert owner.call("runs/log-inputs", {"run_id": run, "datasets": uses})[0] == 200
    status, answer = owner.call("experiments/search-datasets", {"experiment_ids": ["0"]})
    assert (status, answer["dataset_summaries"]) == (200, [
        {"experiment_id": "0", "name": "wine", "digest": "d0", "context": "training"},
        {"experiment_id": "0", "name": "wine", "digest": "d1", "context": "test"},
    ])  # fmt: skip
    for wrong in ([], ["x"], [str(n) for n in range(21)]):
        assert owner.call("experiments/search-datasets", {"experiment_ids": wrong})[0] == 400
    assert owner.call("experiments/search-datasets", {"experiment_ids": ["12345"]})[0] == 404


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
