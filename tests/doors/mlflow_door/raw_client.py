"""Requests as no client of MLflow would send them."""

from __future__ import annotations

import http.client
import json
import uuid
from typing import Any
from urllib.parse import urlsplit


class Client:
    def __init__(self, door: Any, token: str | None = "owner-token") -> None:
        self.place, self.token, self.door = urlsplit(door.url), token, door

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """The path is sent as it stands."""
        connection = http.client.HTTPConnection(self.place.hostname or "", self.place.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, self.place.path + path, data, {**sent, **headers})
        response = connection.getresponse()
        answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        connection.close()
        return answer

    def call(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        status, _, data = self.ask("POST", f"/api/2.0/mlflow/{path}", body)
        return status, json.loads(data)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        status, _, data = self.ask("GET", f"/api/2.0/mlflow/{path}")
        return status, json.loads(data)

    def new_run(self) -> str:
        status, answer = self.call("runs/create", {"experiment_id": "0", "start_time": 5})
        assert status == 200, answer
        return str(answer["run"]["info"]["run_id"])

    def new_trace(self, trace: str = "", **info: Any) -> str:
        """Tell of a trace, as clients do when it has ended."""
        body = {
            "trace_id": trace or f"tr-{uuid.uuid4().hex}", "request_time": "2026-01-02T03:04:05.678Z", "state": "OK",
            "trace_location": {"mlflow_experiment": {"experiment_id": "0"}}, "execution_duration": "1.500s", **info,
        }  # fmt: skip
        status, answer = self.call("traces", {"trace": {"trace_info": body}})
        assert status == 200, answer
        return str(answer["trace"]["trace_info"]["trace_id"])

    def traces(self, text: str = "") -> list[str]:
        place = {"mlflow_experiment": {"experiment_id": "0"}}
        status, answer = self.call("traces/search", {"locations": [place], "filter": text})
        assert status == 200, answer
        return [item["trace_id"] for item in answer["traces"]]
