"""What the engine asks of a maker of environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class EnvironmentDefinition:
    """An environment after every reference in it was resolved to content: nothing here is a path or a name to look up.

    Exactly the fields of the YAML, plus what a workspace prescribes. `conda` is the parsed conda file; `dockerfile`
    the text of a build context's Dockerfile and `context_files` its small text files by relative path (requirements
    files that the Dockerfile copies).
    """

    name: str | None = None  # curated or registered name, for messages and for the curated catalogue
    version: str | None = None
    image: str | None = None
    conda: Mapping[str, object] | None = None
    requirements: Sequence[str] = ()
    dockerfile: str | None = None
    context_files: Mapping[str, str] = field(default_factory=dict)
    python_version: str | None = None
    constraints: Sequence[str] = ()  # of the workspace and of the environment, as pip writes them: `mlflow<3.10`
    exclude_newer: str | None = None  # as-of date, ISO 8601


@dataclass(frozen=True)
class EnvironmentPlan:
    """What would be built. `key` (hex) identifies it: the same key is the same environment.

    `notes` say, each in one sentence, what could not be honoured or was mapped.
    """

    key: str
    python: str  # "3.10"
    interpreter: Path
    requirements: Sequence[str]
    constraints: Sequence[str]
    exclude_newer: str | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class BuiltEnvironment:
    """A shared, read-only environment. `lock` is `name==version` of every package, sorted."""

    key: str
    folder: Path
    python: Path
    lock: Sequence[str]


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

    def layer(self, environment: BuiltEnvironment, folder: Path) -> dict[str, str]:
        """Make the thin, private layer of one job in `folder`; returns the variables that switch it on.

        The returned variables (PATH prefix under the key `PATH`, VIRTUAL_ENV, PIP_CONSTRAINT, ...) are merged into
        the job's. What the job installs lands in `folder`, never in the shared environment.
        """

    def list(self) -> list[BuiltEnvironment]:
        """Every environment that stands on this machine."""

    def prune(self, unused_for_s: float, dry_run: bool) -> list[tuple[str, int]]:
        """Remove environments that no job used for so long; (key, bytes) of each."""
