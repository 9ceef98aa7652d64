"""Client authentication at the token endpoint (RFC 6749 2.3, Core 9, RFC 7523)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_urlsafe
from typing import Any, TypeVar
from urllib.parse import quote_plus

from oidc_login.protocol.errors import ClientMisconfigured, TokenErrorResponse
from oidc_login.protocol.jose import MAX_TOKEN_LENGTH, is_compact_jws, sign_with_secret
from oidc_login.protocol.private_key import PrivateKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = 60  # seconds
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """The credentials of one request: headers or body parameters, never both."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


def authenticate(
    method: str,
    client_id: str,
    client_secret: str,
    *,
    key: PrivateKey | None,
    audience: Callable[[], str],
    now: float,
) -> ClientAuthentication:
    """Return the credentials for one of `METHODS`; `audience` is only called for assertions."""
    if method == "client_secret_basic":
        return client_secret_basic(client_id, client_secret)
    if method == "client_secret_post":
        return client_secret_post(client_id, client_secret)
    if method == "client_secret_jwt":
        return client_secret_jwt(client_id, client_secret, audience=audience(), now=now)
    if method == "private_key_jwt" and key is not None:
        return private_key_jwt(client_id, key, audience=audience(), now=now)
    return public_client(client_id)


def client_secret_basic(client_id: str, client_secret: str) -> ClientAuthentication:
    """Send both in HTTP Basic, form-encoded first (RFC 6749 2.3.1)."""
    return ClientAuthentication(headers={"Authorization": form_encoded_basic(client_id, client_secret)})


@lru_cache(maxsize=64)  # encoding takes as long as the rest of a token request
def form_encoded_basic(client_id: str, client_secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + b64encode(pair.encode()).decode("ascii")


def http_basic(client_id: str, client_secret: str) -> ClientAuthentication:
    """Send both in HTTP Basic without form-encoding, for REST APIs outside of OAuth (RFC 7617)."""
    pair = f"{client_id}:{client_secret}"
    return ClientAuthentication(headers={"Authorization": "Basic " + b64encode(pair.encode()).decode("ascii")})


def client_secret_post(client_id: str, client_secret: str) -> ClientAuthentication:
    """Send both in the body (RFC 6749 2.3.1)."""
    return ClientAuthentication(parameters={"client_id": client_id, "client_secret": client_secret})


def public_client(client_id: str) -> ClientAuthentication:
    """Send only the client ID; a public client has no credentials and uses PKCE (RFC 6749 3.2.1)."""
    return ClientAuthentication(parameters={"client_id": client_id})


def client_secret_jwt(client_id: str, client_secret: str, *, audience: str, now: float) -> ClientAuthentication:
    """Send an assertion that is signed with the secret (Core 9)."""
    return _assertion(client_id, sign_with_secret(_assertion_claims(client_id, audience, now), client_secret))


def private_key_jwt(client_id: str, key: PrivateKey, *, audience: str, now: float) -> ClientAuthentication:
    """Send an assertion that is signed with the private key (Core 9, RFC 7523 2.2)."""
    return _assertion(client_id, key.sign(_assertion_claims(client_id, audience, now)))


def assertion_of_file(client_id: str, path: str) -> ClientAuthentication:
    """Send the current assertion of a file that another program renews (RFC 7523 2.2)."""
    return _assertion(client_id, read_assertion(path))


def read_assertion(path: str) -> str:
    """Return the signed JWT in a file, or raise `ClientMisconfigured`. Only the server validates it."""
    try:
        with open(path, encoding="ascii") as file:
            assertion = file.read(MAX_TOKEN_LENGTH + 3).strip()
    except (OSError, ValueError):
        # Not chained, because the error contains the bytes.
        raise ClientMisconfigured("client_assertion_file") from None
    if not is_compact_jws(assertion):
        raise ClientMisconfigured("client_assertion_file")
    return assertion


def _assertion_claims(client_id: str, audience: str, now: float) -> dict[str, Any]:
    """Return the claims of an assertion, with a single audience, so that no other server can use it (RFC 7523 3)."""
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": token_urlsafe(32),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFETIME,
    }


def _assertion(client_id: str, assertion: str) -> ClientAuthentication:
    return ClientAuthentication(
        parameters={
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    )


def choose_method(*, supported: tuple[str, ...], has_secret: bool, has_key: bool) -> str:
    """Return the method for the client's credentials and the provider's metadata (Discovery 3: Basic by default)."""
    if not has_secret and not has_key:
        return "none"
    usable: list[str] = ["client_secret_basic", "client_secret_post", "client_secret_jwt"] if has_secret else []
    for method in usable + ["private_key_jwt"] * has_key:
        if method in (supported or ("client_secret_basic", "private_key_jwt")):
            return method
    if supported != ("none",):
        raise ClientMisconfigured("token_endpoint_auth_method")
    if has_secret:  # only one side considers the client confidential
        raise ClientMisconfigured("client_secret_not_accepted")
    return "none"  # the key can only decrypt


T = TypeVar("T")


class SecretRotation:
    """Remembers the position of the secret that worked last."""

    def __init__(self) -> None:
        self._position = 0

    def current(self, secrets: Sequence[str]) -> str:
        """Return the secret that worked last."""
        return secrets[self._position]

    def send(self, request: Callable[[str], T], secrets: Sequence[str], *, refusals: Collection[str]) -> T:
        """Send a request with the secret that worked last; if the client is rejected, try the others.

        Servers authenticate the client first (RFC 6749 3.2.1), so a rejection does not use up a code.
        """
        for attempt in range(len(secrets)):
            position = (self._position + attempt) % len(secrets)
            try:
                answer = request(secrets[position])
            except TokenErrorResponse as error:
                if error.reason not in refusals or attempt + 1 == len(secrets):
                    raise
            else:
                self._position = position
                return answer
        raise AssertionError("unreachable")
