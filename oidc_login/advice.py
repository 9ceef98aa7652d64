"""What an operator can do about a failure, by the reason of its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata

from oidc_login.exceptions import OAuthError

ADVICE: Mapping[str, str] = {
    "dns": "The host's name is not found: see the settings, and the name servers of this machine.",
    "connect": "Nothing answers there: see the firewall and the routes of this machine.",
    "timeout": "No answer in time: see the firewall of this machine, and `timeout`.",
    "tls": "The certificate is not trusted, or there is no TLS: see `ca_bundle`, and the clock of this machine.",
    "ca_bundle": "`ca_bundle` cannot be read.",
    "connection_closed": "The connection was closed: see whether a proxy stands between.",
    "proxy": "The egress proxy refused the way or does not answer: see the provider's `proxy`.",
    "private_address": "The host is in a private network, which `refuse_private_addresses` refuses.",
    "status": "There is no such document: see `discovery_url`.",
    "json": "The answer is no JSON: see `discovery_url`, and whether a proxy answers instead.",
    "url": "An address is not https.",
    "issuer": "The issuer is missing or no https address: see `metadata`.",
    "issuer_mismatch": "The document is of another issuer than the settings say: see `issuer` and `discovery_url`.",
    "jwks": "The key set is none: see `metadata`.",
    "token_endpoint_auth_method": "The provider accepts none of the ways in which the client can show who it is: see "
    "`client_secret`, `client_key` and `token_endpoint_auth_method`.",
    "client_secret_not_accepted": "The provider takes the client for a public one, and `client_secret` is set: remove "
    "it, or write the method that the client is registered for as `token_endpoint_auth_method`.",
    "client_secret_too_short": "The provider wants an assertion, for which `client_secret` is too short.",
    "client_key_cannot_sign": "`client_key` is a key for decrypting alone.",
    "client_assertion_file": "`client_assertion_file` cannot be read, or holds no assertion.",
}

# The stores of the site itself, without which a sign-in cannot be judged.
OWN_STORES: Mapping[str, str] = {
    "cache": "The cache that OIDC_LOGIN_CACHE names does not answer, so used sign-ins cannot be remembered: see "
    "that its server runs.",
    "database": "The site's database does not answer: see that it runs, takes writes and has connections left.",
    "sessions": "The session store does not answer: see the server that SESSION_ENGINE uses.",
    "tables_missing": "The tables of this package are missing in the database: run `manage.py migrate`.",
    "loader": "OIDC_LOGIN_PROVIDER_LOADER failed: see the record of its error.",
}

# What makes an exchange with a provider fail, wherever it happens.
NETWORK: Mapping[str, str] = {
    reason: ADVICE[reason]
    for reason in ("dns", "connect", "timeout", "tls", "ca_bundle", "connection_closed", "proxy", "private_address")
}

# What a developer can do about a refusal, by its code and reason; "" is any other reason of the code.
ABOUT_REFUSALS: Mapping[tuple[str, str], str] = {
    ("id_token_invalid", "alg"): "If the provider is meant to sign with this algorithm, list it in "
    "`id_token_signing_algs`; otherwise change the client's registration there.",
    (
        "id_token_invalid",
        "typ",
    ): "The provider sent another kind of token as the ID token: check the client's type there.",
    (
        "id_token_invalid",
        "signature",
    ): "No published key verifies the token: check `jwks_uri` in the discovery document.",
    ("id_token_invalid", "iss"): "Set `issuer` to the value that the provider sends.",
    ("id_token_invalid", "aud"): "Set `client_id` to the client that the token was issued to.",
    ("id_token_invalid", "azp"): "Set `client_id` to the client that the token was issued to.",
    ("id_token_invalid", "exp"): "Set the clock of this machine, or raise `leeway`.",
    ("id_token_invalid", "iat"): "Set the clock of this machine, or raise `leeway`.",
    ("id_token_invalid", "nbf"): "Set the clock of this machine, or raise `leeway`.",
    ("id_token_invalid", "auth_time"): "Set the clock of this machine, or check what the provider does with `max_age`.",
    ("id_token_invalid", "encryption"): "Set `client_key` to the private key that the provider encrypts for.",
    ("iss_mismatch", ""): "Set `issuer` to the value that the provider sends.",
    ("client_refused", ""): "Check `client_id` and `client_secret` (or `client_key`) against the registration there.",
    ("code_refused", ""): "Check that the callback URL, with its host and port, is the registered one.",
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
    ("email_linking_off", ""): 'Set `link_by_email` to "verified" if this provider\'s addresses can be relied on.',
    (
        "staff_linking_off",
        "",
    ): 'Write `"link_by_email": "verified"` into this provider\'s entry to link staff accounts too.',
    ("email_not_verified", ""): "Set `trust_email` if the provider's addresses are your organisation's own.",
    ("login_not_allowed", ""): 'Remove `"allow_login": False` from this provider\'s entry.',
}

# Evidence that a page may show: what these reasons and codes are about is no secret, whoever looks.
SHOWN = frozenset({"alg", "typ", "signature", "iss", "issuer_mismatch", "aud", "exp", "iat", "nbf", "auth_time"})
SHOWN_CODES = frozenset({"domain_not_allowed"})
DISTRIBUTION = "django-oidc-login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a developer is shown of an error under `DEBUG`, in the language of the log and the documentation."""

    title: str
    rows: tuple[tuple[str, str], ...]
    docs_url: str


def explain(error: OAuthError) -> Explanation:
    """Return the cause of an error, and what to change; for a page that only developers see."""
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
    """Return what to change about an error, "" where there is no more to say than its code."""
    refusal = ABOUT_REFUSALS.get((error.code, error.reason)) or ABOUT_REFUSALS.get((error.code, ""))
    return refusal or ADVICE.get(error.reason) or OWN_STORES.get(error.reason, "")


def docs_url(page: str) -> str:
    """Return the address of a page of the documentation that the installed package names, "" where it names none."""
    try:
        urls = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return f"{named['Documentation'].rstrip('/')}/{page}" if "Documentation" in named else ""


def advice_for(reason: str) -> str:
    """Return what to do where a store or the network fails, "" for any other reason."""
    return OWN_STORES.get(reason) or NETWORK.get(reason, "")
