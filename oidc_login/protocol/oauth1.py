"""OAuth 1.0a (RFC 5849): the requests and responses of the three steps of a sign-in. Sends nothing itself."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlencode

from oidc_login.protocol.authorization import AuthorizationResponse, read_parameters
from oidc_login.protocol.errors import (
    AuthorizationResponseInvalid,
    ProviderUnavailable,
    TokenErrorResponse,
    TokenResponseInvalid,
)
from oidc_login.protocol.http.client import Request, Response, retry_after
from oidc_login.protocol.oauth1_signature import FORM as FORM
from oidc_login.protocol.oauth1_signature import SIGNATURE_METHODS as SIGNATURE_METHODS
from oidc_login.protocol.oauth1_signature import SIGNATURE_TYPES as SIGNATURE_TYPES
from oidc_login.protocol.oauth1_signature import Client as Client
from oidc_login.protocol.oauth1_signature import Token as Token
from oidc_login.protocol.oauth1_signature import check_confidential as check_confidential
from oidc_login.protocol.oauth1_signature import encoded_url as encoded_url
from oidc_login.protocol.oauth1_signature import new_nonce as new_nonce
from oidc_login.protocol.oauth1_signature import read_form
from oidc_login.protocol.oauth1_signature import sign as sign

MAX_ANSWER = 16 * 1024
MAX_REQUEST_TOKEN_LENGTH = 512  # of the token and of its secret, which have to fit into a cookie

# Parameters of an authorization response (2.2); most providers send `denied` instead of a verifier, and
# `oauth_problem` belongs to the extension "OAuth Problem Reporting".
RESPONSE_PARAMETERS = ("state", "oauth_token", "oauth_verifier", "denied", "oauth_problem")
REFUSALS_OF_THE_PERSON = ("permission_denied", "user_refused")
REFUSALS_OF_THE_TOKEN = re.compile(r"""\boauth_problem=["']?token_(?:expired|rejected|revoked)\b""")


class Clients:
    """A client with all its secrets, for use during a rotation."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = tuple(clients)
        self.current = self._clients[0]

    def try_each(self, exchange: Callable[[Client], Response]) -> Response:
        """Make an exchange with the client secret that worked last; after a 401, try the others."""
        others = [client for client in self._clients if client is not self.current]
        for client in (self.current, *others):
            response = exchange(client)
            if response.status != 401:
                self.current = client
                break
        return response


def token_request(endpoint: str, parameters: Mapping[str, str] | None = None) -> Request:
    """Return the unsigned POST for temporary or token credentials (RFC 5849 2.1 and 2.3)."""
    return Request(
        method="POST",
        url=endpoint,
        headers={"Accept": "*/*", "Content-Type": FORM},
        body=urlencode(parameters or {}).encode("ascii"),
        max_bytes=MAX_ANSWER,
    )


def resource_request(url: str) -> Request:
    """Return the unsigned GET for a resource that returns JSON."""
    return Request(method="GET", url=url, headers={"Accept": "application/json"})


# The responses.


def read_request_token(response: Response, *, now: float) -> Token:
    """Return the temporary credentials if the provider accepted our callback (RFC 5849 2.1)."""
    parameters = _read_answer(response, refused="invalid_client", now=now)
    if parameters.get("oauth_callback_confirmed") != "true":
        raise TokenResponseInvalid("oauth_callback_confirmed")
    token = Token.from_parameters(parameters)
    if max(len(token.token), len(token.secret)) > MAX_REQUEST_TOKEN_LENGTH:
        raise TokenResponseInvalid("oauth_token")
    return token


def read_authorization_response(parameters: Iterable[tuple[str, str]], *, request_token: str) -> AuthorizationResponse:
    """Return the response, with its verifier as the code, if it belongs to the flow's request token (RFC 5849 2.2)."""
    values = read_parameters(parameters, RESPONSE_PARAMETERS)
    problem = values.get("oauth_problem", "")
    denied = "denied" in values or problem in REFUSALS_OF_THE_PERSON
    response = AuthorizationResponse(
        state=values.get("state", ""),
        code=values.get("oauth_verifier", ""),
        error="access_denied" if denied else problem,
    )
    response.check_form()
    response.check_error()
    named = values.get("oauth_token", "").encode("utf-8", "surrogatepass")
    if not request_token or not secrets.compare_digest(named, request_token.encode()):
        raise AuthorizationResponseInvalid("oauth_token")
    return response


def read_access_token(response: Response, *, now: float) -> Token:
    """Return the token credentials, and what else the response says about the person (RFC 5849 2.3)."""
    return Token.from_parameters(_read_answer(response, refused="invalid_grant", now=now))


def _read_answer(response: Response, *, refused: str, now: float) -> dict[str, str]:
    """Return the parameters of a form with any media type; `refused` says what an error concerns (3.2)."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("token_endpoint", retry_after=retry_after(response, now))
    if response.status in (400, 401, 403):
        raise TokenErrorResponse(refused)
    if response.status != 200:
        raise TokenResponseInvalid("status")
    return read_form(response.body.decode("utf-8", "replace").strip())
