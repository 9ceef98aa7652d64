"""The checks of an OpenID provider: the location of its discovery document, and values that replace parts of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import NO_URL, OUT_OF_RANGE, Rule, boolean, dictionary, strings, text
from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS
from oidc_login.protocol.metadata import (
    FLAGS,
    LISTS,
    OPTIONAL_URLS,
    REQUIRED_URLS,
    check_issuer_url,
    discovery_url_for,
    issuers_for,
)
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.validation import did_you_mean, is_url, listed, optional

ALGORITHMS = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)

NO_ISSUER = Report(
    "E012",
    "{subject} is not a valid issuer.",
    "Copy the value of issuer from the provider's discovery document. It is an https:// URL without a query and "
    "without {{placeholders}}.",
)
ALGORITHM_REFUSED = Report("E015", "{subject} contains {name!r}, {reason}{near}.", "Use one or more of {names}.")
PROVIDER_NOT_FOUND = Report(
    "E020",
    "{entry}: neither discovery_url nor issuer is given.",
    'Write "issuer": "https://...", or "discovery_url": "https://.../.well-known/openid-configuration".',
)
ISSUER_UNKNOWN = Report(
    "E021",
    "{entry}: the issuer cannot be derived from a discovery_url that does not end in "
    "/.well-known/openid-configuration.",
    'Add the issuer that the discovery document names: "issuer": "https://...".',
)
ISSUERS_DIFFER = Report(
    "E022",
    "{entry}: issuer and metadata['issuer'] are different.",
    "Remove one of them. The package accepts ID tokens from one issuer only.",
)
NOT_OPENID = Report(
    "E029",
    "{entry}: {host} does not support OpenID Connect, so it has no issuer.",
    'Remove the address, and write "class": "oidc_login.providers.{name}".',
)
MANY_TENANTS = Report(
    "E035",
    "{entry}: the address {address!r} is shared by many tenants, and no tenant issues tokens under it.",
    'Write "class": "oidc_login.providers.MicrosoftProvider" with "tenant", instead of the address; or put the ID of '
    "your tenant into it.",
)
# Hosts that are often mistaken for OpenID providers, and the class for each.
OTHERS: Mapping[str, str] = {
    "github.com": "GitHubProvider",
    "api.github.com": "GitHubProvider",
    "bitbucket.org": "BitbucketProvider",
    "x.com": "XProvider",
    "twitter.com": "XProvider",
    "www.reddit.com": "RedditProvider",
}
ENTRA_HOST = "login.microsoftonline.com"
ENTRA_ALIASES = ("common", "organizations", "consumers")  # instead of a tenant


# Single arguments.


def signing_algorithms(value: Any) -> Iterator[Problem]:
    """Supported algorithms; `none` is not one (RFC 8725 3.2)."""
    wrong_type = list(strings(value))
    yield from wrong_type
    if not value and not wrong_type:
        yield OUT_OF_RANGE.problem(expected="a list with at least one algorithm, or left out", example='["RS256"]')
    for name in () if wrong_type else value:
        yield from check_algorithm(name)


def check_algorithm(name: str) -> Iterator[Problem]:
    names = listed(ALGORITHMS)
    if name.lower() == "none":
        reason = "which would accept ID tokens without a signature"
        yield ALGORITHM_REFUSED.problem(name=name, reason=reason, near="", names=names)
    elif name not in ALGORITHMS:
        near = did_you_mean(name, ALGORITHMS)
        yield ALGORITHM_REFUSED.problem(name=name, reason="which is unknown", near=near, names=names)


def metadata(value: Any) -> Iterator[Problem]:
    """Values that replace parts of the discovery document follow its rules; `check_issuer` checks the issuer."""
    yield from dictionary(value)
    members = value if isinstance(value, Mapping) else {}
    for name in (*REQUIRED_URLS[1:], *OPTIONAL_URLS):
        left_out = name not in members or (members[name] is None and name in OPTIONAL_URLS)
        if not left_out and not is_url(members[name]):
            yield NO_URL.problem(f"metadata[{name!r}]")
    rules: tuple[tuple[tuple[str, ...], Rule], ...] = ((("issuer",), text), (LISTS, strings), (FLAGS, boolean))
    for names, rule in rules:
        for name in names:
            for found in optional(rule)(members.get(name)):
                yield found.report.problem(f"metadata[{name!r}]", **found.values)


# The provider as a whole.


def check_address(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """An OpenID provider has a discovery URL, an issuer or complete metadata (Discovery 4)."""
    if not provider.has_id_token or entry.broken & {"discovery_url", "issuer", "metadata"}:
        return
    if all(provider.metadata_overrides.get(name) for name in REQUIRED_URLS):
        return
    if not provider.can_be_found():
        yield PROVIDER_NOT_FOUND.problem()
    elif provider.discovery_url and not provider.expected_issuer and not issuers_for(provider.discovery_url):
        yield ISSUER_UNKNOWN.problem()


def check_discovery_url(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The URL of the discovery document is valid."""
    if not provider.discovery_url:
        return
    derived = provider.discovery_url == discovery_url_for(provider.expected_issuer)
    if not derived and not is_url(provider.discovery_url):
        yield NO_URL.problem("discovery_url")


def check_issuer(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The issuer is a URL without a query (Discovery 3), and is the same in both places."""
    if not provider.expected_issuer:
        return
    try:
        check_issuer_url(provider.expected_issuer)
    except MetadataInvalid:
        yield NO_ISSUER.problem("issuer" if "issuer" in entry.arguments else "metadata['issuer']")
    if provider.metadata_overrides.get("issuer", provider.expected_issuer) != provider.expected_issuer:
        yield ISSUERS_DIFFER.problem()


def check_known_hosts(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The generic class supports the provider at this address."""
    if type(provider) is not OIDCProvider or not provider.discovery_url:
        return
    address = provider.expected_issuer or provider.discovery_url
    parts = urlsplit(address)
    if name := OTHERS.get(parts.hostname or ""):
        yield NOT_OPENID.problem(host=parts.hostname, name=name)
    if parts.hostname == ENTRA_HOST and parts.path.split("/")[1:2] and parts.path.split("/")[1] in ENTRA_ALIASES:
        yield MANY_TENANTS.problem(address=address)
