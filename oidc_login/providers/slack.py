"""Slack (https://docs.slack.dev/authentication/sign-in-with-slack)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oidc_login.protocol.errors import InvalidIDToken
from oidc_login.providers.oidc import OIDCProvider

TEAM_CLAIM = "https://slack.com/team_id"
TEAM = re.compile(r"[A-Z0-9]{1,64}")

# https://docs.slack.dev/reference/methods/openid.connect.token#errors
TOKEN_ERRORS = {
    **dict.fromkeys(("invalid_code", "code_already_used", "code_expired", "invalid_refresh_token"), "invalid_grant"),
    **dict.fromkeys(("invalid_client_id", "bad_client_secret"), "invalid_client"),
}


class SlackProvider(OIDCProvider):
    """Members of Slack workspaces. `team` only admits members of one workspace."""

    display_name = "Slack"
    brand_color = "#4a154b"
    monogram = "S"
    default_discovery_url = "https://slack.com/.well-known/openid-configuration"
    kept_claims = (TEAM_CLAIM, "https://slack.com/user_id")

    # PKCE turns an app into a public client, whose secret Slack then rejects; it is meant for another endpoint.
    # https://docs.slack.dev/authentication/using-pkce
    uses_pkce = False
    # Anybody can open a workspace, and its administrators can set the addresses of members.
    email_needs = "team"
    # https://docs.slack.dev/authentication/sign-in-with-slack
    answers_silently = False  # Slack does not support `prompt`

    def __init__(self, *, team: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.team = team

    def get_authorization_url_params(self, *, request: Any) -> dict[str, Any]:
        return {**super().get_authorization_url_params(request=request), "team": self.team or None}

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """The parameter `team` only skips Slack's list of workspaces, so check the claim."""
        return not self.team or claims.get(TEAM_CLAIM) == self.team

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Translate Slack's errors, which have status 200, into codes of RFC 6749 5.2."""
        error = answer.get("error")
        return {**answer, "error": TOKEN_ERRORS.get(error, error)} if isinstance(error, str) else answer

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        """Return the issuer with the workspace, because member IDs were once unique only within a workspace."""
        team = claims.get(TEAM_CLAIM)
        if not isinstance(team, str) or not TEAM.fullmatch(team):
            raise InvalidIDToken("team_id")
        return f"{self.get_lasting_issuer()}/{team}"

    def is_possible_issuer(self, issuer: str) -> bool:
        issuer, _, team = issuer.rpartition("/")
        return bool(TEAM.fullmatch(team)) and super().is_possible_issuer(issuer)
