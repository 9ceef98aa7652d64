"""A provider with Apple's habits: its document, its kind of client secret, its kind of ID token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
from jwcrypto.jwk import JWK

from oidc_login.testing import Answer, OpenIDProvider, ProviderRequest, UnsignedToken
from oidc_login.testing.application import Endpoint

KEY = JWK.generate(kty="EC", crv="P-256")
KEY_TEXT = KEY.export_to_pem(private_key=True, password=None).decode()
DOCUMENT = Path(__file__).resolve().parents[2] / "discovery_fixtures" / "apple" / "openid-configuration.json"


class AppleStyleProvider(OpenIDProvider):
    """Takes a secret that the team's key has signed for this client, as it has to be since that key was made.

    https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"document": json.loads(DOCUMENT.read_text()), **options})
        self.expected_audience = ""  # of a secret; by default the provider's own issuer

    def endpoints(self) -> dict[str, Endpoint]:
        known = super().endpoints()
        asked = {path: endpoint for path, endpoint in known.items() if endpoint.name in ("token", "revocation")}
        return {**known, **{path: Endpoint(e.name, self._knowing_the_secret(e)) for path, e in asked.items()}}

    def _knowing_the_secret(self, endpoint: Endpoint) -> Any:
        def answer(request: ProviderRequest) -> Answer:
            secret = request.form.get("client_secret", "")
            self.client_secret = secret if self.made_by_the_team(secret) else "another"
            return endpoint.answer(request)

        return answer

    def made_by_the_team(self, secret: str) -> bool:
        public = jwt.PyJWK.from_dict({**KEY.export_public(as_dict=True), "alg": "ES256"})
        required = ["iss", "iat", "exp", "aud", "sub"]
        try:
            claims = jwt.decode(
                secret,
                public,
                algorithms=["ES256"],
                audience=self.expected_audience or self.issuer,
                issuer="TEAM",
                options={"require": required},
            )
        except jwt.PyJWTError:
            return False
        is_named = jwt.get_unverified_header(secret).get("kid") == "KEYID"
        return is_named and claims["sub"] == self.client_id and claims["exp"] - claims["iat"] <= 15_777_000


def in_words(token: UnsignedToken) -> UnsignedToken:
    """Say what is true or false as Apple does."""
    words = {"email_verified": str(token.claims.get("email_verified")).lower(), "is_private_email": "true"}
    token.claims = {**token.claims, **words, "nonce_supported": True}
    return token
