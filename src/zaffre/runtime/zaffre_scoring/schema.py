"""What a model takes and gives, as the parts of an OpenAPI document that the gateway puts together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TYPES = {
    "double": {"type": "number", "format": "double"},
    "float": {"type": "number", "format": "float"},
    "long": {"type": "integer", "format": "int64"},
    "integer": {"type": "integer", "format": "int32"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "format": "byte"},
}


def of_decorators(util: Any, run: Any) -> dict[str, Any]:
    """Of the `inference_schema` decorators of `run`."""
    found: dict[str, Any] = {}
    taken = util.get_input_schema(run)
    given = util.get_output_schema(run)
    if taken:
        found["input_schema"] = taken
    if given:
        found["output_schema"] = given
    return found


def of_columns(columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the columns of an MLflow signature: the body that the scoring address takes."""
    names = [str(column.get("name", i)) for i, column in enumerate(columns)]
    items = {name: TYPES.get(str(c.get("type")), {}) for name, c in zip(names, columns)}
    rows = {"type": "array", "items": {"type": "array", "items": {}}}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}, "example": names},
            "index": {"type": "array", "items": {"type": "integer"}},
            "data": rows,
        },
    }
    return {
        "type": "object",
        "properties": {"input_data": split},
        "x-columns": {"type": "object", "properties": items, "required": names},
    }
