"""The data collector: what went in and out, as JSON lines in a folder of this machine. It never makes an answer wait.

Scripts that use `azureml.ai.monitoring.Collector` post each collection to a sidecar on loopback (AZUREML_MDC_HOST,
AZUREML_MDC_PORT); this is that sidecar. Of models without a script, inputs and outputs are kept by themselves. One
thread writes; when it cannot keep up, records are dropped and counted in the log.

A file belongs to its writer as long as that holds a lock on it, which the kernel lets go when the writer dies. Whoever
else gets the lock has a file that is complete: the server brings it to the datastore (`engine/serving/collected.py`).
"""

from __future__ import annotations

import fcntl
import http.server
import itertools
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
WAITING_BYTES = 64 << 20
BODY_BYTES = 32 << 20
LOOK_S = 1.0
NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
ROLLING = {"minute": "%Y-%m-%d-%H-%M", "hour": "%Y-%m-%d-%H", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


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
    """`settings`: `folder`, `collections` (name -> {"rate": 0..1}), `rolling_rate`; a file is closed after `close_s`
    seconds or `close_bytes`."""

    def __init__(self, settings: dict[str, Any], deployment: dict[str, str]) -> None:
        self.folder = settings["folder"]
        self.collections = settings["collections"]
        self.pattern = ROLLING.get(settings.get("rolling_rate") or "hour", ROLLING["hour"])
        self.close_s, self.close_bytes = settings.get("close_s", 300.0), settings.get("close_bytes", 64 << 20)
        self.source = "zaffre/{}/{}/{}".format(deployment["workspace"], deployment["endpoint"], deployment["name"])
        self.instance = f"instance_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        self.numbers, self.counted = uuid.uuid4().hex[:20], itertools.count()
        self.heads: dict[str, str] = {}  # beginnings of lines
        self.moment = (0, "", "")  # a second, as records and as names of files say it
        self.waiting: queue.Queue[Any] = queue.Queue(WAITING)
        self.open: dict[str, _File] = {}
        self.count = 0  # files so far
        self.lock = threading.Lock()
        self.held = 0  # bytes that wait
        self.dropped = self.taken = self.done = 0
        threading.Thread(target=self._write, daemon=True).start()

    def offer(self, asked: bytes, answered: bytes, is_json: bool) -> None:
        """Input and output of a model without a script. `is_json`: the model has read the input as JSON."""
        number = f"{self.numbers}{next(self.counted):012x}"
        self._put(("pair", asked, answered, number, time.time(), is_json), len(asked) + len(answered))

    def post(self, collection: str, headers: dict[str, str], body: bytes) -> None:
        self._put(("post", collection, headers, body, time.time()), len(body))

    def finish(self, wait_s: float) -> None:
        """The process ends: what was taken is written first, if that takes no longer."""
        end = time.monotonic() + wait_s
        while self.done < self.taken and time.monotonic() < end:
            time.sleep(0.005)

    def _put(self, item: Any, size: int) -> None:
        with self.lock:
            if self.held + size > WAITING_BYTES and self.held:
                self.dropped += 1
                return
            try:
                self.waiting.put_nowait((item, size))
            except queue.Full:
                self.dropped += 1
                return
            self.held += size
            self.taken += 1

    def _write(self) -> None:
        while True:
            items = self._gather()
            try:
                self._store([item for item, _ in items])
                self._close()
            except Exception as error:
                print(f"data collection failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            with self.lock:
                self.held -= sum(size for _, size in items)
                self.done += len(items)
                dropped, self.dropped = self.dropped, 0
            if dropped:
                print(f"data collection: {dropped} records dropped, they came too fast", file=sys.stderr, flush=True)
            if items:
                time.sleep(0.05)  # gathers what comes now: one write for many records

    def _gather(self) -> list[Any]:
        try:
            items = [self.waiting.get(timeout=LOOK_S if self.open else None)]
        except queue.Empty:
            return []
        while len(items) < WAITING and not self.waiting.empty():
            items.append(self.waiting.get_nowait())
        return items

    def _store(self, items: Any) -> None:
        lines: dict[str, list[bytes]] = {}
        for item in items:
            try:
                for name, line in self._lines(item):
                    lines.setdefault(name, []).append(line)
            except Exception as error:  # one record that cannot be kept harms no others
                print(f"data collection: a record was lost: {type(error).__name__}: {error}", file=sys.stderr)
        for name, some in lines.items():
            if name not in self.open:
                self.count += 1
                self.open[name] = _File(self.folder, f"{name}.{self.instance}_{self.count:04}.jsonl")
            try:
                self.open[name].write(b"".join(some))
            except OSError as error:  # half a line may be there: nothing is written behind it
                self.open.pop(name).close()
                print(f"data collection: {len(some)} records were lost: {error.strerror}", file=sys.stderr, flush=True)

    def _close(self) -> None:
        """Files that are full or old enough, and those of an hour that is over."""
        present = time.strftime(self.pattern, time.gmtime())
        for name, file in list(self.open.items()):
            old = time.monotonic() - file.since > self.close_s or not name.endswith("." + present)
            if old or file.size > self.close_bytes:
                del self.open[name]
                file.close()

    def _lines(self, item: Any) -> Any:
        if item[0] == "pair":
            _, asked, answered, number, at, is_json = item
            for collection, body, whole in (("model_inputs", asked, is_json), ("model_outputs", answered, True)):
                settings = self.collections.get(collection)
                if not settings or not _taken(settings, number):
                    continue
                if whole:
                    yield self._joined(collection, body, number, at)
                else:
                    yield self._line(collection, _value(body), number, at, {})
        else:
            _, collection, headers, body, at = item
            if collection in self.collections:
                number = headers.get("ce-id") or uuid.uuid4().hex
                yield self._line(collection, _value(body), number, at, headers)

    def _fixed(self, collection: str, headers: dict[str, str]) -> dict[str, str]:
        """What records of a collection have in common, as CloudEvents name it."""
        return {
            "specversion": "1.0",
            "source": headers.get("ce-source") or self.source,
            "type": "azureml.inference." + collection,
            "datacontenttype": "application/json",
            "contentrange": "bytes 0-0/0",
            "agent": headers.get("ce-agent") or "zaffre",
        }

    def _joined(self, collection: str, body: bytes, number: str, at: float) -> Any:
        """A line with JSON that is known to be JSON: it is not read a second time. Its only line ends stand between
        values."""
        second = int(at)
        if self.moment[0] != second:
            present = time.gmtime(second)
            self.moment = (second, time.strftime("%Y-%m-%dT%H:%M:%SZ", present), time.strftime(self.pattern, present))
        if collection not in self.heads:
            self.heads[collection] = json.dumps(self._fixed(collection, {}))[:-1]
        facts = f', "time": "{self.moment[1]}", "id": "{number}", "correlationid": "{number}", "xrequestid": "{number}"'
        data = body if b"\n" not in body and b"\r" not in body else body.replace(b"\n", b" ").replace(b"\r", b" ")
        return collection + "." + self.moment[2], b"".join(
            ((self.heads[collection] + facts + ', "data": ').encode(), data, b"}\n")
        )

    def _line(self, collection: str, data: Any, number: str, at: float, headers: dict[str, str]) -> Any:
        record = {
            **self._fixed(collection, headers),
            "time": headers.get("ce-time") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
            "id": number,
            "correlationid": headers.get("ce-correlationid") or headers.get("ce-xrequestid") or number,
            "xrequestid": headers.get("ce-xrequestid") or number,
            "data": data,
        }
        name = collection + "." + time.strftime(self.pattern, time.gmtime(at))
        try:
            return name, json.dumps(record).encode() + b"\n"
        except RecursionError:
            return name, json.dumps({**record, "data": "(nested too deeply)"}).encode() + b"\n"


class _File:
    """Ours as long as it is open."""

    def __init__(self, folder: str, name: str) -> None:
        self.since, self.size = time.monotonic(), 0
        while True:
            os.makedirs(folder, exist_ok=True)
            self.file = open(os.path.join(folder, name), "ab", buffering=0)  # noqa: SIM115
            fcntl.flock(self.file, fcntl.LOCK_EX)
            if os.fstat(self.file.fileno()).st_nlink:
                return
            self.file.close()  # the server found it before it was ours, and empty: it is gone

    def write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[self.file.write(view) :]
        self.size += len(content)

    def close(self) -> None:
        """Let it go, also where a process that the model forked still has it open."""
        fcntl.flock(self.file, fcntl.LOCK_UN)
        self.file.close()


def _taken(settings: dict[str, Any], number: str) -> bool:
    """Inputs and outputs of one request are kept both or neither."""
    rate = settings.get("rate")
    return rate is None or random.Random(number).random() < rate  # noqa: S311  a sample, no secret


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
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
