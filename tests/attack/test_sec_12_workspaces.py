"""SEC-12: what belongs to one workspace is not there for a job of another, under any id, in any route."""

from __future__ import annotations

import pytest
from attacked_server import Server
from test_sec_09_routes import REST, STREAMS, filled

from zaffre.mlflow.routes import table


@pytest.fixture(scope="module")
def theirs(server: Server) -> dict[str, str]:
    """A run with an artifact, a model, data and an experiment in a workspace of somebody else."""
    assert server.call("POST", "/api/workspaces", {"spec": {"name": "theirs"}}).status_code == 200
    job = server.submit(
        "echo CANARY | tee outputs/secret.txt > ${{outputs.o}}/x; echo CANARY",
        "theirs",
        outputs={"o": {"type": "custom_model", "name": "theirmodel"}},
        experiment_name="theirexperiment",
    )
    assert server.ended(job, "theirs")["status"] == "Completed"
    spec = {"name": "theirdata", "path": f"azureml://jobs/{job}/outputs/o"}
    assert server.api("POST", "/data", {"spec": spec}, workspace="theirs").status_code == 200
    found = server.mlflow("GET", "mlflow/experiments/get-by-name?experiment_name=theirexperiment", workspace="theirs")
    experiment = found.json()["experiment"]["experiment_id"]
    trace = {
        "trace_id": "tr-theirs", "request_time": "2026-01-02T03:04:05Z", "tags": {"k": "CANARY"},
        "trace_location": {"mlflow_experiment": {"experiment_id": experiment}}, "request_preview": "CANARY",
        "trace_metadata": {"mlflow.sourceRun": job},
        "assessments": [{"assessment_id": "a-theirs", "assessment_name": "x", "feedback": {"value": "CANARY"}}],
    }  # fmt: skip
    answer = server.mlflow("POST", "mlflow/traces", {"trace": {"trace_info": trace}}, workspace="theirs")
    assert answer.status_code == 200, answer.text
    return {"job": job, "experiment": experiment}


def test_sec_12_every_route_of_the_other_workspace(server: Server, theirs: dict[str, str]) -> None:
    _, token = server.living_job()
    for method, path, _ in REST:
        if "{workspace}" in path:
            for name in (theirs["job"], "theirmodel"):
                assert server.call(method, filled(path, "theirs", name), {}, token).status_code == 403, (method, path)
    for method, path, _ in table():
        answer = server.call(method, filled("/mlflow/theirs" + path, "", theirs["job"]), {}, token)
        assert answer.status_code == 403, (method, path)


def test_sec_12_their_ids_in_our_workspace(server: Server, theirs: dict[str, str]) -> None:
    """For the owner too: an id belongs to its workspace, not to whoever knows it."""
    job = theirs["job"]
    for token in (server.living_job()[1], ""):
        for method, path, _ in REST:
            if "{name}" in path and path not in STREAMS:
                for name in (job, "theirmodel", "theirdata"):
                    answer = server.call(method, filled(path, "default", name), {} if method != "GET" else None, token)
                    assert answer.status_code in (400, 403, 404), (method, path, answer.text)
        ids = {
            "run_id": job,
            "run_uuid": job,
            "experiment_id": theirs["experiment"],
            "name": "theirmodel",
            "version": "1",
            "experiment_ids": [theirs["experiment"]],
            "key": "k",
            "value": "v",
            "alias": "a",
            "stage": "Production",
            "timestamp": 1,
            "metric_key": "m",
            "run_ids": [job],
        }
        for method, path, _ in table():
            for place in (job, f"ExperimentRun/dcid.{job}/outputs/secret.txt", "ModelVersion/theirmodel/1/x"):
                url = "/mlflow/default" + path.replace("{path}", place)
                url = filled(url, "", place.partition("/")[0])
                many = {key: value for key, value in ids.items() if not isinstance(value, list)}
                if "experiments/create" in path or "registered-models/create" in path:
                    continue
                if method == "GET":
                    answer = server.call("GET", url, token=token, params=many)
                else:
                    answer = server.call(method, url, ids, token)
                assert "CANARY" not in answer.text
                assert answer.status_code >= 400 or job not in answer.text, (method, path)
    assert server.status(job, "theirs") == "Completed"


