"""Traces under raw requests: OpenTelemetry without MLflow, retries, wrong values, hostile bodies."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from raw_client import Client

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PROTOBUF = "application/x-protobuf"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECOND = 1_000_000_000


@pytest.fixture
def owner(door: Any) -> Client:
    return Client(door)


def request(*spans: tuple[str, str, str], trace: str = TRACE, **attributes: str) -> bytes:
    """Spans (id, parent, name), one second each, as OpenTelemetry's exporters send them."""
    body = ExportTraceServiceRequest()
    scope = body.resource_spans.add().scope_spans.add()
    for number, (span, parent, name) in enumerate(spans):
        made = scope.spans.add(
            trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(span), parent_span_id=bytes.fromhex(parent), name=name,
            start_time_unix_nano=(1000 + number) * SECOND, end_time_unix_nano=(1001 + number) * SECOND,
        )  # fmt: skip
        for key, value in attributes.items():
            made.attributes.add(key=key.replace("__", ".")).value.string_value = value
    return body.SerializeToString()


def send(owner: Client, body: bytes, kind: str = PROTOBUF, experiment: str = "0", **headers: str) -> tuple[int, bytes]:
    named = {"X-MLflow-Experiment-Id": experiment} if experiment else {}
    status, _, answer = owner.ask("POST", "/v1/traces", body, **{"Content-Type": kind, **named, **headers})
    return status, answer


def read(owner: Client, trace: str = f"tr-{TRACE}") -> dict[str, Any]:
    status, answer = owner.get(f"traces/get?trace_id={trace}")
    assert status == 200, answer
    return dict(answer["trace"])


ROOT, CHILD = ("00f067aa0ba902b7", "", "question"), ("00f067aa0ba902b8", "00f067aa0ba902b7", "look up")


def test_plain_opentelemetry_makes_a_trace(owner: Client) -> None:
    run = owner.new_run()
    named = {"X-MLflow-Run-Id": run}
    assert send(owner, request(CHILD), **named) == (200, b"")
    assert read(owner)["trace_info"]["state"] == "IN_PROGRESS"
    body = request(ROOT, mlflow__spanInputs='{"q": 1}', mlflow__traceTag__team="a", mlflow__spanType="AGENT")
    for _ in range(2):  # the answer was lost: it is sent again
        assert send(owner, gzip.compress(body), **{"Content-Encoding": "gzip", **named}) == (200, b"")
    found = read(owner)
    info = found["trace_info"]
    assert (info["state"], info["request_time"], info["execution_duration"]) == (
        "OK", "1970-01-01T00:16:40.000Z", "1.000s"
    )  # fmt: skip
    assert info["tags"]["mlflow.traceName"] == "question"
    assert info["tags"]["team"] == "a"
    assert info["request_preview"] == '{"q": 1}'
    assert [span["name"] for span in found["spans"]] == ["question", "look up"]
    assert owner.traces(f"run_id = '{run}' AND span.type = 'AGENT' AND name LIKE 'quest%'") == [f"tr-{TRACE}"]
    assert owner.traces("span.attributes.mlflow.spanType = 'AGENT' AND span.content LIKE '%\"q%'") == [f"tr-{TRACE}"]
    assert owner.traces("span.attributes.mlflow.spanType = 'TOOL'") == []


@on_sqlite
def test_json_is_taken_too(owner: Client) -> None:
    span = {
        "traceId": TRACE, "spanId": ROOT[0], "name": "ü", "startTimeUnixNano": "5000000000", "endTimeUnixNano": "6",
        "status": {"code": 2}, "attributes": [{"key": "n", "value": {"intValue": "7"}}], "unknown": 1,
    }  # fmt: skip
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert send(owner, body, "application/json; charset=utf-8") == (200, b"{}")
    found = read(owner)
    assert found["trace_info"]["state"] == "ERROR"
    assert found["spans"][0]["attributes"] == [{"key": "n", "value": {"int_value": "7"}}]
    assert send(owner, b"{}", "application/json") == (200, b"{}"), "nothing is fine"


