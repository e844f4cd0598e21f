"""The loop of a worker: frames in, answers out.

CONFIG has: `socket` (where to listen), `kind` (script, mlflow, onnx), `model` (file or folder, or null), `code`
(folder) and `script` (below it), `concurrency` (requests that `run` may handle at once), `batch` (requests that may be
scored together at most; 1 never), `frame_bytes` (largest request), `status` (a file that says why loading failed),
`deployment` ({workspace, endpoint, name}), `collect` (folder and collections of the data collector, or null), `parent`
(the process with which it ends; without it, it outlives who started it).

Requests that wait are scored together where the model allows it (`model.batches`): while one batch is computed the
next gathers in the socket, so an idle worker answers at once and a busy one does more with each call.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any

from . import collect, frames, parent
from .values import Answer, BadInput, write

BAD_CONFIG, BAD_SCRIPT, BAD_INIT = 64, 65, 66
READ_BYTES = 1 << 18
LOOK_S = 2.0
END_S = 4.0  # what was collected is written before the process ends, also on a slow disk; it is killed after 5 s
FLUSH_S = 0.0005  # answers that are ready wait at most so long for others
HIDDEN = "the model raised an error for this request; the log of the deployment has it"


def main(config_file: str) -> int:
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    if config.get("parent"):
        parent.end_with(config["parent"])
    side = collect.start(config.get("collect"), config["deployment"])
    signal.signal(signal.SIGTERM, lambda *_: _end(side))
    try:
        model = load(config)
    except BaseException as error:
        code = BAD_SCRIPT if isinstance(error, ImportError_) else BAD_INIT
        traceback.print_exc()
        sys.stderr.flush()
        _say(config["status"], code, error)
        os._exit(code)  # threads of the user's code must not keep a failed worker
    Server(config, model, side).serve()
    return 0


class ImportError_(Exception):
    """The scoring script cannot be imported, or has no `init` and `run`."""


def load(config: dict[str, Any]) -> Any:
    if config["kind"] == "script":
        from .script import Script

        return Script(config, ImportError_)
    if config["kind"] == "mlflow":
        from .mlflow_model import MlflowModel

        return MlflowModel(config)
    if config["kind"] == "onnx":
        from .onnx_model import OnnxModel

        return OnnxModel(config)
    raise ImportError_("unknown kind of model: " + str(config["kind"]))


def _say(path: str, code: int, error: BaseException) -> None:
    """For the server, which shows it to the owner of the deployment; never to callers."""
    phase = "the scoring script could not be imported" if code == BAD_SCRIPT else "init() failed"
    cause = error.__cause__ if isinstance(error, ImportError_) and error.__cause__ else error
    text = f"{phase}: {type(cause).__name__}: {cause}"
    staged = path + ".new"
    with open(staged, "w", encoding="utf-8") as file:
        json.dump({"code": code, "message": text[:2000]}, file)
    os.replace(staged, path)


def _end(side: collect.Collector | None) -> None:
    if side is not None:
        side.finish(END_S)
    os._exit(0)  # whoever asks for it has seen that nothing is under way; threads of the model must not keep it


class Request:
    """One request as it came."""

    __slots__ = ("connection", "kind", "number", "payload")

    def __init__(self, connection: Connection, number: int, kind: int, payload: bytes) -> None:
        self.connection, self.number, self.kind, self.payload = connection, number, kind, payload


class Connection:
    """Of one gateway."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = bytearray()
        self.lock = threading.Lock()

    def requests(self, limit: int) -> list[Request]:
        """Whole requests that have arrived. Raises OSError when the other side is gone or sends nonsense."""
        head, size = frames.HEAD, frames.HEAD.size
        found, place, buffer = [], 0, self.buffer
        while len(buffer) - place >= size:
            length, number, kind, _ = head.unpack_from(buffer, place)
            if length > limit:
                raise OSError(f"a frame of {length} bytes")
            if len(buffer) - place - size < length:
                break
            start = place + size
            found.append(Request(self, number, kind, bytes(buffer[start : start + length])))
            place = start + length
        if place:
            del buffer[:place]
        return found

    def send(self, content: bytes) -> None:
        with self.lock, contextlib.suppress(OSError):  # the gateway is gone: nobody waits for the answer
            self.sock.sendall(content)


