"""Builds the OpenAPI 3.1 document of the endpoints from their own descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.urls import URLPattern

import oidc_login
from oidc_login.contrib.headless.cors import HEADERS
from oidc_login.contrib.headless.schema import PROBLEM, Operation
from oidc_login.problems import CONTENT_TYPE

PARAMETER: Final = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
COOKIE: Final[dict[str, list[str]]] = {"session": []}
APP_TOKEN: Final[dict[str, list[str]]] = {"app_token": []}


def build_document(patterns: Iterable[Any], *, prefix: str, session_cookie: str) -> dict[str, Any]:
    """Return the document for these URL patterns below the path `prefix`."""
    paths: dict[str, dict[str, Any]] = {}
    for path, name, operations in described(patterns):
        paths[prefix + PARAMETER.sub(r"{\g<name>}", path)] = {
            "parameters": [parameter(found) for found in PARAMETER.finditer(path)],
            **{method: described_operation(name, method, found) for method, found in operations.items()},
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sign-in for front ends and phones", "version": oidc_login.__version__},
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": session_cookie},
                "app_token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def described(patterns: Iterable[Any]) -> Iterator[tuple[str, str, Mapping[str, Operation]]]:
    """Yield path, name and operations of each pattern whose endpoint has a description."""
    for pattern in patterns:
        operations = getattr(getattr(pattern.callback, "view_class", None), "operations", None)
        if isinstance(pattern, URLPattern) and operations:
            yield str(pattern.pattern), str(pattern.name), operations


def parameter(found: re.Match[str]) -> dict[str, Any]:
    return {"name": found["name"], "in": "path", "required": True, "schema": {"type": "string"}}


def described_operation(name: str, method: str, operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": f"{method}_{name}",
        "summary": operation.summary,
        "responses": {str(status): answer(schema) for status, schema in operation.answers.items()},
        "security": [{}, COOKIE, *([APP_TOKEN] if operation.takes_app_token else [])],
    }
    document["responses"] |= {str(status): problem() for status in sorted(operation.errors)}
    if operation.needs_csrf_token:
        document["parameters"] = [
            {"name": HEADERS.split(", ")[1], "in": "header", "required": False, "schema": {"type": "string"}}
        ]
    if operation.body is not None:
        document["requestBody"] = {"required": False, "content": {"application/json": {"schema": operation.body}}}
    return document


def answer(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        return {"description": "Done"}
    return {"description": "OK", "content": {"application/json": {"schema": schema}}}


def problem() -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": "A problem document (RFC 9457) with a `code`", "content": content}