@on_sqlite
def test_wrong_spans_are_refused_as_a_whole(owner: Client) -> None:
    good = request(ROOT)
    short = ExportTraceServiceRequest.FromString(good)
    short.resource_spans[0].scope_spans[0].spans.add(trace_id=b"x", span_id=b"y", name="short")
    nul = request(ROOT, ("00f067aa0ba902b9", "", "a\0b"))
    late = ExportTraceServiceRequest.FromString(good)
    late.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano = 2**64 - 1
    bad = {
        "cut off": (good[:-5], PROTOBUF, {}),
        "noise": (b"\xff" * 50, PROTOBUF, {}),
        "an id too short": (short.SerializeToString(), PROTOBUF, {}),
        "a NUL": (nul, PROTOBUF, {}),
        "beyond the calendar": (late.SerializeToString(), PROTOBUF, {}),
        "another kind": (good, "text/plain", {}),
        "no kind": (good, "", {}),
        "no JSON": (b"{", "application/json", {}),
        "a list": (b"[1]", "application/json", {}),
        "no hexadecimal": (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}', "application/json", {}),
        "other JSON": (b'{"resourceSpans":[5]}', "application/json", {}),
        "no gzip": (good, PROTOBUF, {"Content-Encoding": "gzip"}),
        "gzip cut off": (gzip.compress(good)[:-9], PROTOBUF, {"Content-Encoding": "gzip"}),
        "another encoding": (good, PROTOBUF, {"Content-Encoding": "br"}),
        "no deflate": (good, PROTOBUF, {"Content-Encoding": "deflate"}),
    }  # fmt: skip
    for name, (body, kind, headers) in bad.items():
        status, answer = send(owner, body, kind, **headers)
        assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (name, answer)
    assert send(owner, good, experiment="")[0] == 400
    assert send(owner, good, experiment="x")[0] == 400
    assert send(owner, good, experiment="12345")[0] == 404
    assert send(owner, good, **{"X-MLflow-Run-Id": "nobody"})[0] == 404
    assert owner.traces() == []
    assert send(owner, zlib.compress(good), **{"Content-Encoding": "deflate"}) == (200, b"")
    assert owner.traces() == [f"tr-{TRACE}"]


@on_sqlite
def test_what_expands_without_end_is_refused_before_it_is_held(owner: Client) -> None:
    for encoding, bomb in (("gzip", gzip.compress(b"\0" * 2**28, 9)), ("deflate", zlib.compress(b"\0" * 2**28, 9))):
        started = time.process_time()
        status, answer = send(owner, bomb, **{"Content-Encoding": encoding})
        assert (status, json.loads(answer)["error_code"]) == (413, "INVALID_PARAMETER_VALUE")
        assert time.process_time() - started < 5
    deep = b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert send(owner, deep, "application/json")[0] == 400
    nested = b""
    for _ in range(5000):  # a list in a list in a list, as protocol buffer
        nested = (
            b"\x2a" + _varint(len(nested) + 1 + len(_varint(len(nested)))) + b"\x0a" + _varint(len(nested)) + nested
        )
    attribute = b"\x0a\x01k\x12" + _varint(len(nested)) + nested
    span = b"\x4a" + _varint(len(attribute)) + attribute
    for tag in (b"\x12", b"\x12", b"\x0a"):
        span = tag + _varint(len(span)) + span
    assert send(owner, span)[0] == 400
    assert owner.traces() == []


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


