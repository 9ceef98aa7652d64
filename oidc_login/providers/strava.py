"""Strava (https://developers.strava.com/docs/authentication/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.protocol.authorization import PARAMETERS
from oidc_login.providers.mapping import text_at, value_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser

# The RFC 6749 5.2 error codes for Strava's errors.
ERRORS = {"AuthorizationCode": "invalid_grant", "RefreshToken": "invalid_grant", "Application": "invalid_client"}


class StravaProvider(OAuth2Provider):
    """Strava. The identity is the athlete's number."""

    display_name = "Strava"
    brand_color = "#c43b00"
    monogram = "ST"
    default_scope = "read"
    token_endpoint_auth_methods_supported = ("client_secret_post",)
    # Only the authorization response contains the scope that the person accepted
    # (https://developers.strava.com/docs/authentication/#detailsaboutrequestingaccess).
    response_parameters = (*PARAMETERS, "scope")
    scope_separator = ","  # https://developers.strava.com/docs/authentication/#detailsaboutrequestingaccess

    authorization_endpoint = "https://www.strava.com/oauth/authorize"
    token_endpoint = "https://www.strava.com/api/v3/oauth/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://www.strava.com/api/v3/athlete"
    revocation_endpoint = "https://www.strava.com/oauth/deauthorize"
    revocation_method = "POST"  # https://developers.strava.com/docs/authentication/#deauthorization
    api_base_url = "https://www.strava.com/api/v3"
    mapping = {"user_id": "id", "username": "username", "picture": "profile"}

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """The name has two parts, and the picture is a path if the person has none of their own."""
        user = super().user_from_userinfo(userinfo, oauth_token=oauth_token)
        user.name = f"{text_at(userinfo, 'firstname')} {text_at(userinfo, 'lastname')}".strip()
        user.picture = user.picture if user.picture.startswith("https://") else ""
        return user

    def narrowed_scope(self, scope: str, parameters: Mapping[str, str]) -> str:
        if "scope" not in parameters:
            return scope
        left = self.granted_scopes(parameters["scope"])
        return " ".join(name for name in scope.split() if name in left)

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Errors consist of `message` and `errors` (https://developers.strava.com/docs/authentication/#tokenexchange)."""
        if "access_token" in answer or "errors" not in answer:
            return answer
        resource = value_at(answer, "errors.0.resource")
        known = isinstance(resource, str) and resource in ERRORS
        return {**answer, "error": ERRORS[resource] if known else "invalid_request"}
