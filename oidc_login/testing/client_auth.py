"""Client authentication at the provider's token endpoint (OpenID Connect Core 9, RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

import jwt

from oidc_login.testing.application import ProviderRequest

METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SYMMETRIC = ("HS256", "HS384", "HS512")


class ClientRefused(Exception):
    """Client authentication failed (RFC 6749 5.2, `invalid_client`)."""


class ClientAuthentication:
    """Authenticates the registered client; the allowed methods are read at each request."""

    def __init__(self) -> None:
        self._seen_assertions: set[str] = set()

    def check(
        self,
        request: ProviderRequest,
        *,
        client_id: str,
        client_secret: str,
        client_jwks: Mapping[str, Any] | None,
        audiences: Iterable[str],
        methods: Iterable[str],
    ) -> str:
        """Return the method that the client used; raise `ClientRefused` if it is not allowed or fails."""
        method = _method_of(request)
        if method not in methods:
            raise ClientRefused(f"{method} is not what this client registered")
        if method in ("client_secret_jwt", "private_key_jwt"):
            self._check_assertion(method, request.form, client_id, client_secret, client_jwks, audiences)
            return method
        found_id, found_secret = _credentials(method, request)
        if found_id != client_id:
            raise ClientRefused("unknown client_id")
        if method != "none" and not (client_secret and _same(found_secret, client_secret)):
            raise ClientRefused("wrong client_secret")
        return method

    def _check_assertion(
        self,
        method: str,
        form: Mapping[str, str],
        client_id: str,
        client_secret: str,
        client_jwks: Mapping[str, Any] | None,
        audiences: Iterable[str],
    ) -> None:
        if form.get("client_id", client_id) != client_id:
            raise ClientRefused("client_id is not the assertion's")
        assertion = form["client_assertion"]
        try:
            if method == "client_secret_jwt":
                keys: list[Any] = [client_secret]
            else:
                keys = _public_keys(client_jwks, assertion)
            claims = _decode(assertion, keys, SYMMETRIC if method == "client_secret_jwt" else ASYMMETRIC, audiences)
        except jwt.PyJWTError as error:
            raise ClientRefused(f"the assertion is not valid: {type(error).__name__}") from error
        if claims["iss"] != client_id or claims["sub"] != client_id:
            raise ClientRefused("iss and sub of the assertion are not the client")
        if claims["jti"] in self._seen_assertions:
            raise ClientRefused("the assertion was used before")
        self._seen_assertions.add(claims["jti"])


def _method_of(request: ProviderRequest) -> str:
    """Return the method of the request; more than one is an error (RFC 6749 2.3)."""
    form = request.form
    used = []
    if request.headers.get("authorization", "").lower().startswith("basic "):
        used.append("client_secret_basic")
    if form.get("client_secret"):
        used.append("client_secret_post")
    if form.get("client_assertion"):
        if form.get("client_assertion_type") != _JWT_BEARER:
            raise ClientRefused("unknown client_assertion_type")
        used.append(_assertion_method(form["client_assertion"]))
    if len(used) > 1:
        raise ClientRefused("more than one way of client authentication")
    return used[0] if used else "none"


def _assertion_method(assertion: str) -> str:
    try:
        alg = jwt.get_unverified_header(assertion).get("alg")
    except jwt.PyJWTError as error:
        raise ClientRefused("the assertion is not a JWT") from error
    return "client_secret_jwt" if alg in SYMMETRIC else "private_key_jwt"


def _credentials(method: str, request: ProviderRequest) -> tuple[str, str]:
    if method != "client_secret_basic":
        return request.form.get("client_id", ""), request.form.get("client_secret", "")
    encoded = request.headers["authorization"].split(" ", 1)[1]
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ClientRefused("malformed Basic credentials") from error
    # Both halves are form-encoded before they are joined (RFC 6749 2.3.1).
    return unquote_plus(client_id), unquote_plus(client_secret)


def _public_keys(client_jwks: Mapping[str, Any] | None, assertion: str) -> list[Any]:
    if client_jwks is None:
        raise ClientRefused("this client registered no keys")
    kid = jwt.get_unverified_header(assertion).get("kid")
    key_set = jwt.PyJWKSet.from_dict(dict(client_jwks))
    return [key.key for key in key_set.keys if kid is None or key.key_id == kid]


def _decode(assertion: str, keys: Iterable[Any], algorithms: Iterable[str], audiences: Iterable[str]) -> dict[str, Any]:
    """Return the claims under the first key that fits; require everything in RFC 7523 3, and a jti."""
    failure: jwt.PyJWTError = jwt.InvalidKeyError("no key")
    for key in keys:
        try:
            return jwt.decode(
                assertion,
                key,
                algorithms=list(algorithms),
                audience=list(audiences),
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except (jwt.InvalidSignatureError, jwt.InvalidKeyError) as error:
            failure = error
    raise failure


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
