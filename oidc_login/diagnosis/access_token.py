"""Diagnose one access token: which steps of an API call accept it, and what the first one that does not wants.

The steps are those of an API call, by the same functions and with the same caches. No account is opened. Findings name
issuers, audiences, algorithms, types, key IDs and times; never the token, or what it says of a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from django.test import RequestFactory
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.accounts import known_account_of
from oidc_login.access_tokens.app_tokens import is_app_token, judge_app_token
from oidc_login.access_tokens.challenge import BearerRefused
from oidc_login.access_tokens.entries import BearerEntry, bearer_entries, entry_of_jwt, entry_of_opaque
from oidc_login.access_tokens.judging import answer_about, judge
from oidc_login.access_tokens.requests import bearer_token
from oidc_login.backends import site_backend
from oidc_login.diagnosis.findings import Finding
from oidc_login.exceptions import OAuthError, translated
from oidc_login.protocol.access_token import UnverifiedAccessToken
from oidc_login.protocol.errors import Evidence
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.protocol.jose import parse_jws

TIMES = ("iat", "nbf", "exp")
# What an introspection response may be shown by; the rest is about a person, or is the site's business.
SHOWN_MEMBERS = ("active", "token_type", "token_use", "typ", "iss", "aud", *TIMES)

ADVICE: Mapping[str, str] = {
    "iss": "no entry of OIDC_LOGIN_BEARER_PROVIDERS has this issuer: add its provider, or correct `issuer`.",
    "aud": "the token is for another API: add its audience to the entry, or let the client ask for this API.",
    "typ": "the profile does not accept tokens of this type: check `token_profile`. ID tokens are never accepted.",
    "alg": "the token has to be signed with a key pair of the provider.",
    "signature": "no published key of the provider verifies the token: check `jwks_uri` in its discovery document.",
    "kid": "no published key of the provider verifies the token: check `jwks_uri` in its discovery document.",
    "exp": "the token has expired: the client needs a new one. If it is new, correct the clock of this machine.",
    "nbf": "the token is not valid yet: correct the clock of this machine.",
    "active": "the provider says that the token is not active: it expired, was revoked, or is for another client.",
    "token_type": "the provider does not say that this is an access token. It may be a refresh token.",
    "introspection_endpoint": "the provider has no introspection endpoint, so it has to issue JWTs.",
    "provider": "an opaque token does not say who issued it: exactly one entry has to accept opaque tokens.",
    "client": "the token's client is not accepted: check `authorized_parties`, and `clients` for a program.",
    "client_user": "`clients` names an account that does not exist.",
    "no_connection": "nobody here has this identity: the person has to sign in once, or set `signup`.",
    "app_token": "the app token has ended, or OIDC_LOGIN_APP_SESSIONS is off.",
}
NO_PROOF = "the profile's proof of an access token is missing, or the claim belongs to another kind of token."


@sensitive_variables()
def diagnose_token(raw: str) -> Iterator[Finding]:
    """Yield one finding for each step, and end with the first that does not accept the token."""
    try:
        with translated(), time_budget(MAX_TIMEOUT):
            bearer_token(f"Bearer {raw}")
            yield from _steps(raw)
    except BearerRefused:
        yield Finding(
            subject="form", is_good=False, text="this is not one token: RFC 6750 does not allow it in a header."
        )
    except OAuthError as error:
        yield refusal(error)


@sensitive_variables()
def _steps(raw: str) -> Iterator[Finding]:
    backend = site_backend()
    if is_app_token(raw):
        yield good("form", "an app token of this site")
        judge_app_token(raw, request=RequestFactory().get("/"), backend=backend)
        yield good("account", "every rule for a known identity admits the person")
        return
    entries = list(bearer_entries())
    unverified = UnverifiedAccessToken.parse(raw)
    if unverified is None:
        yield good("form", "an opaque token, or a JWT without an issuer")
        entry = entry_of_opaque(entries)
    else:
        yield from described(raw, unverified)
        entry = entry_of_jwt(unverified, entries)
    yield good("provider", f"{entry.provider.key}, profile {entry.profile_name or 'not set'}")
    if unverified is None or entry.introspects(unverified.token_type):
        yield answered(answer_about(raw, entry))
    token, entry = judge(raw)
    yield good("token", "is an access token for this API")
    yield account(known_account_of(token, entry, backend=backend), entry)


def good(subject: str, text: str) -> Finding:
    return Finding(subject=subject, is_good=True, text=text)


def described(raw: str, unverified: UnverifiedAccessToken) -> Iterator[Finding]:
    """Yield what a JWT says of itself; nothing of it is verified yet."""
    jws = parse_jws(raw)
    yield good("form", listed({"alg": jws.algorithm, "typ": jws.token_type, "kid": jws.key_id}))
    yield Finding(subject="claims", is_good=None, text=listed(unverified.claims, ("iss", "aud", *TIMES)))


def answered(answer: Mapping[str, Any]) -> Finding:
    return Finding(subject="answer", is_good=answer.get("active") is True, text=listed(answer, SHOWN_MEMBERS))


def account(known: object | None, entry: BearerEntry) -> Finding:
    """Return whether somebody is known by the token, or what the first call does."""
    if known is not None:
        return good("account", "every rule for a known identity admits it")
    if entry.signup:
        return Finding(
            subject="account", is_good=None, text="the first call runs the rules of a first sign-in (`signup`)"
        )
    return Finding(subject="account", is_good=False, text=f"no_connection: {ADVICE['no_connection']}")


def refusal(error: OAuthError) -> Finding:
    """Return the finding of the step that ended it."""
    if error.status_code == 503:
        text = f"{error.reason}: nobody can tell at the moment. Run `oidc_login_diagnose` for the provider."
        return Finding(subject="token", is_good=None, text=text)
    text = ADVICE.get(error.reason) or (NO_PROOF if error.code == "access_token_invalid" else str(error))
    return Finding(subject="token", is_good=False, text=f"{error.reason or error.code}: {text}")


def listed(values: Mapping[str, Any], names: Collection[str] = ()) -> str:
    """Return these members on one line, in a form that cannot break it."""
    found = [(name, values[name]) for name in (names or values) if values.get(name) is not None]
    return ", ".join(f"{name} {shown(name, value)}" for name, value in found)


def shown(name: str, value: object) -> str:
    if name in TIMES and isinstance(value, (int, float)):
        try:
            return datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        except (ValueError, OverflowError, OSError):
            return "no time"
    return Evidence.of(expected="", seen=value).seen
