"""Composition: from a home folder and settings to a running platform. The only place that knows every part."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from zaffre.api.auth import sign_job
from zaffre.base.clock import now_ms
from zaffre.base.errors import Conflict, InvalidRequest, Unavailable
from zaffre.base.home import Home
from zaffre.engine import listing
from zaffre.engine.loop import Engine
from zaffre.engine.serving.supervisor import Serving
from zaffre.plugins.content.store import FileContentStore
from zaffre.plugins.datastores.remote import Remote
from zaffre.plugins.local_process import hardware
from zaffre.plugins.local_process.backend import LocalProcessBackend
from zaffre.plugins.podman.engine import Podman
from zaffre.plugins.vault.file_key import FileKeyVault, key_of
from zaffre.plugins.virtualenv.backend import VirtualEnvironments
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.workspaces.manage import ensure_default
from zaffre.store import homes, requests, schema
from zaffre.store.db import Database

DATABASE_VARIABLE = "ZAFFRE_DATABASE"  # postgresql+psycopg://user@host/name; else SQLite in the home folder


@dataclass
class Platform:
    """Services and engine over one home folder, which belongs to this process as long as `lock` is open."""

    ctx: Context
    engine: Engine
    serving: Serving
    key: bytes
    lock: IO[str]
    held: Connection | None  # by which a database that others could reach is this process' alone

    def close(self) -> None:
        """Running jobs go on, and endpoints serve on; the next platform over this home adopts them."""
        self.serving.stop()
        self.engine.stop()
        self.ctx.content.close()
        if self.held is not None:
            with contextlib.suppress(SQLAlchemyError):  # the database is gone, and the hold with it
                self.held.close()
        self.ctx.db.close()
        self.lock.close()


def open_platform(root: Path, settings: Settings, *, stop: Callable[[], None] = lambda: None) -> Platform:
    """Raises `Conflict` when another process works on this home, `InvalidRequest` when it cannot be written,
    `Conflict` also when its database (PostgreSQL) is another home's, `Unavailable` for a database that is locked or of
    a newer release."""
    home = Home(root)
    _make(home)
    with contextlib.ExitStack() as undo:
        lock = _lock(home)
        undo.callback(lock.close)
        db = Database(url) if (url := os.environ.get(DATABASE_VARIABLE)) else Database.at(home.root)
        undo.callback(db.close)
        platform = _open(home, db, lock, settings, stop)
        undo.pop_all()
        return platform


def _open(home: Home, db: Database, lock: IO[str], settings: Settings, stop: Callable[[], None]) -> Platform:
    schema.prepare(db)
    key = key_of(home.key)
    held = homes.claim(db, _identity(key), f"{socket.gethostname()}:{home.root}", take_over=settings.take_over)
    ctx = Context(
        db=db,
        home=home,
        content=FileContentStore(home.content),
        environments=VirtualEnvironments(home.environments, hook=listing.install(home.root / "runtime")),
        remote=Remote(settings.rewrites, allow_private_addresses=settings.allow_private_addresses),
        vault=FileKeyVault(key),
        settings=settings,
        changes=Changes(),
        containers=Podman(_identity(key), settings.registries),
        sign=lambda workspace, job: sign_job(key, workspace, job),
        facts={"machine": hardware.facts()},
        started_at=now_ms(),
        stop=stop,
    )
    ensure_default(ctx)
    with db.write() as connection:
        requests.forget_open(connection)
    engine = Engine(ctx, LocalProcessBackend(), hardware.capacity())
    engine.start()
    serving = Serving(ctx, LocalProcessBackend())
    serving.start()
    return Platform(ctx, engine, serving, key, lock, held)


def _identity(key: bytes) -> str:
    """The same for a home that was moved; nobody learns the key from it."""
    return hashlib.blake2b(b"home", key=key, digest_size=16).hexdigest()


def _make(home: Home) -> None:
    try:
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("jobs", "workspaces", "content", "environments", "cache", "runtime", "serving"):
            (home.root / name).mkdir(exist_ok=True, mode=0o700)  # also where somebody else made the home
        os.close(
            os.open(home.database, os.O_WRONLY | os.O_CREAT, 0o600)
        )  # SQLite gives its other files the same rights
        probe = home.root / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidRequest(
            f"the home folder {home.root} cannot be written: {error.strerror}",
            code="HomeReadOnly",
            hint="choose another: zaffre up --home DIR",
        ) from error


def _lock(home: Home) -> IO[str]:
    file = home.lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Conflict(
            f"another Zaffre works on the home folder {home.root}",
            code="HomeInUse",
            hint="use it (zaffre status), or stop it (zaffre down)",
        ) from None
    except OSError as error:
        raise Unavailable(f"{home.lock} cannot be locked: {error.strerror}", code="HomeLock") from error
    return file
