"""Check whether a provider accepts the client and its callback URL, without signing anybody in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oidc_login.diagnosis.findings import Finding, failed
from oidc_login.exceptions import ClientRefused, CodeRefused, as_oauth_error
from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.errors import ProtocolError, TokenErrorResponse
from oidc_login.protocol.http.client import Request, Response
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider

MADE_UP_CODE = "oidc-login-diagnosis"
UNREGISTERED_URL = "https://redirect-uri.invalid/"  # registered nowhere (RFC 2606 2)
MAX_PAGE = 1_000_000  # bytes; a sign-in page may be long
CLIENT_REFUSED = (
    "The provider does not accept the client: check `client_id`, and whether `client_secret` or `client_key` has "
    "expired or was replaced at the provider."
)
# Errors that a provider sends to a registered callback URL if nobody is signed in at the provider (Core 3.1.2.6).
NOT_SIGNED_IN = ("login_required", "interaction_required", "consent_required", "account_selection_required")


def look_at_client(provider: OAuthProvider, callback_url: str) -> Finding:
    """Send the provider a made-up code: it must reject the code, not the client."""
    if not isinstance(provider, OAuth2Provider) or not provider.makes_standard_token_requests():
        return Finding(
            subject="client", is_good=None, text="not checked: the provider's class makes its own token requests"
        )
    verifier = {"code_verifier": secrets.token_urlsafe(48)} if provider.sends_code_challenge() else {}
    made_up = {"grant_type": "authorization_code", "code": MADE_UP_CODE, "redirect_uri": callback_url}
    try:
        provider.exchange_grant({**made_up, **verifier})
    except TokenErrorResponse as error:
        return judged(error, provider)
    except ProtocolError as error:
        if error.evidence is not None and error.evidence.seen.startswith("HTTP 401"):
            return client_refused(provider, error.reason, seen=error.evidence.seen)
        return failed("client", error, url=provider.token_endpoint)
    return Finding(subject="client", is_good=False, text="The provider issued tokens for a made-up code.")


def judged(error: TokenErrorResponse, provider: OAuth2Provider) -> Finding:
    """Return what the error response to a made-up code says about the client."""
    seen = as_oauth_error(error)
    if isinstance(seen, CodeRefused):
        return Finding(
            subject="client", is_good=True, text="is accepted: the provider rejected the made-up code, not the client"
        )
    if isinstance(seen, ClientRefused):
        return client_refused(provider, error.reason, seen=error.reason)
    text = f"The provider rejected the made-up code with {error.reason}, which may concern the code or the client."
    return Finding(subject="client", is_good=None, text=text, url=provider.token_endpoint)


def client_refused(provider: OAuth2Provider, reason: str, *, seen: str) -> Finding:
    key = provider.private_key
    proof = f" with the key {key.key_id or 'without kid'!r} of `client_key`" if key is not None else ""
    return Finding(
        subject="client",
        is_good=False,
        text=f"{reason}: {CLIENT_REFUSED}",
        url=provider.token_endpoint,
        expected=f"the provider accepts the client {provider.get_client_id()!r}{proof}",
        seen=seen,
    )


# The callback URL.


def look_at_redirect(provider: OAuthProvider, callback_url: str) -> Iterator[Finding]:
    """Request a sign-in without a page: a provider redirects only to a registered URL (RFC 6749 4.1.2.1).

    If it shows a page, compare its response to a URL that cannot be registered.
    """
    if not isinstance(provider, OAuth2Provider) or "<" in callback_url:
        return
    try:
        answer = request_authorization(provider, callback_url)
        yield judged_redirect(answer, callback_url) or compared(provider, answer, callback_url)
    except ProtocolError as error:
        yield cannot_tell(callback_url, f"the authorization endpoint did not respond ({error.reason})")


def request_authorization(provider: OAuth2Provider, callback_url: str) -> Response:
    """Return the response of the authorization endpoint to a request with this callback URL."""
    parameters: dict[str, Any] = {
        "response_type": "code",
        "client_id": provider.get_client_id(),
        "redirect_uri": callback_url,
        "scope": provider.get_scope(),
        "state": secrets.token_urlsafe(16),
    }
    if isinstance(provider, OIDCProvider):
        parameters |= {"prompt": "none", "nonce": secrets.token_urlsafe(16)}
    if provider.sends_code_challenge():
        parameters |= {"code_challenge": secrets.token_urlsafe(32), "code_challenge_method": "S256"}
    url = authorization_url(provider.authorization_url, parameters)
    return provider.transport.send(Request(method="GET", url=url, max_bytes=MAX_PAGE))


def judged_redirect(answer: Response, callback_url: str) -> Finding | None:
    """Judge a response that redirects to the callback URL or mentions it; return `None` for any other."""
    location = answer.headers.get("location", "")
    if location.partition("?")[0] == callback_url:
        code = dict(parse_qsl(urlsplit(location).query)).get("error", "")
        return registered(callback_url) if code in ("", *NOT_SIGNED_IN) else refused_request(callback_url, code)
    if answer.status in (400, 401, 403, 404) and b"redirect" in answer.body.lower():
        return not_registered(callback_url, answer)
    if "redirect_uri_mismatch" in location:
        return not_registered(callback_url, answer)
    return None


def compared(provider: OAuth2Provider, answer: Response, callback_url: str) -> Finding:
    """Compare a response with the response to a URL that cannot be registered."""
    if answer.status >= 400:
        return cannot_tell(callback_url, f"the authorization endpoint answered HTTP {answer.status}")
    if request_authorization(provider, UNREGISTERED_URL).status >= 400:
        return registered(callback_url)
    return cannot_tell(callback_url, "the provider shows the same page for every URL until somebody signs in")


def registered(callback_url: str) -> Finding:
    return Finding(subject="redirect", is_good=True, text=f"is registered: {callback_url}")


def not_registered(callback_url: str, answer: Response) -> Finding:
    return Finding(
        subject="redirect",
        is_good=False,
        text=f"is not registered: add {callback_url} to the client at the provider.",
        expected="this exact URL is registered",
        seen=f"HTTP {answer.status}, which names the redirect URI",
    )


def refused_request(callback_url: str, code: str) -> Finding:
    """Return the finding of a registered URL where the provider rejects the request for another reason."""
    name = code if code.isascii() and code.isprintable() and len(code) < 80 else "unprintable"
    text = f"is registered, but the provider rejects the request: {name}. Check `scope` and the client's registration."
    return Finding(subject="redirect", is_good=False, text=text, url=callback_url, seen=name)


def cannot_tell(callback_url: str, why: str) -> Finding:
    return Finding(subject="redirect", is_good=None, text=f"cannot tell whether {callback_url} is registered: {why}")
