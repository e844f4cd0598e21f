"""Whether a value fits a declared input: type, bounds, choices."""

from __future__ import annotations

from zaffre.spec.inputs import DATA_TYPES, Input, LiteralValue

FILES = frozenset(("uri_file", "uri_folder", "mltable"))


def why_not(value: LiteralValue, declared: Input) -> str | None:
    """Why a literal does not fit, as the end of a sentence (`is 3, above the maximum 1`), or None."""
    kind = declared.type
    if kind is None or (isinstance(value, str) and "${{" in value):
        return None
    if kind in DATA_TYPES:
        return None if isinstance(value, str) else f"is the value {value}, not data of type {kind}"
    listed = {str(choice) for choice in declared.enum or ()}
    # A number for a text of which choices are listed passes, as it does in Azure ML: files rely on it.
    if listed and str(value) not in listed and (isinstance(value, str) or kind != "string"):
        return f"is `{value}`, not one of {', '.join(map(str, declared.enum or ()))}"
    if kind == "boolean":
        fits = isinstance(value, bool) or str(value).lower() in ("true", "false")
        return None if fits else f"is `{value}`, not a boolean"
    if kind not in ("integer", "number"):
        return None
    number = number_of(value)
    if number is None or (kind == "integer" and number != int(number)):
        return f"is `{value}`, not {'a whole number' if kind == 'integer' else 'a number'}"
    if declared.min is not None and number < declared.min:
        return f"is {value}, below the minimum {declared.min}"
    if declared.max is not None and number > declared.max:
        return f"is {value}, above the maximum {declared.max}"
    return None


def number_of(value: LiteralValue) -> int | float | None:
    """Also text that is a number: Azure ML keeps all values as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value if value - value == 0 else None  # neither infinite nor NaN
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number - number == 0 else None


def mismatch(given: str | None, wanted: str | None) -> bool:
    """Whether data or a parameter of one type cannot be what another type wants. Kinds of files pass for each other,
    a folder may hold a model, and a parameter's text may be any value."""
    if given is None or wanted is None or given == wanted:
        return False
    if (given in DATA_TYPES) != (wanted in DATA_TYPES):
        return True
    if given not in DATA_TYPES or {given, wanted} <= FILES:
        return False
    return "uri_folder" not in (given, wanted) and "custom_model" not in (given, wanted)