@on_sqlite
@pytest.mark.parametrize(
    "info",
    [
        {"trace_id": "../x"}, {"trace_id": "a/b"}, {"trace_id": ".."}, {"trace_id": ""}, {"trace_id": "x" * 101},
        {"trace_id": 5}, {"request_time": "soon"}, {"request_time": "0001-01-01T00:00:00Z"}, {"request_time": 5},
        {"execution_duration": "-1s"}, {"execution_duration": "1"}, {"execution_duration": "9" * 30 + "s"},
        {"state": "FINE"}, {"tags": {"k": "v" * 8001}}, {"tags": {"k" * 251: "v"}}, {"tags": {"": "v"}},
        {"tags": {"k": 1}}, {"tags": ["k"]}, {"tags": {"k": "a\0b"}}, {"trace_metadata": {f"k{n}": "" for n in range(1001)}},
        {"trace_location": {"uc_schema": {}}}, {"trace_location": {"mlflow_experiment": {"experiment_id": "x"}}},
        {"client_request_id": "x" * 251}, {"assessments": [{}]}, {"assessments": [{"assessment_name": "n"}]},
        {"assessments": "x"}, {"request_preview": 5}, {"trace_metadata": {"mlflow.sourceRun": "x" * 256}},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_description_is_refused(owner: Client, info: dict[str, Any]) -> None:
    good = {
        "trace_id": "tr-1", "request_time": "2026-01-02T03:04:05Z", "state": "OK",
        "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
    }  # fmt: skip
    status, answer = owner.call("traces", {"trace": {"trace_info": {**good, **info}}})
    assert (status, answer.get("error_code")) == (400, "INVALID_PARAMETER_VALUE")
    assert owner.traces() == []
    for body in ({"trace": 5}, {"trace": {}}, {"trace": {"trace_info": []}}):
        assert owner.call("traces", body)[0] == 400


def test_told_twice_and_in_any_order_it_is_one_trace(owner: Client) -> None:
    """Spans and description come by two requests, which may overtake each other."""
    trace = f"tr-{TRACE}"
    said = {"trace_id": "", "assessment_id": "a-1", "assessment_name": "good", "feedback": {"value": True}}

    def tell() -> None:
        owner.new_trace(trace, tags={"mlflow.traceName": "told", "k": "v"}, assessments=[said])

    work = [tell, lambda: send(owner, request(ROOT)), tell, lambda: send(owner, request(ROOT, CHILD))]
    threads = [threading.Thread(target=call) for call in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(owner)
    info = found["trace_info"]
    assert (info["request_time"], info["execution_duration"]) == ("2026-01-02T03:04:05.678Z", "1.500s")
    assert info["tags"]["mlflow.traceName"] == "told"
    assert info["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert [item["trace_id"] for item in info["assessments"]] == [trace]
    assert len(found["spans"]) == 2
    other = owner.call("experiments/create", {"name": "other"})[1]["experiment_id"]
    place = {"mlflow_experiment": {"experiment_id": other}}
    body = {"trace_id": trace, "request_time": "2026-01-02T03:04:05Z", "trace_location": place}
    assert owner.call("traces", {"trace": {"trace_info": body}})[1]["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert send(owner, request(ROOT), experiment=other)[0] == 400


def test_pages_order_and_deletion(owner: Client) -> None:
    names = [owner.new_trace(f"tr-{n}", request_time=f"2026-01-02T03:04:0{n}Z", execution_duration=f"{9 - n}s")
             for n in range(5)]  # fmt: skip
    place = {"mlflow_experiment": {"experiment_id": "0"}}

    def page(**more: Any) -> tuple[list[str], str | None]:
        status, answer = owner.call("traces/search", {"locations": [place], **more})
        assert status == 200, answer
        return [item["trace_id"] for item in answer["traces"]], answer.get("next_page_token")

    assert page()[0] == names[::-1]
    assert page(order_by=["execution_time_ms ASC"])[0] == names[::-1]
    assert page(order_by=["attributes.timestamp_ms"])[0] == names
    first, token = page(max_results=3)
    rest, end = page(max_results=3, page_token=token)
    assert (first + rest, end) == (names[::-1], None)
    assert page(filter="timestamp_ms >= 1767323043000 AND execution_time_ms < 6000")[0] == ["tr-4"]
    assert page(filter="trace_id IN ('tr-1', 'tr-2') AND status = 'OK'")[0] == ["tr-2", "tr-1"]
    for wrong in ({"max_timestamp_millis": 5, "request_ids": ["x"]}, {}, {"request_ids": ["x"], "max_traces": 1},
                  {"max_timestamp_millis": 5, "max_traces": 0}):  # fmt: skip
        assert owner.call("traces/delete-traces", {"experiment_id": "0", **wrong})[0] == 400
    path = "/api/2.0/mlflow-artifacts/artifacts/Trace/tr-0/traces.json"
    assert owner.ask("PUT", path, b'{"spans": []}')[0] == 200
    oldest = {"experiment_id": "0", "max_timestamp_millis": 2**53, "max_traces": 2}
    assert owner.call("traces/delete-traces", oldest) == (200, {"traces_deleted": 2})
    assert page()[0] == names[:1:-1]
    assert owner.ask("GET", path)[0] == 404
    assert owner.call("traces/delete-traces", {"experiment_id": "0", "request_ids": names})[1] == {"traces_deleted": 3}
    assert owner.get("traces/tr-4")[1]["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_feedback_is_checked_and_overridden(owner: Client) -> None:
    trace = owner.new_trace()

    def assess(**given: Any) -> tuple[int, dict[str, Any]]:
        return owner.call(f"traces/{trace}/assessments", {"assessment": {"assessment_name": "good", **given}})

    for wrong in ({}, {"feedback": 5}, {"feedback": {"value": 1}, "expectation": {"value": 1}}, {"assessment_name": ""},
                  {"feedback": {"value": "x" * 2**20}}, {"feedback": {"value": 1}, "assessment_id": 5}):  # fmt: skip
        status, answer = assess(**wrong)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), wrong
    assert assess(feedback={"value": 1}, overrides="a-nothing")[0] == 404
    first = assess(feedback={"value": 0.25})[1]["assessment"]["assessment_id"]
    second = assess(feedback={"value": 0.75}, overrides=first)[1]["assessment"]
    assert second["valid"] is True
    assert owner.get(f"traces/{trace}/assessments/{first}")[1]["assessment"]["valid"] is False
    for text, expected in (("feedback.good > 0.5", 1), ("feedback.good > 0.8", 0), ("feedback.good = 0.75", 1),
                           ("feedback.good IS NULL", 0), ("feedback.bad IS NULL", 1), ("expectation.good = 0.75", 0),
                           ("feedback.good LIKE '0.%'", 1)):  # fmt: skip
        assert len(owner.traces(text)) == expected, text
    place = f"/api/3.0/mlflow/traces/{trace}/assessments/{first}"
    for mask in ("expectation", "traceId", "assessmentId", "__class__"):
        body = {"assessment": {"expectation": {"value": 1}}, "update_mask": mask}
        assert owner.ask("PATCH", place, body)[0] == 400, mask
    status, _, answer = owner.ask("PATCH", place, {"assessment": {"rationale": "no"}, "update_mask": "rationale"})
    assert (status, json.loads(answer)["assessment"]["rationale"]) == (200, "no")
    assert owner.ask("DELETE", f"/api/3.0/mlflow/traces/{trace}/assessments/{second['assessment_id']}")[0] == 200
    assert owner.get(f"traces/{trace}/assessments/{first}")[1]["assessment"]["valid"] is True
    assert owner.get(f"traces/{trace}/assessments/nothing")[0] == 404


@on_sqlite
def test_sec_01_files_of_a_trace_stay_there(owner: Client) -> None:
    trace = owner.new_trace()
    for path in ("../x", "%2e%2e/x", "%252e%252e/x", "a/../../../x", "%2fetc/passwd"):
        for method in ("PUT", "GET", "DELETE"):
            status, _, _ = owner.ask(method, f"/api/2.0/mlflow-artifacts/artifacts/Trace/{trace}/{path}", b"x")
            assert status in (400, 404), (method, path)
    for name in ("nobody", "..", "%2e%2e"):
        assert owner.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/Trace/{name}/traces.json", b"x")[0] in (400, 404)


@on_sqlite
def test_sec_16_names_and_values_come_as_data(owner: Client) -> None:
    page = "<script>alert(1)</script><svg onload=alert(1)>"
    body = request((ROOT[0], "", page), mlflow__spanInputs=page, mlflow__traceTag__note=page)
    assert send(owner, body)[0] == 200
    for path in (f"/api/3.0/mlflow/traces/get?trace_id=tr-{TRACE}", f"/api/3.0/mlflow/traces/tr-{TRACE}",
                 f"/api/2.0/mlflow-artifacts/artifacts/Trace/tr-{TRACE}/traces.json",
                 "/api/3.0/mlflow/traces/%3Cscript%3E", "/%3Cscript%3E"):  # fmt: skip
        status, headers, _ = owner.ask("GET", path)
        assert headers["content-type"] == "application/json", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert status in (200, 404)
