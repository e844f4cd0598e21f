"""Files named inside of files: components, environments, jobs. Each is loaded once, with faults of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from zaffre.base import limits
from zaffre.base.errors import SpecError, ZaffreError
from zaffre.spec import faults, kinds, reference, yaml
from zaffre.spec.form import Form
from zaffre.spec.loading import Loading, fault, loading_of


def as_path(text: str) -> Path:
    return Path(text)


def load(text: str, noun: str, info: ValidationInfo) -> Form:
    """The model in the file `text`. Its faults are kept for the final error; the field then fails silently."""
    loading = loading_of(info)
    if loading.base is None:
        raise fault(
            f"{text} is a file; a request must contain what it says", hint="load the file with the zaffre client"
        )
    path = as_path(loading.locate(text))
    known = loading.shared.included.get((path, noun))
    if known is not None:
        return model_or_fault(known, text)
    if path in loading.stack:
        ring = [*loading.stack[loading.stack.index(path) :], path]
        raise fault(f"{text} contains itself: {' -> '.join(step.name for step in ring)}")
    if len(loading.stack) > limits.NESTED_PIPELINES:
        raise fault(f"{text}: files are nested deeper than {limits.NESTED_PIPELINES}")
    model: Form | None = None
    try:
        content = yaml.read(path)
        data = yaml.parse(content, str(path))
        inner = replace(loading, base=path.parent, file=str(path), stack=(*loading.stack, path))
        model = validated(data, kinds.recognise(data, noun, str(path)), inner, content)
        loading.shared.from_files.add(id(model))
    except SpecError as error:
        loading.shared.faults += error.faults
    except ZaffreError as error:
        raise fault(error.message, hint=error.hint) from None
    loading.shared.included[path, noun] = model or False
    return model_or_fault(model, text)


def inner(value: dict[str, Any], noun: str, info: ValidationInfo) -> Form:
    """A document written in place of a file."""
    try:
        kind = kinds.recognise(value, noun)
        found = kinds.model(kind, value)
    except SpecError as error:
        raise fault(error.faults[0].message, hint=error.faults[0].hint) from None
    return found.model_validate(document_body(value), context=info.context)


def located(text: str, info: ValidationInfo) -> str:
    return loading_of(info).locate(text)


def raw(text: str, info: ValidationInfo) -> dict[str, Any] | None:
    """The content of a local file if it is a mapping; None when there is no such file or nothing can be read."""
    loading = loading_of(info)
    if loading.base is None or not reference.is_local(text):
        return None
    try:
        content = yaml.parse(yaml.read(as_path(loading.locate(text))), text)
    except (ZaffreError, PydanticCustomError):
        return None
    return content if isinstance(content, dict) else None


def model_or_fault(model: Form | bool | None, text: str) -> Form:
    if not isinstance(model, Form):
        raise fault(f"{text} has faults", kind="included")
    return model


def validated(data: dict[str, Any], kind: str, loading: Loading, content: str | None) -> Form:
    """The model of a kind from its data. Raises SpecError with the faults of this file, placed in `content`."""
    from pydantic import ValidationError

    from zaffre.spec import check

    model = kinds.model(kind, data, loading.file)
    body = document_body(data)
    try:
        found = model.model_validate(body, context=loading)
    except ValidationError as error:
        raise SpecError(faults.from_validation(error, model, data, loading.file, content)) from None
    wrong = check.check(found, loading)
    if wrong:
        raise SpecError(faults.placed(wrong, loading.file, content))
    return found


def document_body(data: dict[str, Any]) -> dict[str, Any]:
    """A document without `$schema`, its type in our spelling."""
    body = {key: value for key, value in data.items() if key != "$schema"}
    if isinstance(body.get("type"), str):
        body["type"] = kinds.type_of(data)
    return body