class Server:
    def __init__(self, config: dict[str, Any], model: Any, side: collect.Collector | None) -> None:
        self.model, self.side = model, side
        self.limit = config["frame_bytes"] + (1 << 20)
        self.concurrency = max(1, int(config.get("concurrency") or 1))
        self.most = max(1, int(config.get("batch") or 1)) if model.batches else 1
        hello = {"pid": os.getpid(), "concurrency": self.concurrency, "batch": self.most, **model.description}
        self.hello = frames.frame(0, frames.HELLO, json.dumps(hello).encode())
        self.path = config["socket"]
        self.selector = selectors.DefaultSelector()
        self.waiting: queue.Queue[Request | None] = queue.Queue()

    def serve(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # through the descriptor of its folder: the whole path may be longer than that of a socket may be
        folder = os.open(os.path.dirname(self.path), os.O_RDONLY | os.O_DIRECTORY)
        staged = os.path.basename(self.path) + ".new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged, dir_fd=folder)
        listener.bind(f"/proc/self/fd/{folder}/{staged}")
        os.chmod(f"/proc/self/fd/{folder}/{staged}", 0o600)
        listener.listen(16)
        os.rename(staged, os.path.basename(self.path), src_dir_fd=folder, dst_dir_fd=folder)  # who sees it may connect
        self.selector.register(listener, selectors.EVENT_READ, None)
        if self.concurrency > 1:
            for _ in range(self.concurrency):
                threading.Thread(target=self._work, daemon=True).start()
        print("ready: requests are answered", flush=True)
        chunk = bytearray(READ_BYTES)
        view = memoryview(chunk)
        while True:
            events = self.selector.select(LOOK_S)
            if not events and not os.path.exists(self.path):
                self.leave()
            for key, _ in events:
                if key.data is None:
                    self._accept(listener)
                else:
                    self._read(key.data, view)

    def leave(self) -> None:
        """Its place was removed: nobody can reach it any more."""
        _end(self.side)

    def _accept(self, listener: socket.socket) -> None:
        sock, _ = listener.accept()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        connection = Connection(sock)
        self.selector.register(sock, selectors.EVENT_READ, connection)
        connection.send(self.hello)

    def _read(self, connection: Connection, view: memoryview) -> None:
        try:
            count = connection.sock.recv_into(view)
            if not count:
                raise OSError("closed")
            connection.buffer += view[:count]
            found = connection.requests(self.limit)
        except OSError:
            self.selector.unregister(connection.sock)
            connection.sock.close()
            return
        if not found:
            return
        if self.concurrency > 1:
            for request in found:
                self.waiting.put(request)
        elif self.most > 1 and len(found) > 1:
            self._together(connection, found)
        else:
            self._in_turn(connection, found)

    def _in_turn(self, connection: Connection, found: list[Request]) -> None:
        ready: list[bytes] = []
        since = time.monotonic()
        for request in found:
            kind, payload = self._answer(request)
            ready.append(frames.frame(request.number, kind, payload, 1))
            if len(ready) > 1 and time.monotonic() - since > FLUSH_S:
                connection.send(b"".join(ready))
                ready, since = [], time.monotonic()
            elif len(ready) == 1 and time.monotonic() - since > FLUSH_S:
                connection.send(ready[0])
                ready, since = [], time.monotonic()
        if ready:
            connection.send(b"".join(ready))

    def _work(self) -> None:
        while True:
            request = self.waiting.get()
            if request is None:
                return
            kind, payload = self._answer(request)
            request.connection.send(frames.frame(request.number, kind, payload, 1))

    def _together(self, connection: Connection, found: list[Request]) -> None:
        """Rows of several requests in one call. Whatever goes wrong is looked at again one by one."""
        groups: dict[Any, list[tuple[Request, Any]]] = {}
        single: list[Request] = []
        ready: list[bytes] = []
        for request in found:
            try:
                parsed = self.model.parse(request.kind, request.payload)
            except BadInput as error:
                ready.append(self._error(request, 400, "BadInput", str(error)))
                continue
            except Exception:
                single.append(request)
                continue
            if parsed is None:
                single.append(request)
            else:
                groups.setdefault(parsed.key, []).append((request, parsed))
        for members in groups.values():
            for start in range(0, len(members), self.most):
                some = members[start : start + self.most]
                rows = [row for _, parsed in some for row in parsed.rows]
                try:
                    results = self.model.predict(rows, some[0][1])
                    place = 0
                    answers = []
                    for request, parsed in some:
                        mine = self.model.part(results, place, place + len(parsed.rows), len(rows))
                        place += len(parsed.rows)
                        answers.append((request, self.model.answer(request.kind, parsed, mine)))
                except Exception:
                    single += [request for request, _ in some]
                    continue
                for request, body in answers:
                    ready.append(frames.frame(request.number, frames.JSON, body, len(some)))
                    self._keep(request, body)
                connection.send(b"".join(ready))
                ready = []
        if ready:
            connection.send(b"".join(ready))
        if single:
            self._in_turn(connection, single)

    def _answer(self, request: Request) -> tuple[int, bytes]:
        try:
            result = self.model.score(request.kind, request.payload)
            if result.__class__ is bytes:
                if self.side is not None:
                    self._keep(request, result)
                return frames.JSON, result
            if isinstance(result, Answer):
                head = {"status": result.status, "headers": result.headers}
                return frames.FULL, frames.with_head(head, result.body)
            return frames.JSON, write(result)
        except BadInput as error:
            return frames.ERROR, _told(400, "BadInput", str(error))
        except MemoryError:
            traceback.print_exc()
            return frames.ERROR, _told(507, "OutOfMemory", "the deployment has not enough memory for this request")
        except BaseException:  # sys.exit() too: it would end one thread of several, and nobody would answer
            traceback.print_exc()
            sys.stderr.flush()
            return frames.ERROR, _told(500, "ModelFailed", HIDDEN)

    def _error(self, request: Request, status: int, code: str, message: str) -> bytes:
        return frames.frame(request.number, frames.ERROR, _told(status, code, message), 1)

    def _keep(self, request: Request, body: bytes) -> None:
        if self.side is not None and self.model.collects:
            self.side.offer(request.payload, body, request.kind in (frames.SCORE, frames.INVOCATIONS))


def _told(status: int, code: str, message: str) -> bytes:
    return frames.STATUS.pack(status) + json.dumps({"code": code, "message": message}).encode()
