"""What an OpenID provider and a site may agree on: one row a variant, with both sides of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jwcrypto.jwk import JWK


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A client's registration at the provider, and the site's settings for it."""

    name: str
    # Client metadata (Registration 2).
    registration: Mapping[str, Any] = field(default_factory=dict)
    # Arguments of OIDCProvider.
    settings: Mapping[str, Any] = field(default_factory=dict)
    has_secret: bool = True
    # "RSA" or "EC": the client has a private key, for this `use`.
    key_type: str = ""
    key_use: str = "sig"
    # The media type of the userinfo answer; "" where userinfo is not asked.
    userinfo: str = "application/json"
    # What the site asks when somebody signs in again.
    repeat: tuple[str, ...] = ("POST /token 200",)
    behind_tls: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The key in OIDC_LOGIN_PROVIDERS."""
        return re.sub("[^a-z0-9]+", "-", self.name.lower())

    def registered(self) -> dict[str, Any]:
        """Return the metadata with the public key."""
        if not self.key_type:
            return dict(self.registration)
        public = client_key(self.key_type, self.key_use).export_public(as_dict=True)
        return {**self.registration, "jwks": {"keys": [public]}}

    def configured(self) -> dict[str, Any]:
        """Return the settings with the private key."""
        if not self.key_type:
            return dict(self.settings)
        return {"client_key": client_key(self.key_type, self.key_use).export(as_dict=True), **self.settings}


@cache
def client_key(key_type: str, use: str) -> JWK:
    """Return the site's own key, made once."""
    parameters = {"size": 2048} if key_type == "RSA" else {"crv": "P-256"}
    return JWK.generate(kty=key_type, use=use, kid=f"{key_type}-{use}", **parameters)


def authenticated_by(method: str, *, settings: Mapping[str, Any], **kwargs: Any) -> Variant:
    """Return a client that proves itself in one way only (Core 9)."""
    return Variant(registration={"token_endpoint_auth_method": method}, settings=settings, **kwargs)


def signed_by(algorithm: str) -> Variant:
    """Return a client whose ID tokens are signed by one algorithm, and a site that takes no other."""
    return Variant(
        name=algorithm,
        registration={"id_token_signed_response_alg": algorithm},
        settings={"id_token_signing_algs": [algorithm]},
    )


def encrypted_by(algorithm: str, content: str, *, key_type: str, signed: str = "RS256") -> Variant:
    """Return a client whose ID tokens are signed, then encrypted to its key (Core 10.2)."""
    return Variant(
        name=f"{algorithm} and {content}",
        registration={
            "id_token_signed_response_alg": signed,
            "id_token_encrypted_response_alg": algorithm,
            "id_token_encrypted_response_enc": content,
        },
        key_type=key_type,
        key_use="enc",
    )


VARIANTS = (
    # How the client proves itself; where the settings do not say, it follows from the provider's metadata.
    authenticated_by("client_secret_basic", name="client_secret_basic", settings={}),
    authenticated_by(
        "client_secret_post",
        name="client_secret_post",
        settings={"token_endpoint_auth_method": "client_secret_post"},
    ),
    authenticated_by(
        "client_secret_jwt",
        name="client_secret_jwt",
        settings={"token_endpoint_auth_method": "client_secret_jwt"},
    ),
    authenticated_by("private_key_jwt", name="private_key_jwt RSA", settings={}, has_secret=False, key_type="RSA"),
    authenticated_by("private_key_jwt", name="private_key_jwt EC", settings={}, has_secret=False, key_type="EC"),
    authenticated_by("none", name="public client", settings={}, has_secret=False),
    # How the ID token is signed and encrypted.
    signed_by("RS256"),
    signed_by("PS256"),
    signed_by("ES256"),
    signed_by("EdDSA"),
    signed_by("Ed25519"),
    signed_by("HS256"),
    encrypted_by("RSA-OAEP", "A128GCM", key_type="RSA"),
    encrypted_by("RSA-OAEP-256", "A256GCM", key_type="RSA", signed="PS256"),
    encrypted_by("ECDH-ES", "A128CBC-HS256", key_type="EC", signed="ES256"),
    # Where the claims come from.
    Variant(
        name="claims in the ID token",
        settings={"claims": {"id_token": {"email": None, "email_verified": None}}},
        userinfo="",
    ),
    Variant(
        name="signed userinfo",
        registration={"userinfo_signed_response_alg": "RS256"},
        userinfo="application/jwt",
    ),
    Variant(
        name="signed and encrypted userinfo",
        registration={
            "userinfo_signed_response_alg": "ES256",
            "userinfo_encrypted_response_alg": "RSA-OAEP",
            "userinfo_encrypted_response_enc": "A128GCM",
        },
        key_type="RSA",
        key_use="enc",
        userinfo="application/jwt",
    ),
    # What is asked for, to the provider directly (RFC 9126).
    Variant(
        name="pushed requests",
        registration={"require_pushed_authorization_requests": True},
        settings={"push_authorization_requests": True},
        repeat=("POST /request 201", "POST /token 200"),
    ),
    Variant(
        name="pushed requests by private_key_jwt",
        registration={
            "require_pushed_authorization_requests": True,
            "token_endpoint_auth_method": "private_key_jwt",
        },
        settings={"push_authorization_requests": True},
        has_secret=False,
        key_type="EC",
        repeat=("POST /request 201", "POST /token 200"),
    ),
    # Refresh tokens, which are given for this scope, and only after the person was asked (Core 11).
    Variant(
        name="offline access",
        registration={"grant_types": ["authorization_code", "refresh_token"]},
        settings={"scope": "openid email profile offline_access", "authorization_params": {"prompt": "consent"}},
    ),
    # How the answer comes back. To another site's post a browser brings secure cookies alone (SameSite=None).
    Variant(name="form_post", settings={"response_mode": "form_post"}, behind_tls=True),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