def test_sec_12_their_traces(server: Server, theirs: dict[str, str]) -> None:
    place = {"mlflow_experiment": {"experiment_id": theirs["experiment"]}}
    for token in (server.living_job()[1], ""):
        for method, path, body in (
            ("GET", "traces/tr-theirs", None),
            ("GET", "traces/tr-theirs/info", None),
            ("GET", "traces/get?trace_id=tr-theirs", None),
            ("PATCH", "traces/tr-theirs", {"timestamp_ms": 1, "status": "OK"}),
            ("PATCH", "traces/tr-theirs/tags", {"key": "k", "value": "v"}),
            ("DELETE", "traces/tr-theirs/tags", {"key": "k"}),
            ("POST", "traces/tr-theirs/assessments", {"assessment": {"assessment_name": "x", "feedback": {}}}),
            ("GET", "traces/tr-theirs/assessments/a-theirs", None),
            ("PATCH", "traces/tr-theirs/assessments/a-theirs", {"assessment": {}, "update_mask": "rationale"}),
            ("DELETE", "traces/tr-theirs/assessments/a-theirs", {}),
            ("POST", "traces/link-to-run", {"trace_ids": ["tr-theirs"], "run_id": server.living_job()[0]}),
            ("POST", "traces/link-to-run", {"trace_ids": [], "run_id": theirs["job"]}),
            ("POST", "traces/delete-traces", {"experiment_id": theirs["experiment"], "request_ids": ["tr-theirs"]}),
        ):
            answer = server.mlflow(method, f"mlflow/{path}", body, token)
            assert (answer.status_code, "CANARY" in answer.text) == (404, False), (method, path, answer.text)
        for path, body in (
            ("traces/search", {"locations": [place]}),
            ("traces/search", {"locations": [place], "filter": f"run_id = '{theirs['job']}'"}),
            ("traces/batchGetInfos", {"trace_ids": ["tr-theirs"]}),
        ):
            answer = server.mlflow("POST", f"mlflow/{path}", body, token)
            assert (answer.status_code, "theirs" in answer.text) == (200, False), (path, answer.text)
        headers = {"x-mlflow-experiment-id": theirs["experiment"], "content-type": "application/json"}
        answer = server.call("POST", "/mlflow/default/v1/traces", {"resourceSpans": []}, token, headers=headers)
        assert answer.status_code == 404
        path = "mlflow-artifacts/artifacts/Trace/tr-theirs/traces.json"
        assert server.mlflow("GET", path, None, token).status_code == 404
    kept = server.mlflow("GET", "mlflow/traces/tr-theirs", workspace="theirs").json()["trace"]["trace_info"]
    assert (kept["tags"]["k"], len(kept["assessments"])) == ("CANARY", 1)


def test_sec_12_their_uploads(server: Server, theirs: dict[str, str]) -> None:
    """Who knows the id of an upload in another workspace can neither add to it nor end it."""
    folder = f"ExperimentRun/dcid.{theirs['job']}"
    body = {"path": "x", "num_parts": 1}
    made = server.mlflow("POST", f"mlflow-artifacts/mpu/create/{folder}", body, workspace="theirs").json()
    upload = made["upload_id"]
    for token in (server.living_job()[1], ""):
        for method, path, sent in (
            ("PUT", f"parts/{upload}/1", {"evil": 1}),
            ("GET", f"parts/{upload}", None),
            ("POST", f"complete/{folder}", {"path": "x", "upload_id": upload, "parts": []}),
            ("POST", f"abort/{folder}", {"path": "x", "upload_id": upload}),
        ):
            answer = server.mlflow(method, f"mlflow-artifacts/mpu/{path}", sent, token)
            assert answer.status_code == 404, (method, path, answer.text)
    assert server.mlflow("GET", f"mlflow-artifacts/mpu/parts/{upload}", workspace="theirs").json()["parts"] == []


def test_sec_12_their_things_as_our_inputs(server: Server, theirs: dict[str, str]) -> None:
    for path in ("azureml:theirdata:1", "azureml:theirmodel@latest", f"azureml://jobs/{theirs['job']}/outputs/o"):
        spec = {
            "type": "command",
            "command": "cat ${{inputs.x}}/x",
            "environment": "azureml:python@latest",
            "inputs": {"x": {"type": "uri_folder", "path": path}},
        }
        assert server.api("POST", "/jobs", {"spec": spec}).status_code == 404, path


def test_sec_12_counts_and_searches(server: Server, theirs: dict[str, str]) -> None:
    _, token = server.living_job()
    for path in ("/jobs", "/data", "/models", "/jobs?tag=x", "/data?name=theirdata", "/environments"):
        assert "their" not in server.api("GET", path, token=token).text, path
    for path in ("runs", "experiments", "registered-models", "model-versions"):
        method = "POST" if path in ("runs", "experiments") else "GET"
        answer = server.mlflow(
            method,
            f"mlflow/{path}/search",
            {"max_results": 1000, "experiment_ids": [theirs["experiment"]]} if method == "POST" else None,
            token,
        )
        assert "their" not in answer.text
        assert theirs["job"] not in answer.text


def test_sec_12_steps_are_not_reused_across_workspaces(server: Server, theirs: dict[str, str]) -> None:
    step = {
        "type": "command",
        "command": "echo same > ${{outputs.o}}/x",
        "environment": "azureml:python@latest",
        "outputs": {"o": {"type": "uri_folder"}},
    }
    spec = {"spec": {"type": "pipeline", "jobs": {"one": step}}}
    for workspace in ("theirs", "default"):
        made = server.api("POST", "/jobs", spec, workspace=workspace).json()["name"]
        server.ended(made, workspace)
        below = server.api("GET", f"/jobs?parent_job_name={made}", workspace=workspace).json()["items"]
        assert [item.get("reused_from") for item in below] == [None]
