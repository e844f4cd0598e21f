"""The data collector: what went in and out, as JSON lines in the datastore. It never makes an answer wait.

Scripts that use `azureml.ai.monitoring.Collector` post each collection to a sidecar on loopback (AZUREML_MDC_HOST,
AZUREML_MDC_PORT); this is that sidecar. Of models without a script, inputs and outputs are kept by themselves. One
thread writes; when it cannot keep up, records are dropped and counted in the log.
"""

from __future__ import annotations

import http.server
import json
import os
import queue
import random
import re
import sys
import threading
import time
import uuid
from typing import Any

WAITING = 4096  # records in memory
BODY_BYTES = 32 << 20
NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
ROLLING = {"minute": "%Y/%m/%d/%H/%M", "hour": "%Y/%m/%d/%H", "day": "%Y/%m/%d", "month": "%Y/%m", "year": "%Y"}


def start(settings: dict[str, Any] | None, deployment: dict[str, str]) -> Collector | None:
    """Sets the variables that the client library reads. None where nothing is collected."""
    if not settings:
        os.environ.setdefault("AZUREML_MDC_ENABLED", "false")
        return None
    collector = Collector(settings, deployment)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(collector))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ.update(
        AZUREML_MDC_ENABLED="true", AZUREML_MDC_HOST="127.0.0.1", AZUREML_MDC_PORT=str(server.server_address[1])
    )
    return collector


class Collector:
    def __init__(self, settings: dict[str, Any], deployment: dict[str, str]) -> None:
        self.folder = settings["folder"]
        self.collections = settings["collections"]  # name -> {"rate": 0..1}
        self.pattern = ROLLING.get(settings.get("rolling_rate") or "hour", ROLLING["hour"])
        self.source = "zaffre/{}/{}/{}".format(deployment["workspace"], deployment["endpoint"], deployment["name"])
        self.file = f"instance_{os.getpid()}_{uuid.uuid4().hex[:8]}.jsonl"
        self.waiting: queue.Queue[Any] = queue.Queue(WAITING)
        self.dropped = 0
        threading.Thread(target=self._write, daemon=True).start()

    def offer(self, asked: bytes, answered: bytes) -> None:
        """Input and output of a model without a script."""
        self._put(("pair", asked, answered, uuid.uuid4().hex, time.time()))

    def post(self, collection: str, headers: dict[str, str], body: bytes) -> None:
        self._put(("post", collection, headers, body, time.time()))

    def _put(self, item: Any) -> None:
        try:
            self.waiting.put_nowait(item)
        except queue.Full:
            self.dropped += 1

    def _write(self) -> None:
        while True:
            items = [self.waiting.get()]
            while len(items) < WAITING and not self.waiting.empty():
                items.append(self.waiting.get_nowait())
            try:
                self._store(items)
            except Exception as error:
                print(f"data collection failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if self.dropped:
                print(f"data collection: {self.dropped} records dropped, they came too fast", file=sys.stderr)
                self.dropped = 0
            time.sleep(0.05)  # gathers what comes now: one write for many records

    def _store(self, items: Any) -> None:
        lines: dict[str, list[bytes]] = {}
        for item in items:
            for path, line in self._lines(item):
                lines.setdefault(path, []).append(line)
        for path, some in lines.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "ab") as file:
                file.write(b"".join(some))

    def _lines(self, item: Any) -> Any:
        if item[0] == "pair":
            _, asked, answered, number, at = item
            for collection, body in (("model_inputs", asked), ("model_outputs", answered)):
                settings = self.collections.get(collection)
                if settings and _taken(settings, number):
                    yield self._line(collection, _value(body), number, at, {})
        else:
            _, collection, headers, body, at = item
            if collection in self.collections:
                number = headers.get("ce-id") or uuid.uuid4().hex
                yield self._line(collection, _value(body), number, at, headers)

    def _line(self, collection: str, data: Any, number: str, at: float, headers: dict[str, str]) -> Any:
        record = {
            "specversion": "1.0",
            "id": number,
            "source": headers.get("ce-source") or self.source,
            "type": "azureml.inference." + collection,
            "datacontenttype": "application/json",
            "time": headers.get("ce-time") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
            "data": data,
            "contentrange": "bytes 0-0/0",
            "correlationid": headers.get("ce-correlationid") or headers.get("ce-xrequestid") or number,
            "xrequestid": headers.get("ce-xrequestid") or number,
            "agent": headers.get("ce-agent") or "zaffre",
        }
        path = os.path.join(self.folder, collection, time.strftime(self.pattern, time.gmtime(at)), self.file)
        return path, json.dumps(record).encode() + b"\n"


def _taken(settings: dict[str, Any], number: str) -> bool:
    """Inputs and outputs of one request are kept both or neither."""
    rate = settings.get("rate")
    return rate is None or random.Random(number).random() < rate  # noqa: S311  a sample, no secret


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _handler(collector: Collector) -> Any:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = self.headers.get("content-length", "")
            kind = self.headers.get("ce-type", "")
            collection = kind.rpartition(".")[2]
            if self.path != "/modeldata/log" or not NAME.fullmatch(collection):
                return self._say(404)
            if not size.isdigit() or int(size) > BODY_BYTES:
                return self._say(413)
            headers = {key.lower(): value for key, value in self.headers.items()}
            collector.post(collection, headers, self.rfile.read(int(size)))
            return self._say(200)

        def _say(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
