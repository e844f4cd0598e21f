"""What every service is given: the database, the outside world through ports, and who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from zaffre.base.home import Home
from zaffre.core.permissions import OWNER, Principal
from zaffre.core.traffic import History
from zaffre.ports.container import ContainerEngine
from zaffre.ports.content import ContentStore, RemoteSources
from zaffre.ports.environment import EnvironmentBackend
from zaffre.ports.secrets import Vault
from zaffre.services.news import News
from zaffre.store.db import Database

T = TypeVar("T")
ANYTHING = 0  # the topic of those who want to know of every commit
THINGS = -1  # the topic of those who want to know what became another
NOBODY = -2  # the topic of those whom nobody tells: they look from time to time


class Changes:
    """Who is told when something was committed: the engine, and open streams. Callbacks must be quick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, list[Callable[[], None]]] = {}
        self.work: Callable[[int], None] = lambda _root: None  # the engine puts itself here
        self.serve: Callable[[], None] = lambda: None  # what keeps endpoints running puts itself here
        self.in_force: Callable[[], None] = lambda: None  # waits a moment until requests meet what was committed
        self.scoring_url: Callable[[], str] = lambda: ""  # where endpoints are reached
        self.news = News()
        self.traffic = History()  # of online deployments; what keeps them running fills it

    def notify(self, *topics: int) -> None:
        """Something was committed: the id of a root stands for its whole tree, minus the id of a job for it alone."""
        with self._lock:
            listeners = {listener for topic in (*topics, ANYTHING) for listener in self._listeners.get(topic, ())}
        for listener in listeners:
            listener()

    def tell(self, workspace: str, noun: str, name: str = "") -> None:
        """A thing of this noun became another, or came, or went; it was committed."""
        self.news.add(workspace, noun, name)
        with self._lock:
            listeners = list(self._listeners.get(THINGS, ()))
        for listener in listeners:
            listener()

    def subscribe(self, topic: int, listener: Callable[[], None]) -> Callable[[], None]:
        """Returns what ends the subscription."""
        with self._lock:
            self._listeners.setdefault(topic, []).append(listener)

        def end() -> None:
            with self._lock:
                left = self._listeners.get(topic, [])
                left.remove(listener)
                if not left:
                    self._listeners.pop(topic, None)

        return end


@dataclass(frozen=True)
class Settings:
    """What the operator chose for this server."""

    url: str = ""  # as clients reach it
    rewrites: Mapping[str, str] = field(default_factory=dict)  # URL prefix -> where it is read instead
    allow_private_addresses: bool = False  # fetch from loopback and private networks (SEC-05)
    scoring_host: str = "127.0.0.1"  # where the gateway of online endpoints listens
    scoring_port: int = 0  # 0: the one it had before, else any free one
    registries: tuple[str, ...] = ()  # of images, from which the container engine may pull
    take_over: bool = False  # a database that belongs to another home


@dataclass(frozen=True)
class Context:
    """One per request: the same platform, and the principal that asks."""

    db: Database
    home: Home
    content: ContentStore
    environments: EnvironmentBackend
    remote: RemoteSources
    vault: Vault
    settings: Settings
    changes: Changes
    containers: ContainerEngine | None = None
    principal: Principal = OWNER
    sign: Callable[[str, str], str] = lambda _workspace, _job: ""  # makes the token of a job
    facts: Mapping[str, Any] = field(default_factory=dict)  # of this machine
    started_at: int = 0
    stop: Callable[[], None] = lambda: None  # ends the server


@dataclass(frozen=True)
class Feed(Generic[T]):
    """A stream without a thread: `step` gives what is new and whether that was the end.

    Whoever serves the feed calls `step` again when `topic` changes (`Changes.subscribe`), or after `poll_s`.
    """

    topic: int
    step: Callable[[], tuple[list[T], bool]]
    poll_s: float = 1.0
