"""What the engine asks of a maker of environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from zaffre.core.environment.definition import EnvironmentDefinition

Sizes = list[tuple[str, int]]  # (key, bytes); a class with a method `list` cannot say it in place

__all__ = ["BuildLog", "BuiltEnvironment", "EnvironmentBackend", "EnvironmentDefinition", "EnvironmentPlan"]


@dataclass(frozen=True)
class EnvironmentPlan:
    """What would be built. `key` (hex) identifies it: the same key is the same environment.

    `notes` say, each in one sentence, what could not be honoured or was mapped. `variables` are the environment's own
    (conda's `variables`, a Dockerfile's `ENV`); they are not part of the key, and are merged into each job's.
    """

    key: str
    python: str  # "3.10"
    python_version: str  # "3.10.13"
    interpreter: Path
    requirements: Sequence[str]
    constraints: Sequence[str]
    exclude_newer: str | None = None
    notes: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltEnvironment:
    """A shared, read-only environment. `lock` is `name==version` of every package, sorted."""

    key: str
    folder: Path
    python: Path
    lock: Sequence[str]


@dataclass(frozen=True)
class BuildLog:
    """How it stands with a build, and where what it printed is read; None where nothing was kept.

    `state` is building, built, failed, canceled or absent (never asked for, or removed since). `error` has the code,
    message and hint of a build that failed.
    """

    state: str
    path: Path | None = None
    error: Mapping[str, Any] | None = None


class EnvironmentBackend(Protocol):
    def plan(self, definition: EnvironmentDefinition) -> EnvironmentPlan:
        """Decide what would be built; quick and without network. Raises `InvalidRequest` naming what cannot be."""

    def ready(self, key: str) -> BuiltEnvironment | None:
        """The environment if it stands, in microseconds (it is asked for every job). Marks it as used."""

    def build(
        self, plan: EnvironmentPlan, log: Callable[[str], None], cancelled: Callable[[], bool] = lambda: False
    ) -> BuiltEnvironment:
        """Build it, or wait for the one build of the same key that is under way (in any process) and share its log.

        Every line of progress goes to `log`, with stage and time. Raises `InvalidRequest` (code
        `EnvironmentBuildFailed`) with the builder's own reason and the requirement line that caused it.
        """

    def build_log(self, key: str) -> BuildLog:
        """The log of the build under way, or of the last one that ended; its beginning and its end if it is long."""

    def locked(self, plan: EnvironmentPlan) -> str:
        """A requirements file with one version and the hashes of every package, and no address of an index.

        Versions are those of the environment if it stands. Raises `InvalidRequest` (code `NotLockable`) naming a
        requirement that has no hash, such as a branch of a repository, and as `build` does.
        """

    def layer(self, environment: BuiltEnvironment, folder: Path) -> dict[str, str]:
        """Make the thin, private layer of one job in `folder`; returns the variables that switch it on.

        The returned variables (PATH prefix under the key `PATH`, VIRTUAL_ENV, PIP_CONSTRAINT, ...) are merged into
        the job's. What the job installs lands in `folder`, never in the shared environment. As long as `folder`
        exists the environment counts as in use. Raises `Conflict` (code `EnvironmentGone`) if it was removed
        meanwhile: build it again.
        """

    def lend(self, environment: BuiltEnvironment) -> tuple[Path, dict[str, str]]:
        """A layer for one job, in a folder of the backend's own, and its variables. Raises as `layer` does."""

    def give_back(self, key: str, folder: Path) -> None:
        """The job that the layer was lent to has ended, with all its processes. What it changed is removed."""

    def sweep(self) -> None:
        """No job lives: layers that earlier processes lent are removed."""

    def release(self, folder: Path) -> None:
        """Remove a layer. Removing the folder by any other means does as well."""

    def list(self) -> Sequence[BuiltEnvironment]:
        """Every environment that stands on this machine."""

    def prune(self, unused_for_s: float, dry_run: bool) -> Sizes:
        """Remove environments that no job used for so long, never one in use; (key, bytes) of each."""
