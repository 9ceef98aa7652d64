"""The provider in the settings of mozilla-django-oidc, as an entry of `OIDC_LOGIN_PROVIDERS`.

Its key is "oidc". An entry with that key in the site's settings takes precedence, so it can complete or replace single
settings. An entry with its own `client_id` is independent of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from oidc_login.conf import django, settings

KEY: Final = "oidc"
PROVIDER_CLASS: Final = "oidc_login.mozilla.provider.EndpointsProvider"
CALLBACK_NAME: Final = "oidc_authentication_callback"
CALLBACK_SETTING: Final = "OIDC_AUTHENTICATION_CALLBACK_URL"

ENDPOINTS: Final = {
    "authorization_endpoint": "OIDC_OP_AUTHORIZATION_ENDPOINT",
    "token_endpoint": "OIDC_OP_TOKEN_ENDPOINT",
    "userinfo_endpoint": "OIDC_OP_USER_ENDPOINT",
    "jwks_uri": "OIDC_OP_JWKS_ENDPOINT",
}
# Parameters of the authorization request that are also checked in the response, so they have their own arguments.
ARGUMENT_PARAMETERS: Final = ("scope", "max_age", "response_mode")


def get(name: str, default: Any = None) -> Any:
    """Return a setting of mozilla-django-oidc."""
    return django.get(name, default)


def complete_entries(entries: Any) -> Any:
    """Return the entries of `OIDC_LOGIN_PROVIDERS`, with the provider from upstream's settings if there is one."""
    if completed_key(entries) is None:
        return entries
    own = entries.get(KEY, {})
    described = described_entry()
    metadata = own.get("metadata") or {}
    if isinstance(metadata, Mapping):
        metadata = {**described["metadata"], **metadata}
    return {KEY: {**described, **own, "metadata": metadata}, **{key: entries[key] for key in entries if key != KEY}}


def completed_key(entries: Any) -> str | None:
    """Return the key of the entry that upstream's settings complete, or `None`."""
    if not get("OIDC_RP_CLIENT_ID") or not isinstance(entries, Mapping):
        return None
    own = entries.get(KEY, {})
    if not isinstance(own, Mapping) or "client_id" in own:
        return None
    return None if _key_of_same_client(entries) else KEY


def provider_key() -> str | None:
    """Return the key of the provider in upstream's settings, wherever its entry is."""
    entries = settings.PROVIDERS
    if not get("OIDC_RP_CLIENT_ID") or not isinstance(entries, Mapping):
        return None
    return _key_of_same_client(entries) or completed_key(entries)


def _key_of_same_client(entries: Mapping[str, Any]) -> str | None:
    """Return the key of a site's entry for the same client as in upstream's settings."""
    client_id = get("OIDC_RP_CLIENT_ID")
    written = {key: entry for key, entry in entries.items() if isinstance(entry, Mapping)}
    return next((key for key, entry in written.items() if entry.get("client_id") == client_id), None)


def callback_name(key: str) -> str | None:
    """Return the URL name of the registered callback of upstream's provider, or `None` for all others."""
    return str(get(CALLBACK_SETTING, CALLBACK_NAME)) if key == completed_key(settings.PROVIDERS) else None


# The single settings.


def described_entry() -> dict[str, Any]:
    """Return the entry from upstream's settings; like upstream, it trusts addresses and links by them."""
    secret, algorithm = get("OIDC_RP_CLIENT_SECRET", ""), get("OIDC_RP_SIGN_ALGO", "HS256")
    entry = {
        "class": PROVIDER_CLASS,
        "client_id": get("OIDC_RP_CLIENT_ID"),
        "client_secret": secret,
        "scope": get("OIDC_RP_SCOPES", "openid email"),
        "label": urlsplit(str(get(ENDPOINTS["authorization_endpoint"], ""))).hostname,
        "metadata": {name: get(setting) for name, setting in ENDPOINTS.items() if get(setting)},
        "token_endpoint_auth_method": _auth_method(secret),
        "id_token_signing_algs": [algorithm],
        "allow_signup": get("OIDC_CREATE_USER"),
        "timeout": _timeout(get("OIDC_TIMEOUT")),
        "ca_bundle": _ca_bundle(get("OIDC_VERIFY_SSL", True)),
        "trust_email": True,
        "link_by_email": "verified",
    }
    if get("OIDC_RP_IDP_SIGN_KEY") and not str(algorithm).startswith("HS"):
        entry["signing_key"] = get("OIDC_RP_IDP_SIGN_KEY")
    return {**entry, **_extra_parameters(get("OIDC_AUTH_REQUEST_EXTRA_PARAMS", {}))}


def _auth_method(secret: object) -> str:
    """Upstream sends the secret in the body unless a setting selects Basic (RFC 6749 2.3.1)."""
    if not secret:
        return "none"
    return "client_secret_basic" if get("OIDC_TOKEN_USE_BASIC_AUTH", False) else "client_secret_post"


def _timeout(value: Any) -> float:
    """`requests` accepts seconds, a pair for connecting and reading, or `None`; here it limits the whole exchange."""
    from oidc_login.protocol.http.client import (
        MAX_TIMEOUT,  # imports `requests`, which most sites' settings do not need
    )

    numbers = [n for n in (value if isinstance(value, tuple) else (value,)) if isinstance(n, (int, float)) and n > 0]
    return min(sum(numbers), MAX_TIMEOUT) if numbers else 10


def _ca_bundle(value: Any) -> Any:
    """`requests` accepts a path instead of True; a check rejects values that would turn verification off."""
    return None if isinstance(value, bool) else value


def _extra_parameters(parameters: Any) -> dict[str, Any]:
    """Return the arguments for extra parameters of the authorization request."""
    if not isinstance(parameters, Mapping):
        return {"authorization_params": parameters}
    own = {name: parameters[name] for name in ARGUMENT_PARAMETERS if name in parameters}
    return {**own, "authorization_params": {name: parameters[name] for name in parameters if name not in own}}
