"""The local files and folders that a loaded spec names, so that a client can upload them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel

from zaffre.spec import form, reference

Spec = TypeVar("Spec", bound=BaseModel)


def local_paths(spec: BaseModel) -> Iterator[tuple[str, str]]:
    """(`code`, `path` or `additional_includes`; the path) of each local path, also in components written in place.

    Where outputs go and addresses of probes are left out: they are nothing to upload.
    After `document.load` the paths are absolute.
    """
    found: list[tuple[str, str]] = []

    def see(field: str, path: str) -> str:
        found.append((field, path))
        return path

    replace_local_paths(spec, see)
    return iter(dict.fromkeys(found))


def replace_local_paths(spec: Spec, swap: Callable[[str, str], str]) -> Spec:
    """The spec with `swap(field, path)` in place of every local path. The given spec is not changed."""
    done: dict[int, Any] = {}
    result: Spec = walked(spec, None, swap, done)
    return result


def walked(value: Any, field: str | None, swap: Callable[[str, str], str], done: dict[int, Any]) -> Any:
    if isinstance(value, str):
        return swap(field, value) if field is not None and reference.is_local(value) else value
    if isinstance(value, BaseModel):
        if id(value) not in done:  # a component used by many steps is one object, and stays one
            local = local_fields(type(value))
            held = {
                name: walked(item, name if name in local else None, swap, done) for name, item in value.__dict__.items()
            }
            changed = {name: item for name, item in held.items() if item is not value.__dict__[name]}
            done[id(value)] = value.model_copy(update=changed) if changed else value
        return done[id(value)]
    if value.__class__ is dict:
        items = {key: walked(item, None, swap, done) for key, item in value.items()}
        return value if all(items[key] is item for key, item in value.items()) else items
    if value.__class__ is list:
        new = [walked(item, field, swap, done) for item in value]
        return value if all(one is other for one, other in zip(new, value, strict=True)) else new
    return value


@cache
def local_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields declared as `LocalPath` or `DataPath`, or a list of them."""
    return frozenset(name for name, info in model.model_fields.items() if takes_path([*info.metadata, info.annotation]))


def takes_path(parts: list[Any]) -> bool:
    for part in parts:
        if isinstance(part, AfterValidator) and part.func in (form.local_path, form.data_path):
            return True
        if takes_path([*getattr(part, "__metadata__", ()), *get_args(part)]):
            return True
    return False
