"""The gateway as a process: `python -m zaffre.gateway.main FOLDER HOST PORT [take-over]`.

FOLDER has `routes.json` (the routing table), and gets `gateway.json` (pid, port), `gateway.sock` (for the server) and
`access.log`. The process outlives the server that started it: as long as nobody ends it, it serves what the last table
says. It ends on SIGTERM, after what it has begun. With `take-over` it gets the listening socket of the one that runs,
so that no caller is refused while a newer release takes its place.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from zaffre.base.version import __version__
from zaffre.gateway import table
from zaffre.gateway.accesslog import AccessLog
from zaffre.gateway.front import Front
from zaffre.gateway.pool import Pool
from zaffre.gateway.routes import Routes

log = logging.getLogger("zaffre.gateway")
SWEEP_S = 0.05
STATS_S = 0.25
DRAIN_S = 30.0
BORROW_S = 5.0


class Gateway:
    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.folder, self.loop = folder, loop
        self.pool = Pool(loop, self.tell)
        self.routes = Routes(self.pool, AccessLog(folder / "access.log"))
        self.controls: set[asyncio.StreamWriter] = set()
        self.stamp: tuple[int, int] | None = None
        self.ending = asyncio.Event()
        self.listener: socket.socket | None = None
        self.followed = False  # another one has the listening socket too

    # --- the table ---

    def load(self) -> None:
        """Take the table if it is another one."""
        path = self.folder / "routes.json"
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp == self.stamp:
                return
            self.routes.use(table.read(path, self.routes.table, self.pool))
            self.stamp = stamp
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError) as error:
            log.error("the routing table cannot be read, the former one stays: %s", error)

    # --- the server ---

    def tell(self, message: dict[str, Any]) -> None:
        """To every server that listens; nobody waits for it."""
        line = json.dumps(message).encode() + b"\n"
        for writer in list(self.controls):
            if writer.transport.get_write_buffer_size() < 1 << 22:
                writer.write(line)

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lines of JSON: `load` is answered when the table is in force."""
        self.controls.add(writer)
        try:
            writer.write(json.dumps({"version": __version__, "pid": os.getpid()}).encode() + b"\n")
            while line := await reader.readline():
                asked = json.loads(line)
                if asked["do"] == "load":
                    self.load()
                    writer.write(json.dumps({"loaded": self.routes.table.generation}).encode() + b"\n")
                elif asked["do"] == "lend":
                    await writer.drain()
                    self._lend(writer)
                elif asked["do"] == "end":
                    self.ending.set()
        except (OSError, ValueError):
            pass
        finally:
            self.controls.discard(writer)
            writer.close()

    def _lend(self, writer: asyncio.StreamWriter) -> None:
        """The listening socket, to the gateway that follows."""
        assert self.listener is not None
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as sock:
            socket.send_fds(sock, [b'{"lent": true}\n'], [self.listener.fileno()])
        self.followed = True

    def stats(self) -> dict[str, Any]:
        return {"stats": {key: one.told() for key, one in self.routes.table.deployments.items()}}

    # --- the process ---

    async def run(self, listener: socket.socket) -> None:
        self.listener = listener
        self.load()
        server = await self.loop.create_server(lambda: Front(self.routes), sock=listener, backlog=4096)
        control_path = self.folder / "gateway.sock"
        control_path.unlink(missing_ok=True)
        control = await asyncio.start_unix_server(self.control, path="gateway.sock")
        control_path.chmod(0o600)
        self._write({"pid": os.getpid(), "port": listener.getsockname()[1], "version": __version__})
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.ending.set)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        next_stats = 0.0
        while not self.ending.is_set():
            now = time.monotonic()
            self.routes.sweep(now)
            if now >= next_stats:
                next_stats = now + STATS_S
                self.load()
                if not self.folder.exists():  # its home was removed
                    break
                if self.controls:
                    self.tell(self.stats())
            await asyncio.sleep(SWEEP_S)
        server.close()
        control.close()
        await self._drain()

    async def _drain(self) -> None:
        """What has begun is answered. Connections that are open stay for another request, when there is who follows."""
        self.routes.retiring = True
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end and any(self.followed or front.busy for front in self.routes.fronts):
            self.routes.sweep(time.monotonic())
            await asyncio.sleep(SWEEP_S)
        self.routes.log.flush(wait=True)

    def _write(self, told: dict[str, Any]) -> None:
        staged = self.folder / f".gateway.{os.getpid()}"
        staged.write_text(json.dumps(told))
        staged.replace(self.folder / "gateway.json")


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(4096)
    listener.setblocking(False)
    return listener


def borrow() -> socket.socket:
    """The listening socket of the gateway that runs here. Raises OSError when it does not give it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(BORROW_S)
        control.connect("gateway.sock")
        control.sendall(b'{"do": "lend"}\n')
        while True:
            said, found, _, _ = socket.recv_fds(control, 1 << 16, 1)
            if found:
                listener = socket.socket(fileno=found[0])
                listener.setblocking(False)
                return listener
            if not said:
                raise ConnectionError("the gateway that runs hung up")


def main(folder: str, host: str, port: str, *words: str) -> None:
    os.chdir(folder)  # sockets are named from here: their whole paths may be longer than those of sockets may be
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        listener = borrow() if "take-over" in words else listen(host, int(port))
    except OSError as error:
        log.error("cannot listen on %s:%s: %s", host, port, error.strerror)
        sys.exit(3)

    async def begin() -> None:
        await Gateway(Path(folder), asyncio.get_running_loop()).run(listener)

    uvloop.run(begin())


if __name__ == "__main__":
    main(*sys.argv[1:])
