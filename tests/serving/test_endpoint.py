"""An online endpoint from its file to its answers, as callers and owners see it."""

from __future__ import annotations

import http.client
import json

import pytest
from live_endpoints import ECHO, Place, until

from zaffre.base.errors import Conflict, InvalidRequest, NotFound, ZaffreError


def test_a_deployment_answers_and_tells_what_it_is(place: Place) -> None:
    place.endpoint("first")
    made = place.deploy("first", "blue", environment_variables={"BY": "blue"})
    assert made.provisioning_state == "Succeeded"
    status, answer, headers = place.post("first", {"x": [1, 2.5, None, "ü"]})
    assert (status, answer) == (200, {"asked": {"x": [1, 2.5, None, "ü"]}, "by": "blue"})
    assert headers["azureml-model-deployment"] == "blue"
    assert headers["x-request-id"]
    assert place.post("first", {}, x_request_id="abc-1")[2]["x-request-id"] == "abc-1"
    assert "init() is complete" in place.ws.online_deployments.get_logs("blue", "first")
    assert place.ws.online_endpoints.get("first").traffic == {"blue": 100}
    assert json.loads(place.ws.online_endpoints.invoke("first", {"x": 1}))["asked"] == {"x": 1}


def test_traffic_is_shared_named_and_mirrored(place: Place) -> None:
    place.endpoint("shared")
    place.deploy("shared", "blue", environment_variables={"BY": "blue"})
    place.deploy("shared", "green", all_traffic=False, environment_variables={"BY": "green"})
    assert {place.post("shared", {})[1]["by"] for _ in range(20)} == {"blue"}
    assert place.post("shared", {}, azureml_model_deployment="green")[1]["by"] == "green"
    assert place.post("shared", {}, azureml_model_deployment="red")[0] == 404
    place.ws.online_endpoints.update("shared", {"traffic": {"blue": 75, "green": 25}})
    until(lambda: "green" in {place.post("shared", {})[1]["by"] for _ in range(4)})
    by = [place.post("shared", {})[1]["by"] for _ in range(100)]
    assert by.count("green") == 25
    place.ws.online_endpoints.update("shared", {"traffic": {"blue": 100}, "mirror_traffic": {"green": 50}})
    until(lambda: {place.post("shared", {})[1]["by"] for _ in range(8)} == {"blue"})
    until(lambda: "mirrored" in metrics(place, "shared") and mirrored(place, "shared", "green") > 0)
    with pytest.raises(InvalidRequest, match="add"):
        place.ws.online_endpoints.update("shared", {"traffic": {"blue": 50, "green": 20}})
    with pytest.raises(InvalidRequest, match="no deployment red"):
        place.ws.online_endpoints.update("shared", {"traffic": {"red": 100}})
    with pytest.raises(Conflict, match="100 percent"):
        place.ws.online_deployments.delete("blue", "shared")


