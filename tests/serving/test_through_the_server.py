"""What the pages of the server ask about an endpoint: its answers, its schema, its figures, its models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from live_endpoints import Place, until

from zaffre.base.errors import Forbidden, NotFound
from zaffre.core.permissions import Permission, Principal, Role
from zaffre.wire import online


def call(place: Place, operation: Any, **fields: Any) -> Any:
    return place.ws.online_endpoints._transport.call(operation, operation.request(workspace="default", **fields))


def test_the_server_asks_with_the_key_of_the_endpoint(place: Place) -> None:
    place.endpoint("asked")
    place.deploy("asked", "blue", environment_variables={"BY": "blue"})
    place.deploy("asked", "green", all_traffic=False, environment_variables={"BY": "green"})
    told = call(place, online.INVOKE, name="asked", body={"x": [1, None, "ü"]})
    assert (told.status, json.loads(told.text)["asked"]) == (200, {"x": [1, None, "ü"]})
    assert told.deployment == "blue"
    assert told.request_id
    assert told.latency_ms > 0
    assert call(place, online.INVOKE, name="asked", body={}, deployment_name="green").deployment == "green"
    failed = call(place, online.INVOKE, name="asked", body={"raise": True})
    assert failed.status == 500, "an answer, not an error of the server"
    assert "secret path" not in failed.text
    assert call(place, online.INVOKE, name="asked", body={}, deployment_name="red").status == 404
    assert call(place, online.INVOKE, name="asked", body={}, deployment_name="a\r\nx: y").status == 404
    with pytest.raises(NotFound):
        call(place, online.INVOKE, name="nobody", body={})
    assert call(place, online.SCHEMA, name="asked").input["type"] == "object"


def test_tokens_open_it_too(place: Place) -> None:
    place.endpoint("tokened", auth_mode="aml_token")
    place.deploy("tokened", "blue")
    assert call(place, online.INVOKE, name="tokened", body=[1]).status == 200


def test_figures_of_the_last_minutes(place: Place) -> None:
    place.endpoint("counted")
    place.deploy("counted", "blue")
    assert call(place, online.METRICS, name="counted").name == "counted"
    until(lambda: call(place, online.METRICS, name="counted").items)
    for at in range(20):
        call(place, online.INVOKE, name="counted", body={"raise": True} if at % 5 == 4 else {})
    until(lambda: call(place, online.METRICS, name="counted").items[0].requests >= 20)
    (blue,) = call(place, online.METRICS, name="counted", seconds=60, points=30).items
    assert (blue.deployment, blue.requests, blue.failed, blue.rejected, blue.workers) == ("blue", 20, 4, 0, 1)
    assert 0 < blue.p50_ms <= blue.p95_ms <= blue.p99_ms
    until(lambda: sum(n or 0 for n in call(place, online.METRICS, name="counted").items[0].per_s) > 0)


def test_a_job_may_not_ask() -> None:
    assert not Principal("job", Role.JOB, "default").may(online.INVOKE.permission, "default")
    assert online.INVOKE.permission is Permission.ENDPOINTS_INVOKE
    assert Forbidden.status == 403
