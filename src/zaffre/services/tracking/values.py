"""What a client logs, checked: keys, parameters, tags, metric points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zaffre.base import limits
from zaffre.base.errors import InvalidRequest
from zaffre.store.metrics import Point

_SPECIAL = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "nan": float("nan"),
}
_INT64 = 2**63
_LAST_MOMENT = 253_402_300_800_000


def wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="InvalidValue")


def text(value: Any, what: str, most: int | None = None) -> str:
    """A string of at most `most` characters; nothing a database cannot hold."""
    if not isinstance(value, str):
        raise wrong(f"Invalid value for parameter '{what}' supplied: expected a string, got {type(value).__name__}")
    if most is not None and len(value) > most:
        raise wrong(f"'{what}' exceeds the maximum length of {most} characters: it has {len(value)}")
    if "\0" in value:
        raise wrong(f"'{what}' holds a NUL character, which no key or value may")
    return value


def key(value: Any, what: str) -> str:
    if not text(value, what, limits.KEY_LENGTH):
        raise wrong(f"Missing value for required parameter '{what}'.")
    return str(value)


def params(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Raises `InvalidRequest` also when one key comes with two values."""
    found: dict[str, str] = {}
    for index, item in enumerate(items):
        name = key(item.get("key"), f"params[{index}].key")
        value = text(item.get("value", ""), f"params[{index}].value", limits.PARAM_LENGTH)
        if found.setdefault(name, value) != value:
            raise wrong(f"Duplicate parameter keys have been submitted: '{name}'")
    return found


def tags(items: Iterable[Mapping[str, Any]], most: int = limits.TAG_LENGTH) -> dict[str, str]:
    """The last one of a key counts. Raises `InvalidRequest` also for more than a thing may have."""
    found = {
        key(item.get("key"), f"tags[{index}].key"): text(item.get("value", ""), f"tags[{index}].value", most)
        for index, item in enumerate(items)
    }
    if len(found) > limits.TAGS:
        raise wrong(f"A request can contain at most {limits.TAGS} tags. Got {len(found)}.")
    return found


def moment(value: int | None, what: str) -> int | None:
    """Milliseconds since 1970, up to the year 10,000."""
    if value is not None and not 0 <= value < _LAST_MOMENT:
        raise wrong(f"Invalid value {value} for parameter '{what}' supplied: expected milliseconds since 1970")
    return value


def points(items: Iterable[Mapping[str, Any]]) -> list[Point]:
    return [point(item, index) for index, item in enumerate(items)]


def point(item: Mapping[str, Any], index: int = 0) -> Point:
    """One metric value as MLflow sends it: `value` a number, or NaN and the infinities by name."""
    name, value = item.get("key"), item.get("value")
    if type(name) is not str or not 0 < len(name) <= limits.KEY_LENGTH or "\0" in name:
        name = key(name, f"metrics[{index}].key")
    if type(value) is not float:
        value = _number(value, f"metrics[{index}].value")
    timestamp, step = item.get("timestamp"), item.get("step", 0)
    if type(timestamp) is not int or not -_INT64 <= timestamp < _INT64:
        timestamp = _whole(timestamp, f"metrics[{index}].timestamp")
    if type(step) is not int or not -_INT64 <= step < _INT64:
        step = _whole(step, f"metrics[{index}].step")
    return Point(name, value, timestamp, step)


def _number(value: Any, what: str) -> float:
    if isinstance(value, str) and value in _SPECIAL:
        return _SPECIAL[value]
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise wrong(f"Invalid value {value!r:.100} for parameter '{what}' supplied: expected a number")


def _whole(value: Any, what: str) -> int:
    """int64 comes as a number, from some clients as text."""
    if value is None:
        raise wrong(f"Missing value for required parameter '{what}'.")
    if isinstance(value, str) and value.lstrip("-").isdigit() and len(value) < 25:
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:  # beyond, it was rounded
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT64 <= value < _INT64:
        raise wrong(f"Invalid value {value!r:.100} for parameter '{what}' supplied: expected a 64-bit whole number")
    return value


def whole(value: Any, what: str, default: int | None = None) -> int:
    return default if value is None and default is not None else _whole(value, what)
