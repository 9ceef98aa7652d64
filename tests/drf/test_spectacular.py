"""What an OpenAPI document says of the authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.drf import urls

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def schema(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    from drf_spectacular.openapi import AutoSchema

    for view in (urls.WhoAmI, urls.Orders):
        monkeypatch.setattr(view, "schema", AutoSchema())
    patterns: Any = [one for one in urls.urlpatterns if str(one.pattern) in ("whoami/", "orders/")]
    return SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)


def test_scheme_is_a_bearer_token(schema: Any) -> None:
    assert schema["components"]["securitySchemes"] == {"bearerAuth": {"type": "http", "scheme": "bearer"}}
    assert schema["paths"]["/whoami/"]["get"]["security"] == [{"bearerAuth": []}]


def test_operation_names_its_scopes(schema: Any) -> None:
    assert schema["paths"]["/orders/"]["get"]["security"] == [{"bearerAuth": ["orders.read"]}]
