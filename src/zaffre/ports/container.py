"""What is asked of a container engine.

A container that serves is run by a program of ours (`runtime/run_container.py`), which a compute backend starts as it
starts any worker: so it outlives the server and is adopted. The engine is therefore asked for the words by which that
program runs and ends a container, and for everything around it: images, builds, what was left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

NAME, FOLDER = "@name@", "@folder@"  # in words of a run: the container's own name, and the folder of the one worker
PID_FILE = "pid"  # in that folder: the process of the container, as this machine numbers it
Say = Callable[[str], None]


def never() -> bool:
    return False


@dataclass(frozen=True)
class Mount:
    """`source` is on this machine; `target` absolute, in the container."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Run:
    """One container. It has no network but its own loopback unless `network`, and no more rights than it needs.

    `image` is an id. `variables` is a file with a line for each. `closed`: its files cannot be written to, but for
    /tmp and writable mounts, and it has no capability at all. `user`: `uid:gid`; else the image's own.
    """

    image: str
    variables: Path
    mounts: Sequence[Mount] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    closed: bool = False
    user: str | None = None
    memory_mb: float | None = None
    cpus: float | None = None
    entrypoint: str | None = None  # instead of the image's own, which then counts no more, nor does its command
    arguments: Sequence[str] = ()


class ContainerEngine(Protocol):
    def missing(self) -> str | None:
        """Why there is no engine, in one sentence with what to install; None when there is one. Quick."""

    def variables(self) -> dict[str, str]:
        """What its program needs to find its own settings: the whole environment it runs with."""

    def find(self, image: str) -> str | None:
        """The id of an image in its store. Raises `InvalidRequest` for no name, `Unavailable` if it does not answer."""

    def get(self, image: str, say: Say, cancelled: Callable[[], bool] = never) -> str:
        """The id of an image, pulled if it is not in the store and its registry is one the server may pull from.

        Raises `NotFound` (code `ImageMissing`) naming the image and why it cannot be pulled.
        """

    def build(
        self,
        context: Path,
        dockerfile: str,
        tag: str,
        arguments: Mapping[str, str],
        say: Say,
        cancelled: Callable[[], bool] = never,
    ) -> str:
        """Build a context; each line of progress goes to `say`. The id of the image, which is kept as `tag`.

        Images that the Dockerfile starts from are got as `get` does. Raises `InvalidRequest` (code
        `ImageBuildFailed`) with the last line that says why.
        """

    def words(self, run: Run) -> list[str]:
        """How one container is run in the foreground, with what it prints on the streams; `NAME` and `FOLDER` open."""

    def stop_words(self, grace_s: int) -> list[str]:
        """How it is ended, with `NAME` open: asked, and killed after the grace period."""

    def ours(self) -> list[str]:
        """Names of the containers of this home, running or not."""

    def remove(self, names: Sequence[str]) -> None:
        """End and remove; those that are gone already are no error."""
