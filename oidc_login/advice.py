"""What an operator can do about a failure, by the reason of its error."""

from __future__ import annotations

from collections.abc import Mapping

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
    "loader": "OIDC_LOGIN_PROVIDER_LOADER failed: see the record of its error.",
}

# What makes an exchange with a provider fail, wherever it happens.
NETWORK: Mapping[str, str] = {
    reason: ADVICE[reason]
    for reason in ("dns", "connect", "timeout", "tls", "ca_bundle", "connection_closed", "proxy", "private_address")
}


def advice_for(reason: str) -> str:
    """Return what to do where a store or the network fails, "" for any other reason."""
    return OWN_STORES.get(reason) or NETWORK.get(reason, "")
