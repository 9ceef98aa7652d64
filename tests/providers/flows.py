"""A provider's half of a sign-in without the site around it: a request with its pending flow, and the exchange."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest
from django.test import RequestFactory

from oidc_login.flow.pending import Flow, attach_flow
from oidc_login.providers import OAuthProvider, OAuthToken
from oidc_login.testing import OAuth2StyleProvider, OpenIDProvider

CALLBACK = "https://site.example/oauth/op/callback/"
VERIFIER = "v" * 43


def request_with_flow(**changes: Any) -> HttpRequest:
    """A request that begins or ends the same flow, with changes."""
    values: dict[str, Any] = {
        "provider_key": "op",
        "purpose": "login",
        "issuer": "",
        "redirect_uri": CALLBACK,
        "state": "CANARY-state",
        "nonce": "CANARY-nonce",
        "code_verifier": VERIFIER,
        "begun_at": int(time.time()),
    }
    request = RequestFactory().get("/")
    attach_flow(request, Flow(**{**values, **changes}))
    return request


def parameters_of(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "a parameter is there twice"
    return dict(pairs)


def asked_parameters(provider: OAuthProvider, **flow: Any) -> dict[str, str]:
    """What the authorization request carries."""
    return parameters_of(provider.get_authorization_url(request=request_with_flow(**flow)))


def code_from(
    op: OpenIDProvider | OAuth2StyleProvider, provider: OAuthProvider, user: str = "alice", **flow: Any
) -> str:
    """The code that the person brings back from the provider."""
    url = provider.get_authorization_url(request=request_with_flow(**flow))
    return parameters_of(op.authorize(url, user))["code"]


def exchange(
    op: OpenIDProvider | OAuth2StyleProvider, provider: OAuthProvider, user: str = "alice", **flow: Any
) -> OAuthToken:
    """From the authorization URL to the tokens."""
    code = code_from(op, provider, user, **flow)
    return provider.get_oauth_token(code=code, request=request_with_flow(**flow))
