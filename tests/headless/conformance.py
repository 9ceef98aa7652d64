"""Every answer of the endpoints against their own OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
from django.conf import settings

from oidc_login.contrib.headless.openapi import build_document
from oidc_login.contrib.headless.urls import urlpatterns


def document() -> dict[str, Any]:
    return build_document(urlpatterns, prefix="/api/auth/", session_cookie=settings.SESSION_COOKIE_NAME)


def check_answer(method: str, path: str, response: Any) -> None:
    """Fail for an answer that the document does not describe; 405 is every endpoint's, for every other method."""
    found = document()
    described = [operations for template, operations in found["paths"].items() if pattern_of(template).fullmatch(path)]
    if not described or method.lower() not in described[0]:
        assert response.status_code in (404, 405), f"{method} {path} is not in the document"
        return
    answers = described[0][method.lower()]["responses"]
    assert str(response.status_code) in answers, (
        f"{method} {path} answers {response.status_code}, which is not described"
    )
    content = answers[str(response.status_code)].get("content", {})
    if not content:
        assert response.content == b""
        return
    ((content_type, media),) = content.items()
    assert response["Content-Type"] == content_type
    schema = {**media["schema"], "components": found["components"]}
    jsonschema.validate(response.json(), schema, cls=jsonschema.Draft202012Validator)


def pattern_of(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)))
