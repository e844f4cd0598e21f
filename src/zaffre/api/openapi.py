"""The OpenAPI document, made from the operation table."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from zaffre.api.routes import PREFIX
from zaffre.wire.operation import Body, Operation
from zaffre.wire.table import OPERATIONS

ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "field": {"type": ["string", "null"]},
        "file": {"type": ["string", "null"]},
        "line": {"type": ["integer", "null"]},
        "column": {"type": ["integer", "null"]},
        "faults": {"type": "array", "items": {"type": "object"}},
    },
}


def document(version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of everything below /api."""
    operations = list(OPERATIONS.values())
    models = {model for item in operations for model in (item.request, item.response)}
    ordered = sorted(models, key=lambda model: model.__name__)
    refs, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for item in operations:
        paths.setdefault(PREFIX + item.path, {})[item.method.lower()] = _operation(item, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Zaffre", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas.get("$defs", {}), "Error": ERROR},
        },
    }


def _operation(item: Operation[Any, Any], refs: Any) -> dict[str, Any]:
    in_query = item.method in ("GET", "DELETE") or item.body is Body.STREAM_UP
    fields = item.request.model_json_schema()
    required = set(fields.get("required", ()))
    parameters = [
        {
            "name": name,
            "in": "path" if name in item.path_fields else "query",
            "schema": schema,
            "required": name in item.path_fields or name in required,
        }
        for name, schema in fields.get("properties", {}).items()
        if name in item.path_fields or in_query
    ]
    kinds = {
        Body.JSON: "application/json",
        Body.STREAM_UP: "application/json",
        Body.EVENTS: "application/x-ndjson",
        Body.STREAM_DOWN: "application/octet-stream",
        Body.BYTES: "application/octet-stream",
    }
    in_bytes = item.body in (Body.STREAM_DOWN, Body.BYTES)
    schema = {"type": "string", "format": "binary"} if in_bytes else refs[(item.response, "validation")]
    described: dict[str, Any] = {
        "operationId": item.name,
        "summary": item.summary,
        "tags": [item.name.split(".", maxsplit=1)[0]],
        "x-permission": item.permission.value,
        "parameters": parameters,
        "responses": {
            "200": {"description": "As asked", "content": {kinds[item.body]: {"schema": schema}}},
            "default": {
                "description": "What is wrong",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if item.body is Body.STREAM_UP:
        described["requestBody"] = {
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        }
    elif not in_query:
        described["requestBody"] = {"content": {"application/json": {"schema": refs[(item.request, "validation")]}}}
    return described
