"""What pydantic found wrong, as plain sentences with the place in the file and the nearest right name."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from zaffre.base.errors import Fault
from zaffre.spec import yaml

Location = tuple[str | int, ...]
MOST = 100  # faults told of one file
SENTENCES = {
    "missing": "`{key}` is missing",
    "extra_forbidden": "`{key}` is not known here",
    "int_parsing": "`{value}` is no whole number",
    "int_type": "`{value}` is no whole number",
    "int_from_float": "`{value}` is no whole number",
    "float_parsing": "`{value}` is no number",
    "float_type": "`{value}` is no number",
    "finite_number": "`{value}` is no number",
    "bool_parsing": "`{value}` is neither true nor false",
    "bool_type": "`{value}` is neither true nor false",
    "string_type": "`{key}` must be text, not {what}",
    "dict_type": "`{key}` must be a mapping, not {what}",
    "model_type": "`{key}` must be a mapping, not {what}",
    "model_attributes_type": "`{key}` must be a mapping, not {what}",
    "list_type": "`{key}` must be a list, not {what}",
    "greater_than_equal": "`{key}` must be at least {ge}, not {value}",
    "greater_than": "`{key}` must be more than {gt}, not {value}",
    "less_than_equal": "`{key}` must be at most {le}, not {value}",
    "less_than": "`{key}` must be less than {lt}, not {value}",
    "literal_error": "`{value}` is not allowed for `{key}`; it is one of {expected}",
}


@dataclass(frozen=True)
class Wrong:
    """A fault whose place is known by its keys only."""

    location: Location
    message: str
    hint: str | None = None


def from_validation(
    error: ValidationError, model: type[BaseModel], data: Any, file: str | None, text: str | None
) -> list[Fault]:
    """The faults of one file; those of included files have been collected already."""
    found: dict[tuple[Location, str], Wrong] = {}
    for item in error.errors(include_url=False)[: MOST * 5]:
        if item["type"] == "included":
            continue
        location = in_data(item["loc"], data, item["type"])
        wrong = sentence(location, item, model)
        found.setdefault((wrong.location, wrong.message), wrong)
    return placed(fewer(list(found.values())), file, text)


def fewer(wrongs: list[Wrong]) -> list[Wrong]:
    """Of a union of types only the plainest complaint, and at most `MOST` in all."""
    by_location: dict[Location, Wrong] = {}
    for wrong in wrongs:
        before = by_location.get(wrong.location)
        if before is None or rank(wrong) < rank(before):
            by_location[wrong.location] = wrong
    inner = {location[:length] for location in by_location for length in range(len(location))}
    kept = [
        wrong
        for location, wrong in by_location.items()
        if location not in inner or not wrong.message.endswith("mapping")
    ]
    return kept[:MOST]


def rank(wrong: Wrong) -> tuple[bool, int]:
    """A bound that is broken says more than a type that does not fit; then the shortest sentence is the plainest."""
    return " must be at " not in wrong.message, len(wrong.message)


def placed(wrongs: Iterable[Wrong], file: str | None, text: str | None) -> list[Fault]:
    """Faults with line and column of their key, or of the nearest thing around it that is in the file."""
    top = yaml.places(text) if text is not None else None
    faults = []
    for wrong in wrongs:
        line, column = find(top, wrong.location)
        faults.append(Fault(wrong.message, file, line, column, dotted(wrong.location), wrong.hint))
    return sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))


def find(place: yaml.Place | None, location: Location) -> tuple[int | None, int | None]:
    if place is None:
        return None, None
    at = (place.line, place.column)
    for part in location:
        entry = place.items.get(part)
        if entry is None:
            break
        at, place = entry[:2], entry[2]
    return at


def in_data(location: Sequence[str | int], data: Any, kind: str) -> Location:
    """The path of keys in the data, without the names of types that pydantic puts between."""
    path: list[str | int] = []
    last = len(location) - 1
    for index, part in enumerate(location):
        held: Any = data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list) else {}
        if part in held:
            data = held[part]
        elif not (index == last and kind == "missing"):
            continue
        path.append(part)
    return tuple(path)


def sentence(location: Location, item: Any, model: type[BaseModel]) -> Wrong:
    kind, context, value = item["type"], item.get("ctx") or {}, item.get("input")
    if "message" in context and item["msg"] == context["message"]:
        return Wrong(location, context["message"], context.get("hint"))
    key = str(location[-1]) if location else "the document"
    shown = "nothing" if value is None else short(value)
    words = {**context, "key": key, "value": shown, "what": what(value)}
    message = SENTENCES.get(kind, "`{key}`: {value} is not right here").format_map(words)
    if kind not in SENTENCES:
        message = f"`{key}`: {item['msg'][:1].lower()}{item['msg'][1:]}"
    hint = None
    if kind == "extra_forbidden":
        hint = nearest(key, known_keys(model, location[:-1]))
        if "{{" in key:
            hint = yaml.TEMPLATE
    elif kind == "literal_error":
        hint = nearest(shown.lower(), re.findall(r"'([^']*)'", context.get("expected", "")))
    return Wrong(location, message, hint)


def what(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{short(value)}`"


def short(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)[:200])[:80]


def nearest(word: str, words: Iterable[str]) -> str | None:
    """`did you mean `environment`?`, or None when nothing is near."""
    close = difflib.get_close_matches(word[:80], list(words), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None


def known_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys allowed at a place: by following the annotations, with all kinds of nodes at `jobs.*`."""
    models = {model}
    for part in location:
        following: set[type[BaseModel]] = set()
        for one in models:
            field = one.model_fields.get(str(part))
            if field is not None:
                following |= models_in(field.annotation)
        models = following or models
    return sorted({field.alias or name for one in models for name, field in one.model_fields.items()})


def models_in(annotation: Any) -> set[type[BaseModel]]:
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return {annotation, *(sub for sub in annotation.__subclasses__() if annotation.__name__ == "Node")}
    return set().union(*(models_in(part) for part in get_args(annotation))) if get_args(annotation) else set()


def dotted(location: Location) -> str | None:
    """`jobs.train.inputs.lr`, `rules[2].name`; None for the document itself."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or None
