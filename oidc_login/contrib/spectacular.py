"""drf-spectacular: describes `BearerAuthentication` in OpenAPI documents. `contrib.drf` imports it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from oidc_login.access_tokens.requests import Demand


class BearerScheme(OpenApiAuthenticationExtension):
    """A bearer token (RFC 6750) with the scopes and roles that an operation requires."""

    target_class = "oidc_login.contrib.drf.BearerAuthentication"
    name = "bearerAuth"
    match_subclasses = True

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """Return the names of scopes and roles; OpenAPI 3.1 lists both under schemes other than OAuth 2.0."""
        found = [getattr(permission, "demand", None) for permission in auto_schema.view.get_permissions()]
        demands = [demand for demand in found if isinstance(demand, Demand)]
        return {self.name: sorted({name for demand in demands for name in (*demand.scopes, *demand.roles)})}
