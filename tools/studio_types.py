"""Write the Studio's TypeScript types of the API from the operation table: `python tools/studio_types.py`.

A test compares the result with the committed file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from zaffre.api.openapi import document
from zaffre.wire.operation import Body
from zaffre.wire.table import OPERATIONS

PLACE = Path(__file__).parents[1] / "studio/src/data/api.d.ts"
HEAD = "// Made by tools/studio_types.py from the operation table. Do not edit.\n"
PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def render() -> str:
    schemas: dict[str, Any] = document("0")["components"]["schemas"]
    lines = [HEAD]
    lines += [f"export interface {_name(name)} {_object(schema)}\n" for name, schema in sorted(schemas.items())
              if schema.get("type") == "object"]  # fmt: skip
    lines += [f"export type {_name(name)} = {_type(schema)};\n" for name, schema in sorted(schemas.items())
              if schema.get("type") != "object"]  # fmt: skip
    lines.append("export interface Operations {")
    for operation in sorted(OPERATIONS.values(), key=lambda item: item.name):
        answer = operation.response.__name__ if operation.body in (Body.JSON, Body.STREAM_UP) else "Response"
        lines.append(f'  "{operation.name}": {{ request: {operation.request.__name__}; response: {answer} }};')
    lines.append("}\n")
    lines.append("export type OperationName = keyof Operations;\n")
    return "\n".join(lines)


def render_routes() -> str:
    """Method and path of each operation, for the client."""
    lines = [HEAD, "export const ROUTES = {"]
    for operation in sorted(OPERATIONS.values(), key=lambda item: item.name):
        lines.append(f'  "{operation.name}": ["{operation.method}", "api{operation.path}"],')
    return "\n".join([*lines, "} as const;", ""])


def _name(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _object(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    lines = ["{"]
    for name, value in schema.get("properties", {}).items():
        optional = "" if name in required else "?"
        key = name if re.fullmatch(r"[A-Za-z_]\w*", name) else f'"{name}"'
        lines.append(f"  {key}{optional}: {_type(value)};")
    if schema.get("additionalProperties"):
        lines.append("  [more: string]: unknown;")
    return "\n".join([*lines, "}"])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return " | ".join(f'"{item}"' for item in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(item) for item in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(PLAIN[item] for item in kind)
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if kind == "object":
        if "properties" in schema:
            return _object(schema)
        inner = schema.get("additionalProperties", True)
        return f"Record<string, {'any' if inner is True else _type(inner)}>"
    return PLAIN.get(str(kind), "any")


if __name__ == "__main__":
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(render(), "utf-8")
    PLACE.with_name("routes.ts").write_text(render_routes(), "utf-8")
