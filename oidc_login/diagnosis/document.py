"""Check what a provider publishes: its discovery document, keys, scopes and clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from oidc_login.diagnosis.findings import Finding, failed
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import Request, Response
from oidc_login.protocol.metadata import ProviderMetadata
from oidc_login.providers.base import OAuthProvider


def look_at_document(provider: OAuthProvider) -> Iterator[Finding]:
    """Check what the provider publishes; without a discovery document, nothing else can be checked."""
    try:
        metadata = provider.get_metadata()
    except ProtocolError as error:
        yield failed("description", error, url=provider.discovery_url)
        return
    yield Finding(subject="description", is_good=True, text=f"of {metadata.issuer}")
    yield from look_at_algorithms(provider, metadata)
    try:
        yield look_at_keys(provider, metadata)
    except ProtocolError as error:
        yield failed("keys", error, url=metadata.jwks_uri)
    yield from look_at_scopes(provider, metadata)
    if provider.discovery_url:
        yield from look_at_clock(provider)


def look_at_algorithms(provider: OAuthProvider, metadata: ProviderMetadata) -> Iterator[Finding]:
    """The provider must sign ID tokens with an algorithm that is accepted here (Discovery 3, Core 3.1.3.7)."""
    listed, accepted = metadata.id_token_signing_alg_values_supported, provider.get_signing_algorithms()
    if not listed or set(listed) & set(accepted):
        return
    yield Finding(
        subject="algorithms",
        is_good=False,
        text="The provider does not sign ID tokens with an algorithm that the site accepts: check "
        "`id_token_signing_algs`. "
        'A MAC such as HS256 needs `"id_token_signing_algs": ["HS256"]` and a secret of 32 bytes or more.',
        url=provider.discovery_url,
        expected=", ".join(accepted),
        seen=", ".join(listed),
    )


def look_at_keys(provider: OAuthProvider, metadata: ProviderMetadata) -> Finding:
    """At least one key must fit an algorithm that the site accepts for ID tokens."""
    algorithms, found = provider.get_signing_algorithms(), provider.get_keys()
    fit = [key for key in found.keys if any(map(key.may_verify, algorithms))]
    if fit:
        return Finding(subject="keys", is_good=True, text=f"{len(fit)} for {', '.join(algorithms)}")
    of_keys = [f"{key.kid or 'no kid'} ({key.alg or key.crv or key.kty})" for key in found.keys]
    of_skipped = [f"{kid or 'no kid'} (not usable: {reason})" for kid, reason in found.skipped]
    return Finding(
        subject="keys",
        is_good=False,
        text=f"None of the {len(found.keys)} keys is for {', '.join(algorithms)}: check `id_token_signing_algs`.",
        url=metadata.jwks_uri,
        expected=f"a key for {' or '.join(algorithms)}",
        seen=", ".join([*of_keys, *of_skipped]) or "no key at all",
    )


def look_at_scopes(provider: OAuthProvider, metadata: ProviderMetadata) -> Iterator[Finding]:
    """A provider may accept scopes that it does not list (Discovery 3)."""
    wanted, listed = provider.get_scope().split(), metadata.scopes_supported
    unlisted = [name for name in wanted if listed and name not in listed]
    if "email" in listed and "email" not in wanted:
        unlisted_too = f" The provider does not list {', '.join(unlisted)}." if unlisted else ""
        yield Finding(
            subject="scopes",
            is_good=None,
            text=f"`scope` does not request `email`, so people may arrive without an address.{unlisted_too}",
            url=provider.discovery_url,
            expected=" ".join(listed),
            seen=" ".join(wanted),
        )
    elif unlisted:
        yield Finding(
            subject="scopes",
            is_good=None,
            text=f"The provider does not list {', '.join(unlisted)}, and may reject the request: check `scope`.",
            url=provider.discovery_url,
            expected=" ".join(listed),
            seen=" ".join(wanted),
        )


def look_at_clock(provider: OAuthProvider) -> Iterator[Finding]:
    """The times in ID tokens are compared with the clock of this machine, which may be off by `leeway`."""
    try:
        response = provider.transport.send(Request(method="GET", url=provider.discovery_url))
    except ProtocolError as error:
        yield failed("clock", error, url=provider.discovery_url)
        return
    theirs, ours = time_of(response), time.time()
    if theirs is None:
        return
    ahead = round(ours - theirs)
    if abs(ahead) <= provider.leeway:
        yield Finding(subject="clock", is_good=True, text=f"differs from the provider's clock by {abs(ahead)} s")
        return
    yield Finding(
        subject="clock",
        is_good=False,
        text=f"The clock of this machine is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} the provider's: "
        "correct it.",
        expected=f"{as_text(theirs)}, plus or minus {provider.leeway} s",
        seen=as_text(ours),
    )


def as_text(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def time_of(response: Response) -> float | None:
    """Return when a response was sent; `Age` says how long a cache has stored it (RFC 9111 5.1)."""
    age = response.headers.get("age", "")
    try:
        sent_at = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return sent_at + (int(age) if age.isdecimal() and len(age) < 10 else 0)
