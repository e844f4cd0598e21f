"""Loading a document of the language: the one door to this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zaffre.base.errors import Fault, InvalidRequest, SpecError
from zaffre.spec import include, kinds, override, yaml
from zaffre.spec.loading import Loading, Shared

SCHEMA_ADDRESS = "https://azuremlschemas.azureedge.net/latest/{}.schema.json"


@dataclass(frozen=True)
class Document:
    """A valid document. `kind` is such as job/command or data; `notes` tell what was accepted without effect."""

    kind: str
    spec: BaseModel
    path: Path | None = None
    notes: list[str] = field(default_factory=list)


def load(
    path: Path, overrides: Sequence[str] = (), kind: str | None = None, *, data_must_exist: bool = True
) -> Document:
    """The document in a file, with `a.b=value` overrides put in, files it names put in place and all paths absolute.

    `kind` is what the caller knows: a noun (`job`, `data`) or a whole kind. Raises SpecError with every fault found,
    InvalidRequest for a file that cannot be read or an override that cannot be applied, TooLarge. With
    `data_must_exist=False` local data that is missing becomes a note: a file can be right before its data is there.
    """
    path = Path(path).absolute()
    text = yaml.read(path)
    shared = Shared(data_must_exist=data_must_exist)
    return finish(yaml.parse(text, str(path)), kind, overrides, Loading(path.parent, str(path), (path,), shared), text)


def parse(
    data: Any,
    *,
    base: Path | None = None,
    kind: str | None = None,
    file: str | None = None,
    overrides: Sequence[str] = (),
) -> Document:
    """The document in values that are parsed already, such as the body of a request.

    Without `base` no file is looked at: what the document needs must be in it, paths are taken as they are.
    `file` is the name told in faults. Raises as `load`.
    """
    if isinstance(data, (dict, list)):
        measure(data, file)
    return finish(data, kind, overrides, Loading(base, file), None)


def finish(data: Any, noun: str | None, overrides: Sequence[str], loading: Loading, text: str | None) -> Document:
    """Values to a document: overrides, kind, model, and the faults of all files together."""
    shared = loading.shared
    if isinstance(data, dict):
        data = override.apply(data, overrides)
    kind = kinds.recognise(data, noun, loading.file)
    try:
        spec = include.validated(data, kind, loading, text)
    except SpecError as error:
        raise SpecError(list(dict.fromkeys([*error.faults, *shared.faults]))) from None
    if shared.faults:
        raise SpecError(list(dict.fromkeys(shared.faults)))
    return Document(kind, spec, loading.stack[0] if loading.stack else None, list(shared.notes))


def measure(data: Any, file: str | None) -> None:
    """Refuse what is too deep or too large before a validator recurses into it."""
    level, depth, count = [data], 0, 0
    while level:
        depth += 1
        if depth > yaml.DEPTH:
            raise SpecError([Fault(f"nested deeper than {yaml.DEPTH} levels", file)])
        count += len(level)
        if count > yaml.NODES:
            raise SpecError([Fault(f"more than {yaml.NODES:,} values", file)])
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, (dict, list))
        ]


def dump(spec: BaseModel) -> dict[str, Any]:
    """The YAML shape of a spec, JSON-able and without what is not set: `parse(dump(spec)).spec == spec`.

    Of a whole document `$schema` and `type` are always there, so that its kind is known.
    """
    data: dict[str, Any] = plain(spec)
    try:
        kind = kinds.kind_of(type(spec))
    except InvalidRequest:
        return data
    given = getattr(spec, "type", None)
    head = {"$schema": SCHEMA_ADDRESS.format(kinds.KINDS[kind][2])}
    if given is not None and "type" in type(spec).model_fields:
        head["type"] = given
    return {**head, **data}


def plain(value: Any) -> Any:
    """Models as mappings of what is set. Own code, because every value is JSON-able and unions are told by their class:
    pydantic's serialiser would try each branch."""
    if isinstance(value, BaseModel):
        held = value.__dict__
        given = value.model_fields_set
        return {name: plain(item) for name, item in held.items() if item is not None and name in given}
    if value.__class__ is dict:
        return {key: plain(item) for key, item in value.items()}
    if value.__class__ is list:
        return [plain(item) for item in value]
    return value
