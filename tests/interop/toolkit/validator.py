"""What the provider says about people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

# Groups are what Django's user has to say more about somebody.
UNVERIFIED = "unverified"


class Validator(OAuth2Validator):  # type: ignore[misc]  # the toolkit has no types
    """Puts the standard claims into ID token and userinfo, as the granted scopes allow."""

    oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "email_verified": "email"}

    def get_additional_claims(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            "preferred_username": lambda request: request.user.get_username(),
            "email": lambda request: request.user.email,
            "email_verified": lambda request: not request.user.groups.filter(name=UNVERIFIED).exists(),
        }
