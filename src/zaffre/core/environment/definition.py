"""What an environment is said to be, after every reference in it was resolved to content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class EnvironmentDefinition:
    """An environment after every reference in it was resolved to content: nothing here is a path or a name to look up.

    Exactly the fields of the YAML, plus what a workspace prescribes. `conda` is the parsed conda file; `dockerfile`
    the text of a build context's Dockerfile and `context_files` its small text files by relative path (requirements
    files that the Dockerfile copies, or that a conda file names with `-r`).
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
    variables: Mapping[str, str] = field(default_factory=dict)  # of the environment: every job in it sees them
    description: str | None = None
