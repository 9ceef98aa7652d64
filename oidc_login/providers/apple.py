"""Apple (https://developer.apple.com/documentation/signinwithapple)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from oidc_login.protocol.authorization import PARAMETERS
from oidc_login.protocol.errors import ResponseInvalid
from oidc_login.protocol.http.messages import strict_json
from oidc_login.protocol.private_key import PrivateKey
from oidc_login.providers.oidc import OIDCProvider

SECRET_LIFETIME = 300  # seconds; Apple allows six months, but one request needs no more than this
NAMES = {"firstName": "given_name", "lastName": "family_name"}
MAX_NAME_LENGTH = 100


class AppleProvider(OIDCProvider):
    """Sign in with Apple. `client_id` is the Services ID, and `client_key` the key with `key_id` of `team_id`."""

    display_name = "Apple"
    brand_color = "#000000"
    monogram = "A"
    default_scope = "openid name email"
    default_discovery_url = "https://appleid.apple.com/.well-known/openid-configuration"

    # https://developer.apple.com/documentation/signinwithapplerestapi/authenticating-users-with-sign-in-with-apple
    sends_booleans_as_strings = True
    # https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.
    answers_silently = False  # Apple does not support `prompt`
    # https://developer.apple.com/documentation/signinwithapplerestapi/verifying-a-user
    shortest_refresh_interval = 24 * 60 * 60
    # Apple supports no other method; its client secret is an assertion.
    token_endpoint_auth_methods_supported = ("client_secret_post",)
    # In June 2025 the document and the tokens named different issuers (https://github.com/supabase/auth/pull/2055).
    issuer_aliases = ("https://appleid.apple.com", "https://account.apple.com")
    # https://developer.apple.com/documentation/signinwithapplejs/incorporating-sign-in-with-apple-into-other-platforms
    response_parameters = (*PARAMETERS, "user")
    cancellation_errors = ("user_cancelled_authorize",)
    claims_told_once = ("name", "given_name", "family_name")

    def __init__(
        self,
        *,
        team_id: str,
        key_id: str,
        client_key: Mapping[str, Any] | str,
        response_mode: str = "form_post",
        **kwargs: Any,
    ) -> None:
        super().__init__(response_mode=response_mode, **kwargs)
        self.team_id = team_id
        self.key_id = key_id
        self._signing_key = PrivateKey(client_key)
        if self._signing_key.algorithm != "ES256":
            raise ValueError("client_key is not the key that Apple made for key_id, which is for ES256")

    def get_client_secrets(self) -> Sequence[str]:
        """Return the client secret for Apple: a JWT of the team for this client, signed with the team's ES256 key."""
        now = int(time.time())
        claims = {
            "iss": self.team_id,
            "sub": self.client_id,
            "aud": self.get_lasting_issuer(),
            "iat": now,
            "exp": now + SECRET_LIFETIME,
        }
        return (self._signing_key.sign(claims, key_id=self.key_id),)

    def claims_from_response(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return the names in `user`, which Apple posts at the first consent; ignore its `email`."""
        try:
            user = strict_json(parameters.get("user", "null"))
        except ResponseInvalid:
            return {}
        name = user.get("name") if isinstance(user, dict) else None
        parts = name if isinstance(name, dict) else {}
        said = {claim: parts.get(member) for member, claim in NAMES.items()}
        claims = {claim: text[:MAX_NAME_LENGTH] for claim, text in said.items() if isinstance(text, str) and text}
        return {**claims, "name": " ".join(claims.values())} if claims else {}
