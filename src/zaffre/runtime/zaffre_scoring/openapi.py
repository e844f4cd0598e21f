"""The OpenAPI document of an endpoint, from what its model says of itself."""

from __future__ import annotations

from typing import Any

TITLE = "Scoring endpoint {}"


def document(name: str, path: str, host: str, hello: dict[str, Any], version: int) -> dict[str, Any]:
    """Swagger 2.0 as Azure ML's clients read it, or OpenAPI 3.0."""
    taken = hello.get("input_schema") or {"type": "object"}
    given = hello.get("output_schema") or {}
    error = {
        "type": "object",
        "properties": {"error": {"type": "object", "properties": {
            "code": {"type": "string"}, "message": {"type": "string"}, "request_id": {"type": "string"}}}},
    }  # fmt: skip
    schemas = {"ServiceInput": taken, "ServiceOutput": given, "ErrorResponse": error}
    info = {"title": TITLE.format(name), "version": "1.0"}
    if version == 2:
        return {
            "swagger": "2.0", "info": info, "host": host, "basePath": path, "schemes": ["http", "https"],
            "consumes": ["application/json"], "produces": ["application/json"],
            "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
            "security": [{"Bearer": []}],
            "paths": {
                "/": {"get": {"operationId": "ServiceHealthCheck", "responses": {"200": {"description": "healthy"}}}},
                "/score": {"post": {
                    "operationId": "RunMLService", "summary": "Score",
                    "parameters": [{"name": "serviceInputPayload", "in": "body", "required": True,
                                    "schema": {"$ref": "#/definitions/ServiceInput"}}],
                    "responses": {
                        "200": {"description": "the result", "schema": {"$ref": "#/definitions/ServiceOutput"}},
                        "default": {"description": "what is wrong", "schema": {"$ref": "#/definitions/ErrorResponse"}},
                    },
                }},
            },
            "definitions": schemas,
        }  # fmt: skip

    def content(schema: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

    return {
        "openapi": "3.0.3", "info": info, "servers": [{"url": path}], "security": [{"Bearer": []}],
        "paths": {"/score": {"post": {
            "operationId": "score", "summary": "Score",
            "requestBody": {"required": True, "content": content("ServiceInput")},
            "responses": {"200": {"description": "the result", "content": content("ServiceOutput")},
                          "default": {"description": "what is wrong", "content": content("ErrorResponse")}},
        }}},
        "components": {"schemas": schemas, "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}}},
    }  # fmt: skip
