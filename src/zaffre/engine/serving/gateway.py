"""The gateway's process, seen from the server: started once, adopted after a restart, told when the table changed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zaffre.base.errors import Unavailable
from zaffre.base.version import __version__

log = logging.getLogger("zaffre.serving")
START_S = 15.0
MODULE = "zaffre.gateway.main"
END_S = 35.0


class Gateway:
    """`hear` gets every message of the gateway, in a thread of ours."""

    def __init__(self, folder: Path, host: str, port: int, hear: Callable[[dict[str, Any]], None]) -> None:
        self.folder, self.host, self.wanted_port = folder, host, port
        self._hear = hear
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.RLock()
        self._loaded = threading.Condition()
        self._generation = -1
        self._closed = False
        self.port: int | None = None
        self.pid: int | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.ensure()}"

    @property
    def lives(self) -> bool:
        return self._socket is not None

    def ensure(self) -> int:
        """Its port; it is started if it does not run. Raises `Unavailable` when it cannot be."""
        with self._lock:
            if self._socket is not None and self.port is not None:
                return self.port
            if not self._adopt():
                self._start()
            assert self.port is not None
            return self.port

    def load(self, generation: int, wait_s: float) -> bool:
        """Have it read the table; whether that table was in force within the time."""
        self._send({"do": "load"})
        end = time.monotonic() + wait_s
        with self._loaded:
            while self._generation < generation:
                left = end - time.monotonic()
                if left <= 0 or self._socket is None:
                    return False
                self._loaded.wait(min(left, 0.2))
        return True

    def end(self) -> None:
        """No endpoint is left: it may go, after what it has begun."""
        with self._lock:
            self._send({"do": "end"})
            self._let_go()
            (self.folder / "gateway.sock").unlink(missing_ok=True)

    def close(self) -> None:
        """The server ends; the gateway goes on."""
        self._closed = True
        self._let_go()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            if self._socket is not None:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    # --- finding and starting ---

    def _adopt(self) -> bool:
        """The one that runs already, of this release. One of another release ends, and makes room for a new one."""
        try:
            port = int(json.loads((self.folder / "gateway.json").read_text())["port"])
            sock, hello = connect(self.folder)
        except (OSError, ValueError, LookupError, TypeError):  # a loss of power may have emptied the file
            return False
        if hello.get("version") != __version__:
            followed = self._try(port, "take-over")
            sock.sendall(b'{"do": "end"}\n')
            sock.close()
            if not followed:
                wait_for_end(int(hello["pid"]))
            return followed
        self._take(sock, int(hello["pid"]), port)
        return True

    def _take(self, sock: socket.socket, pid: int, port: int) -> None:
        self._socket, self.pid, self.port = sock, pid, port
        self._generation = -1
        threading.Thread(target=self._listen, args=(sock,), name="gateway", daemon=True).start()

    def _start(self) -> None:
        former = self._former_port()
        for port in dict.fromkeys([self.wanted_port or former, self.wanted_port]):
            if self._try(port):
                if former and self.port != former and not self.wanted_port:
                    log.warning("port %s is taken: endpoints are reached at port %s from now on", former, self.port)
                return
        raise Unavailable(
            f"the gateway of online endpoints does not start on {self.host}:{self.wanted_port or 'any port'}",
            code="GatewayNotStarted",
            hint=f"its log is {self.folder / 'gateway.log'}; another port: zaffre up --scoring-port N",
        )

    def _try(self, port: int, *words: str) -> bool:
        if not words:
            (self.folder / "gateway.sock").unlink(missing_ok=True)
        with open(self.folder / "gateway.log", "ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(self.folder), self.host, str(port), *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.folder,
                env=environment(),
            )
        self._process = process
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if process.poll() is not None:
                return False
            try:
                sock, hello = connect(self.folder)
                told = json.loads((self.folder / "gateway.json").read_text())
                if hello["pid"] == told["pid"] == process.pid:
                    self._take(sock, int(hello["pid"]), int(told["port"]))
                    return True
                sock.close()
            except (OSError, ValueError):
                pass
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return False

    def _former_port(self) -> int:
        try:
            return int(json.loads((self.folder / "gateway.json").read_text())["port"])
        except (OSError, ValueError, LookupError, TypeError):
            return 0

    # --- listening ---

    def _listen(self, sock: socket.socket) -> None:
        try:
            for line in sock.makefile("rb"):
                message = json.loads(line)
                if "loaded" in message:
                    with self._loaded:
                        self._generation = message["loaded"]
                        self._loaded.notify_all()
                else:
                    self._hear(message)
        except (OSError, ValueError):
            pass
        if self._socket is sock:
            self._socket = None
            if self._process is not None:
                self._process.poll()
            if not self._closed:
                self._hear({"gone": True})


def connect(folder: Path) -> tuple[socket.socket, dict[str, Any]]:
    """To the gateway that runs there, and what it says of itself. Raises OSError and ValueError when there is none."""
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(2.0)
        sock.connect(f"/proc/self/fd/{place}/gateway.sock")  # its real path may be longer than a socket's may be
        line = b""
        while not line.endswith(b"\n"):
            piece = sock.recv(1)
            if not piece:
                raise OSError("the gateway hung up")
            line += piece
        sock.settimeout(None)
        return sock, json.loads(line)
    except BaseException:
        sock.close()
        raise
    finally:
        os.close(place)


def wait_for_end(pid: int) -> None:
    end = time.monotonic() + END_S
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        time.sleep(0.02)


def environment() -> dict[str, str]:
    """Ours, with paths to modules that hold in another folder too."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ZAFFRE_")}
    if paths := os.environ.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths.split(os.pathsep))
    return kept
