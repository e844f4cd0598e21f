"""What is collected from conda files, images and Dockerfiles: a Python, requirement lines, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PythonWish:
    """Which Python is wanted.

    `specifier` is PEP 440 and binding (`==3.8.*`, `>=3.8,<3.11`); empty binds nothing. `prefer` is the version to take
    among those allowed: a patch (`3.8.5`), a minor version (`3.10`), or `newest`.
    """

    specifier: str = ""
    prefer: str | None = None


@dataclass
class Recipe:
    """Requirement lines as pip reads them, options included (`--extra-index-url ...`), in the order of the source.

    `notes` say, each in one sentence, what could not be honoured or was mapped.
    """

    python: PythonWish = field(default_factory=PythonWish)
    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    conda: bool = False  # a conda environment always has pip, setuptools and wheel

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def require(self, line: str) -> None:
        if line not in self.requirements:
            self.requirements.append(line)
