"""drf-spectacular: what an OpenAPI document says of `BearerAuthentication`. Loaded where that is installed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from oidc_login.contrib.drf import HasScopes


class BearerScheme(OpenApiAuthenticationExtension):
    """A bearer token (RFC 6750), with the scopes that an operation asks for."""

    target_class = "oidc_login.contrib.drf.BearerAuthentication"
    name = "bearerAuth"
    match_subclasses = True

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        asked = [one for one in auto_schema.view.get_permissions() if isinstance(one, HasScopes)]
        return {self.name: sorted({scope for permission in asked for scope in permission.required_scopes})}