def metrics(place: Place, endpoint: str) -> str:
    connection = http.client.HTTPConnection(*place.address(endpoint))
    headers = {"Authorization": f"Bearer {place.keys[endpoint]}"}
    connection.request("GET", f"/endpoints/default/{endpoint}/metrics", headers=headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def mirrored(place: Place, endpoint: str, deployment: str) -> int:
    place.post(endpoint, {})
    lines = [line for line in metrics(place, endpoint).splitlines() if "mirrored_total{" in line and deployment in line]
    return int(lines[0].rpartition(" ")[2])


def test_metrics_count_requests_by_deployment(place: Place) -> None:
    place.endpoint("counted")
    place.deploy("counted", "blue")
    for _ in range(3):
        place.post("counted", {})
    place.post("counted", {"raise": 1})
    text = metrics(place, "counted")
    labels = 'workspace="default",endpoint="counted",deployment="blue"'
    assert f'zaffre_requests_total{{{labels},code="200"}} 3' in text
    assert f"zaffre_request_errors_total{{{labels}}} 1" in text
    assert f"zaffre_request_duration_seconds_count{{{labels}}} 4" in text


def test_an_update_comes_up_beside_what_serves_and_can_be_taken_back(place: Place) -> None:
    place.endpoint("updated")
    place.deploy("updated", "blue", environment_variables={"BY": "old"})
    view = place.ws.online_deployments.update("blue", "updated", {"environment_variables": {"BY": "new"}})
    assert view.revision == 2
    assert place.post("updated", {})[1]["by"] == "new"
    place.ws.online_endpoints.rollback("updated")
    until(lambda: place.post("updated", {})[1]["by"] == "old")
    assert next(iter(place.ws.online_endpoints.history("updated"))).verb == "rollback"
    view = place.ws.online_deployments.update("blue", "updated", {"instance_count": 2})
    assert view.instance_count == 2
    assert view.workers == 2


def test_a_deployment_that_cannot_start_says_why_and_leaves_what_serves(place: Place) -> None:
    place.endpoint("failing")
    place.deploy("failing", "blue")
    for text, words in (
        (
            "def init():\n    raise RuntimeError('no weights')\ndef run(x): return x",
            "init\\(\\) failed: RuntimeError: no weights",
        ),
        ("import nothing_like_it", "could not be imported.*nothing_like_it"),
        ("def run(x): return x", "no functions init"),
        ("import os\ndef init(): os._exit(7)\ndef run(x): return x", "status 7"),
    ):
        with pytest.raises(Conflict, match=words):
            place.deploy("failing", "blue", text)
        assert place.post("failing", {"x": 1})[0] == 200
    probe = {"period": 1, "failure_threshold": 1}
    hang = "import time\ndef init(): time.sleep(600)\ndef run(x): return x"
    with pytest.raises(Conflict, match="did not return within 1 s"):
        place.deploy("failing", "green", hang, all_traffic=False, startup_probe=probe)
    with pytest.raises(InvalidRequest, match="neither MLflow nor ONNX"):
        place.ws.online_deployments.create_or_update({"name": "green", "endpoint_name": "failing"})
    with pytest.raises(NotFound):
        place.ws.online_deployments.create_or_update(
            {"name": "green", "endpoint_name": "failing", "model": "azureml:nothing:1"}
        )


def test_rel_18_from_zero_the_first_request_is_held_and_answered(place: Place) -> None:
    place.endpoint("zero")
    scale = {"type": "target_utilization", "min_instances": 0, "max_instances": 1, "polling_interval": 1}
    place.deploy("zero", "blue", scale_settings=scale)
    assert place.post("zero", {"x": 1})[0] == 200
    until(lambda: 'deployment="blue"} 0' in workers(place, "zero"), 40)
    assert place.post("zero", {"x": 1})[0] == 200
    assert 'deployment="blue"} 1' in workers(place, "zero")


def workers(place: Place, endpoint: str) -> str:
    return next(line for line in metrics(place, endpoint).splitlines() if line.startswith("zaffre_workers{"))


def test_a_stopped_endpoint_refuses_and_starts_again(place: Place) -> None:
    place.endpoint("stopped")
    place.deploy("stopped", "blue")
    place.ws.online_endpoints.stop("stopped")
    until(lambda: place.post("stopped", {})[0] == 503)
    place.ws.online_endpoints.start("stopped")
    until(lambda: place.post("stopped", {})[0] == 200)


def test_keys_rotate_one_at_a_time_and_tokens_end(place: Place) -> None:
    place.endpoint("keyed")
    place.deploy("keyed", "blue")
    old = place.ws.online_endpoints.get_keys("keyed")
    new = place.ws.online_endpoints.regenerate_keys("keyed", "primary")
    assert new.primaryKey != old.primaryKey
    assert new.secondaryKey == old.secondaryKey
    until(lambda: place.post("keyed", {})[0] == 401)
    place.keys["keyed"] = str(old.secondaryKey)
    assert place.post("keyed", {})[0] == 200
    place.endpoint("tokened", auth_mode="aml_token")
    place.deploy("tokened", "blue")
    assert place.post("tokened", {})[0] == 200
    place.keys["tokened"] = place.keys["tokened"][:-2] + "AA"
    assert place.post("tokened", {})[0] == 401
    with pytest.raises(ZaffreError, match="opened by tokens"):
        place.ws.online_endpoints.regenerate_keys("tokened")


RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    if request.method == "GET":
        return AMLResponse("query " + request.args["q"], 200, {"content-type": "text/plain"})
    return AMLResponse(request.get_data()[::-1], 201, {"content-type": "application/octet-stream", "x-own": "1"})
"""


def test_a_raw_script_sees_the_request_and_answers_bytes(place: Place) -> None:
    place.endpoint("raw")
    place.deploy("raw", "blue", RAW)
    connection = http.client.HTTPConnection(*place.address("raw"))
    headers = {"Authorization": f"Bearer {place.keys['raw']}", "Content-Type": "image/png"}
    connection.request("POST", "/endpoints/default/raw/score", b"\x00\xff\x01", headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["x-own"], answer.read()) == (201, "1", b"\x01\xff\x00")
    connection.request("GET", "/endpoints/default/raw/score?q=7", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"query 7")
    connection.close()


def test_several_requests_at_once_where_the_deployment_allows_it(place: Place) -> None:
    import threading
    import time

    place.endpoint("many")
    place.deploy("many", "blue", ECHO, request_settings={"max_concurrent_requests_per_instance": 8})
    began = time.monotonic()
    threads = [threading.Thread(target=place.post, args=("many", {"sleep": 0.5})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 3
