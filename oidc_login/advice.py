"""What an operator can do about a failure, by the reason of its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata

from oidc_login.exceptions import OAuthError

ADVICE: Mapping[str, str] = {
    "dns": "The host name cannot be resolved: check the settings, and the name servers of this machine.",
    "connect": "The connection failed: check the firewall and the routes of this machine.",
    "timeout": "The provider did not respond in time: check the firewall of this machine, and `timeout`.",
    "tls": "The certificate is not trusted, or the server does not use TLS: check `ca_bundle`, and the clock of this "
    "machine.",
    "ca_bundle": "`ca_bundle` cannot be read.",
    "connection_closed": "The connection was closed: check whether a proxy is in between.",
    "proxy": "The egress proxy refused the connection or does not respond: check the provider's `proxy`.",
    "private_address": "The host is in a private network, which `refuse_private_addresses` does not allow.",
    "status": "The document does not exist: check `discovery_url`.",
    "json": "The response is not JSON: check `discovery_url`, and whether a proxy responded instead.",
    "url": "A URL does not use https.",
    "issuer": "The issuer is missing or not an https URL: check `metadata`.",
    "issuer_mismatch": "The document belongs to a different issuer than the settings say: check `issuer` and "
    "`discovery_url`.",
    "jwks": "The response is not a key set: check `metadata`.",
    "token_endpoint_auth_method": "The provider does not support a method that the client can authenticate with: "
    "check `client_secret`, `client_key` and `token_endpoint_auth_method`.",
    "client_secret_not_accepted": "The provider treats the client as public, but `client_secret` is set: remove it, "
    "or set `token_endpoint_auth_method` to the method that the client is registered for.",
    "client_secret_too_short": "`client_secret` is too short to sign the assertion that the provider requires.",
    "client_key_cannot_sign": "`client_key` can only decrypt.",
    "client_assertion_file": "`client_assertion_file` cannot be read, or does not contain an assertion.",
}

# The site's own stores, which every sign-in needs.
OWN_STORES: Mapping[str, str] = {
    "cache": "The cache of OIDC_LOGIN_CACHE does not respond, so used sign-ins cannot be remembered: check that its "
    "server is running.",
    "database": "The site's database does not respond: check that it is running, accepts writes and has free "
    "connections.",
    "sessions": "The session store does not respond: check the server that SESSION_ENGINE uses.",
    "tables_missing": "The database lacks tables: run `manage.py migrate`.",
    "loader": "OIDC_LOGIN_PROVIDER_LOADER failed: the log contains its error.",
}

# Reasons for which any request to a provider can fail.
NETWORK: Mapping[str, str] = {
    reason: ADVICE[reason]
    for reason in ("dns", "connect", "timeout", "tls", "ca_bundle", "connection_closed", "proxy", "private_address")
}

# What a developer can do about a refused sign-in, by code and reason; "" stands for all other reasons.
ABOUT_REFUSALS: Mapping[tuple[str, str], str] = {
    (
        "id_token_invalid",
        "alg",
    ): "If the provider should sign with this algorithm, list it in `id_token_signing_algs`; otherwise change the "
    "client's registration at the provider.",
    (
        "id_token_invalid",
        "typ",
    ): "The provider sent a different kind of token as the ID token: check the type of the client at the provider.",
    (
        "id_token_invalid",
        "signature",
    ): "No published key verifies the token: check `jwks_uri` in the discovery document.",
    ("id_token_invalid", "iss"): "Set `issuer` to the value that the provider sends.",
    ("id_token_invalid", "aud"): "Set `client_id` to the client that the token was issued to.",
    ("id_token_invalid", "azp"): "Set `client_id` to the client that the token was issued to.",
    ("id_token_invalid", "exp"): "Correct the clock of this machine, or increase `leeway`.",
    ("id_token_invalid", "iat"): "Correct the clock of this machine, or increase `leeway`.",
    ("id_token_invalid", "nbf"): "Correct the clock of this machine, or increase `leeway`.",
    (
        "id_token_invalid",
        "auth_time",
    ): "Correct the clock of this machine, or check whether the provider supports `max_age`.",
    ("id_token_invalid", "encryption"): "Set `client_key` to the private key that the provider encrypts for.",
    ("iss_mismatch", ""): "Set `issuer` to the value that the provider sends.",
    (
        "client_refused",
        "",
    ): "Check `client_id` and `client_secret` (or `client_key`) against the client's registration.",
    ("code_refused", ""): "Check that the callback URL, including host and port, is the registered one.",
    (
        "domain_not_allowed",
        "",
    ): "Add the domain to `allowed_email_domains`. If the provider does not mark the address as "
    "verified and the addresses are your organisation's own, set `trust_email`.",
    ("state_unknown", ""): "Use one host for the whole sign-in: `localhost` and `127.0.0.1` do not share cookies.",
    (
        "signup_closed",
        "",
    ): "Set `OIDC_LOGIN_ALLOW_SIGNUP` or the provider's `allow_signup`, or create the account first.",
    ("email_linking_off", ""): 'Set `link_by_email` to "verified" if this provider\'s addresses can be trusted.',
    (
        "staff_linking_off",
        "",
    ): 'Write `"link_by_email": "verified"` into this provider\'s entry to link staff accounts too.',
    ("email_not_verified", ""): "Set `trust_email` if the provider's addresses are your organisation's own.",
    ("login_not_allowed", ""): 'Remove `"allow_login": False` from this provider\'s entry.',
}

# Evidence that a page may show: nothing about these reasons and codes is secret.
SHOWN = frozenset({"alg", "typ", "signature", "iss", "issuer_mismatch", "aud", "exp", "iat", "nbf", "auth_time"})
SHOWN_CODES = frozenset({"domain_not_allowed"})
DISTRIBUTION = "django-oidc-login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the error page shows to developers under `DEBUG`; in English, like the log and the documentation."""

    title: str
    rows: tuple[tuple[str, str], ...]
    docs_url: str


def explain(error: OAuthError) -> Explanation:
    """Return the cause of an error and what to change, for a page that only developers see."""
    rows = [("Reason", error.reason or error.code)]
    if error.evidence and (error.reason in SHOWN or error.code in SHOWN_CODES):
        rows += [("Expected", error.evidence.expected), ("Seen", error.evidence.seen)]
    if advice := advice_about(error):
        rows.append(("What to change", advice))
    return Explanation(
        title="Shown because DEBUG is on",
        rows=(*rows, ("Documentation", f"docs/errors.md#{error.code}")),
        docs_url=docs_url(f"errors.html#{error.code}"),
    )


def advice_about(error: OAuthError) -> str:
    """Return what to change about an error, or "" if its code says enough."""
    refusal = ABOUT_REFUSALS.get((error.code, error.reason)) or ABOUT_REFUSALS.get((error.code, ""))
    return refusal or ADVICE.get(error.reason) or OWN_STORES.get(error.reason, "")


def docs_url(page: str) -> str:
    """Return the URL of a page of the documentation, or "" if the installed package does not say where it is."""
    try:
        urls = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return f"{named['Documentation'].rstrip('/')}/{page}" if "Documentation" in named else ""


def advice_for(reason: str) -> str:
    """Return what to do if a store or the network fails, or "" for any other reason."""
    return OWN_STORES.get(reason) or NETWORK.get(reason, "")
