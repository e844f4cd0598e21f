"""The server process: doors and engine over one home folder."""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request

from zaffre.api.application import application
from zaffre.api.auth import Gate
from zaffre.app.one_write import Protocol
from zaffre.app.platform import Platform, open_platform
from zaffre.base.clock import iso
from zaffre.base.errors import Conflict, InvalidRequest
from zaffre.base.home import Home
from zaffre.base.version import __version__
from zaffre.core.job_state import TERMINAL
from zaffre.core.permissions import Principal
from zaffre.mlflow.quick import Quick
from zaffre.mlflow.routes import routes as mlflow_routes
from zaffre.plugins.vault.file_key import key_of
from zaffre.services.context import Context, Settings
from zaffre.store import jobs as store

LOOPBACK = ("127.0.0.1", "localhost", "::1")
STREAMS_END_S = 1  # open streams are cut at the end; clients take them up again


def serve(
    root: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    rewrites: Mapping[str, str] | None = None,
    allow_remote: bool = False,
    allow_hosts: Sequence[str] = (),
    allow_private_addresses: bool = False,
    scoring_port: int = 0,
    registries: Sequence[str] = (),
    take_over: bool = False,
) -> None:
    """Serve until stopped. When it answers, `<home>/server.json` has its url and token.

    Raises `InvalidRequest` for an address that needs `allow_remote`, `Conflict` when the port or the home is taken.
    """
    if host not in LOOPBACK and not allow_remote:
        raise InvalidRequest(
            f"listening on {host} lets others in over a connection that is not encrypted",
            code="RemoteBind",
            hint="put a TLS proxy in front of loopback, or say so: zaffre up --host ... --allow-remote",
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    home = Home(Path(os.path.abspath(root)))
    listener = listen(host, port)
    bound = listener.getsockname()
    url = f"http://{'[' + host + ']' if ':' in host else host}:{bound[1]}"
    holder: list[uvicorn.Server] = []
    settings = Settings(
        url,
        dict(rewrites or {}),
        allow_private_addresses=allow_private_addresses,
        scoring_host=host,
        scoring_port=scoring_port,
        registries=tuple(registries),
        take_over=take_over,
    )
    platform = open_platform(home.root, settings, stop=lambda: _end(holder))
    try:
        token = key_of(home.root / "token").hex()
        hosts = frozenset(
            {host.lower(), *LOOPBACK, "[::1]", *map(str.lower, allow_hosts)}
            | ({"*"} if allow_remote and not allow_hosts else set())
        )
        app = doors(platform, token, hosts)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=Protocol,
            loop="uvloop",
            ws="websockets-sansio",
            ws_max_size=1 << 16,
            server_header=False,
            timeout_graceful_shutdown=STREAMS_END_S,
            timeout_keep_alive=75,
        )
        server = _Server(
            config, home, {"url": url, "token": token, "pid": os.getpid(), "started_at": iso(platform.ctx.started_at)}
        )
        holder.append(server)
        gc.collect()
        gc.freeze()  # what was imported stays: no collection looks at it again
        gc.set_threshold(20_000, 20, 20)  # a pipeline of thousands of steps is a burst of objects without cycles
        server.run(sockets=[listener])
    finally:
        _forget(home)
        platform.close()


class _Server(uvicorn.Server):
    """Says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, home: Home, told: dict[str, Any]) -> None:
        super().__init__(config)
        self.home, self.told = home, told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _write_private(self.home.server_file, json.dumps(self.told))
        if sys.stdout.isatty():
            print(
                f"Zaffre is running at {self.told['url']}/?token={self.told['token']}\n"
                f"home {self.home.root}; stop with Ctrl-C",
                flush=True,
            )
        else:
            print(f"Zaffre is running at {self.told['url']} (home {self.home.root})", flush=True)


def doors(platform: Platform, token: str, hosts: frozenset[str]) -> Any:
    """The ASGI application: our REST API and the MLflow door over one platform."""
    ctx = platform.ctx
    gate = Gate(token, platform.key, hosts, Living(ctx))

    @lru_cache(1024)
    def context(principal: Principal) -> Context:
        return replace(ctx, principal=principal)

    def authenticate(request: Request) -> Context:
        gate.check_host(request)
        return context(gate.principal(request))

    return Quick(application(ctx, gate, __version__, mlflow_routes(authenticate)), authenticate)


class Living:
    """Does a job live? Asked for every request of a job, so an answer holds for a second."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}

    def __call__(self, workspace: str, job: str) -> bool:
        asked, lives = self._known.get((workspace, job), (0.0, False))
        if time.monotonic() - asked > 1.0:
            lives = self._ask(workspace, job)
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[workspace, job] = (time.monotonic(), lives)
        return lives

    def _ask(self, workspace: str, job: str) -> bool:
        with self._ctx.db.read() as connection:
            status = store.status_by_name(connection, workspace, job)
        return status is not None and status not in TERMINAL


def listen(host: str, port: int) -> socket.socket:
    """Raises `Conflict` when the port is taken."""
    if not 0 <= port < 2**16:
        raise InvalidRequest(f"{port} is no port: they go from 1 to 65535", hint="any free one: zaffre up --port 0")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {host}:{port}: {error.strerror}",
            code="PortTaken",
            hint="choose another port, or any free one: zaffre up --port 0",
        ) from error
    listener.listen(1024)
    return listener


def _write_private(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    staged.rename(path)


def _forget(home: Home) -> None:
    """Only our own note is taken away."""
    try:
        if json.loads(home.server_file.read_text()).get("pid") == os.getpid():
            home.server_file.unlink()
    except (OSError, ValueError):
        pass


def _end(holder: list[uvicorn.Server]) -> None:
    if holder:
        holder[0].should_exit = True
    else:
        os.kill(os.getpid(), signal.SIGTERM)
