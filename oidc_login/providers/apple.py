"""Apple (https://developer.apple.com/documentation/signinwithapple)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.jose import PrivateKey
from .facts import Facts
from .oidc import OIDCProvider

SECRET_LIFETIME = 300  # seconds; Apple takes up to six months, one request needs no more


class AppleProvider(OIDCProvider):
    """Sign in with Apple: `client_id` is the Services ID, `client_key` the key of `key_id` and `team_id`."""

    display_name = "Apple"
    brand_color = "#000000"
    monogram = "A"
    default_scope = "openid name email"
    default_discovery_url = "https://appleid.apple.com/.well-known/openid-configuration"

    facts = Facts(
        register_at="https://developer.apple.com/account/resources/identifiers/list/serviceId",
        register_as="A Services ID with *Sign in with Apple* switched on, and a key for it. Apple takes https URLs "
        "alone, and no `localhost`.",
        identity="`sub`, which belongs to one development team: another team sees another one.",
        email='Counts where `email_verified` is `true` or `"true"`. People may choose a relay address, to which mail '
        "goes from registered senders alone.",
        refresh="A refresh token that does not expire; Apple asks to use it once a day at most.",
        sources=("https://developer.apple.com/documentation/signinwithapplerestapi",),
    )

    # https://developer.apple.com/documentation/signinwithapplerestapi/authenticating-users-with-sign-in-with-apple
    sends_booleans_as_strings = True
    # https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.
    answers_silently = False  # there is no `prompt`
    # https://developer.apple.com/documentation/signinwithapplerestapi/verifying-a-user
    shortest_refresh_interval = 24 * 60 * 60

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
        # Apple knows no other method; what it calls the client secret is an assertion.
        self.token_endpoint_auth_method = "client_secret_post"  # noqa: S105  # the name of a method

    def get_client_secrets(self) -> Sequence[str]:
        """Return the secret that Apple wants: a JWT of the team, signed with its ES256 key, for this client."""
        now = int(time.time())
        claims = {
            "iss": self.team_id,
            "sub": self.client_id,
            "aud": self.get_issuer(),
            "iat": now,
            "exp": now + SECRET_LIFETIME,
        }
        return (self._signing_key.sign(claims, key_id=self.key_id),)
