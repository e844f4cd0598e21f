"""Documents of the YAML language on the client: from files, mappings and models to what is submitted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zaffre.base.errors import InvalidRequest
from zaffre.sdk.step import Component
from zaffre.spec import document, yaml
from zaffre.spec.document import Document

Submittable = Document | BaseModel | Component | Mapping[str, Any]


def load(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    kind: str | None = None,
    changes: Mapping[str, Any] | None = None,
    data_must_exist: bool = True,
) -> Document:
    """A document from a file, with `a.b.c=value` overrides, and top-level fields replaced by `changes`.

    Raises `SpecError` with every fault found.
    """
    flat = [override(key, value) for key, value in (changes or {}).items() if not isinstance(value, dict)]
    found = document.load(Path(path), [*overrides, *flat], kind, data_must_exist=data_must_exist)
    deep = {key: value for key, value in (changes or {}).items() if isinstance(value, dict)}
    if not deep:
        return found
    again = document.parse({**document.dump(found.spec), **deep}, kind=found.kind)
    return Document(found.kind, again.spec, found.path, found.notes)


def parse(mapping: Mapping[str, Any], kind: str, overrides: Sequence[str] = ()) -> Document:
    """A document from a mapping; relative paths start at the current folder. Raises `SpecError`."""
    return document.parse(dict(mapping), base=Path.cwd(), kind=kind, overrides=overrides)


def override(path: str, value: Any) -> str:
    """`path=value` such that the value is read back as it is."""
    if not isinstance(value, str):
        return f"{path}={json.dumps(value)}"
    if path.rsplit(".", 1)[-1] in yaml.TEXT_KEYS:
        return f"{path}={value}"
    return f"{path}='{value}'"


def as_spec(what: Submittable, changes: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The document as plain values, with some fields replaced; always a new mapping.

    What did not come from a file is checked here: models may have been changed since they were made.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    if isinstance(what, Component):
        if what.model is None:
            raise InvalidRequest(f"`{what.reference}` is registered already")
        what = what.model
    if isinstance(what, Document):
        spec = document.dump(what.spec)
        return document.dump(document.parse({**spec, **given}, kind=what.kind).spec) if given else spec
    plain = document.dump(what) if isinstance(what, BaseModel) else document.plain(dict(what))
    return document.dump(parse({**plain, **given}, kind).spec)
