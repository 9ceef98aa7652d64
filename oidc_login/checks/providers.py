"""The checks of `OIDC_LOGIN_PROVIDERS`: its entries, and the provider that each of them makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from oidc_login.checks.arguments import is_url, problem
from oidc_login.checks.entries import Entry, check_key, configured, named, read_entry
from oidc_login.checks.messages import Problem, message
from oidc_login.checks.oauth1 import check_oauth1_parts, check_oauth1_secret
from oidc_login.checks.oauth2 import check_identity, missing_argument
from oidc_login.checks.parts import is_given, missing_parts
from oidc_login.conf import settings
from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.jose import MIN_SECRET_BYTES, SYMMETRIC_ALGORITHMS
from oidc_login.protocol.metadata import REQUIRED_URLS, check_issuer_url, discovery_url_for, issuers_for
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.registry import argument_names

# What a class has to say, and what it may override instead of saying it.
OAUTH_PARTS: Mapping[str, tuple[str, ...]] = {
    "authorization_url": ("get_authorization_url",),
    "get_oauth_token": (),
    "get_oauth_user": ("get_userinfo",),
}
OAUTH2_PARTS: Mapping[str, tuple[str, ...]] = {
    "authorization_endpoint": ("authorization_url", "get_authorization_url"),
    "token_endpoint": ("get_oauth_token",),
    "userinfo_endpoint": ("get_oauth_user", "get_userinfo"),
    "user_from_userinfo": ("mapping", "get_oauth_user", "get_userinfo"),
}
ENDPOINTS = (
    "authorization_url",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "request_token_endpoint",
    "access_token_endpoint",
)


def provider_messages() -> list[CheckMessage]:
    """Return what is wrong with `OIDC_LOGIN_PROVIDERS`."""
    if not isinstance(settings.PROVIDERS, Mapping):
        return [message("E001", found=type(settings.PROVIDERS).__name__)]
    found: list[CheckMessage] = []
    made: dict[str, OAuthProvider] = {}
    for key, configuration in configured().items():
        found += check_key(key)
        entry, messages = read_entry(key, configuration)
        found += messages
        if entry is not None:
            found += check_made_provider(entry, made)
    return [*found, *check_same_client(made)]


def check_made_provider(entry: Entry, made: dict[str, OAuthProvider]) -> list[CheckMessage]:
    """Make the provider from its usable arguments and apply the rules about it as a whole."""
    missing = {name for name, required in argument_names(entry.provider_class).items() if required}
    missing -= {"client_id", *entry.arguments}
    if missing:
        return []
    try:
        provider = entry.provider_class(provider_key=str(entry.key), **{"client_id": "-", **entry.arguments})
        messages = [entry.message(found) for rule in PROVIDER_RULES for found in rule(entry, provider)]
    except Exception as error:  # the class may be the site's, and may raise anything
        return [] if entry.broken else [entry.message(refused_arguments(error))]
    if "client_id" not in entry.broken:
        made[entry.key] = provider
    return messages


def refused_arguments(error: Exception) -> Problem:
    """The class takes its arguments; what it says on purpose is repeated, anything else might hold a secret."""
    on_purpose = isinstance(error, (TypeError, ValueError, ImproperlyConfigured))
    text = f"{type(error).__name__}: {error}".rstrip(".") if on_purpose else type(error).__name__
    return problem("E018", reason=text)


def check_parts(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A class without OpenID Connect says where to send people, and how to get tokens and the person."""
    if isinstance(provider, OIDCProvider):
        return
    base, parts = OAuthProvider, OAUTH_PARTS
    if isinstance(provider, OAuth2Provider):
        base, parts = OAuth2Provider, OAUTH2_PARTS
    for part, ways in missing_parts(entry, provider, base, parts):
        if type(provider) is OAuth2Provider:
            yield missing_argument(part)
        else:
            yield problem("E019", part=part, alternatives=ways)


def check_endpoints(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The URLs of a class can be asked; a property is not read, since it may ask the provider."""
    for name in ENDPOINTS:
        url = inspect.getattr_static(provider, name, None)
        if isinstance(url, str) and url and not is_url(url):
            yield problem("E011", name)


def check_address(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """An OpenID provider is found by its discovery URL or issuer, or described completely (Discovery 4)."""
    if not isinstance(provider, OIDCProvider) or entry.broken & {"discovery_url", "issuer", "metadata"}:
        return
    if all(provider.metadata_overrides.get(name) for name in REQUIRED_URLS):
        return
    if not provider.can_be_found():
        yield problem("E020")
    elif provider.discovery_url and not provider._expected_issuer and not issuers_for(provider.discovery_url):
        yield problem("E021")


def check_discovery_url(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The discovery document is at a URL that can be asked."""
    if not isinstance(provider, OIDCProvider) or not provider.discovery_url:
        return
    derived = provider.discovery_url == discovery_url_for(provider._expected_issuer)
    if not derived and not is_url(provider.discovery_url):
        yield problem("E011", "discovery_url")


def check_issuer(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The issuer is one URL without a query (Discovery 3), and the same one wherever it is named."""
    if not isinstance(provider, OIDCProvider) or not provider._expected_issuer:
        return
    try:
        check_issuer_url(provider._expected_issuer)
    except MetadataInvalid:
        yield problem("E012", "issuer" if "issuer" in entry.arguments else "metadata['issuer']")
    if provider.metadata_overrides.get("issuer", provider._expected_issuer) != provider._expected_issuer:
        yield problem("E022")


def check_client_secret(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """There is a secret where the way of client authentication needs one (RFC 6749 2.3)."""
    broken = entry.broken & {"client_secret", "client_assertion_file"}
    if not isinstance(provider, OAuth2Provider) or proves_itself(provider) or broken:
        return
    method = provider.token_endpoint_auth_method
    secrets = [secret for secret in provider._client_secrets if secret]
    if method and method.startswith("client_secret_") and not secrets:
        yield problem("E023", needed_by=f"token_endpoint_auth_method {method!r}")
    if method == "client_secret_jwt" and any(map(is_short, secrets)):
        yield too_short("token_endpoint_auth_method", method)
    offered = offered_methods(provider)
    has_key = provider._private_key is not None or "client_key" in entry.broken
    if not method and not secrets and not has_key and offered and "none" not in offered:
        yield problem("E023", needed_by=f"{offered[0]}, which the provider asks for,")


def proves_itself(provider: OAuth2Provider) -> bool:
    """Whether the class has its own way to authenticate the client, or somebody else's assertion."""
    if provider.client_assertion_file:
        return True
    own = ("authenticate_client", "get_oauth_token", "get_client_secret", "get_client_secrets")
    return any(is_given(provider, OAuth2Provider, name) for name in own)


def offered_methods(provider: OAuth2Provider) -> tuple[str, ...]:
    """Return the ways of client authentication that are known without asking, () when none is."""
    if isinstance(provider, OIDCProvider):
        named = provider.metadata_overrides.get("token_endpoint_auth_methods_supported")
        return tuple(named or provider.token_endpoint_auth_methods_supported)
    if is_given(provider, OAuth2Provider, "token_endpoint_auth_methods_supported"):
        return provider.token_endpoint_auth_methods_supported
    return ()


def check_client_key(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """There is a key where the way of client authentication needs one (Core 9)."""
    if not isinstance(provider, OAuth2Provider) or entry.broken & {"client_key", "client_assertion_file"}:
        return
    has_key = provider._private_key is not None or bool(provider.client_assertion_file)
    if provider.token_endpoint_auth_method == "private_key_jwt" and not has_key:  # noqa: S105
        yield problem("E025", needed_by="token_endpoint_auth_method 'private_key_jwt'")


def check_assertion_file(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The assertion of a file is the one proof in a request (RFC 6749 2.3), and nothing is added to it."""
    if not isinstance(provider, OAuth2Provider) or not provider.client_assertion_file:
        return
    if any(provider._client_secrets) and not any(name in SYMMETRIC_ALGORITHMS for name in signing_algorithms(provider)):
        yield problem("E161", "client_secret")
    if provider.token_endpoint_auth_method not in (None, "private_key_jwt"):
        yield problem("E161", "token_endpoint_auth_method")
    if provider.client_assertion_audience != "issuer":
        yield problem("E161", "client_assertion_audience")


def signing_algorithms(provider: OAuth2Provider) -> tuple[str, ...]:
    return provider.id_token_signing_algs if isinstance(provider, OIDCProvider) else ()


def check_mac_secret(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A MAC is only as good as its secret: as long as the hash or longer (Core 10.1, RFC 7518 3.2)."""
    if not isinstance(provider, OIDCProvider) or "client_secret" in entry.broken:
        return
    for name in provider.id_token_signing_algs:
        if name not in SYMMETRIC_ALGORITHMS:
            continue
        if not any(provider._client_secrets):
            yield problem("E023", needed_by=f"id_token_signing_algs {name!r}")
        elif any(map(is_short, provider._client_secrets)):
            yield too_short("id_token_signing_algs", name)


def is_short(secret: str) -> bool:
    return len(secret.encode()) < MIN_SECRET_BYTES


def too_short(argument: str, value: str) -> Problem:
    return problem("E024", argument, needed_by=f"{argument} {value!r}", length=MIN_SECRET_BYTES)


def check_groups(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """What depends on the person's groups needs the claim that lists them."""
    if provider.groups_paths or "groups_claim" in entry.broken:
        return
    for name in ("group_map", "staff_groups", "superuser_groups", "create_groups"):
        if entry.arguments.get(name):
            yield problem("E028", name)
    if provider.groups_missing != "remove":
        yield problem("E028", "groups_missing")


def check_email_needs(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """Some addresses count only where the entry says whose word about them is taken."""
    if not provider.can_verify_email() and provider.email_needs not in entry.broken:
        yield problem("W180", provider.email_needs)


PROVIDER_RULES: tuple[Callable[[Entry, Any], Iterable[Problem]], ...] = (
    check_parts,
    check_identity,
    check_endpoints,
    check_address,
    check_discovery_url,
    check_issuer,
    check_client_secret,
    check_client_key,
    check_assertion_file,
    check_mac_secret,
    check_groups,
    check_email_needs,
    check_oauth1_parts,
    check_oauth1_secret,
)


def check_same_client(made: Mapping[str, OAuthProvider]) -> Iterator[CheckMessage]:
    """No two entries are one client: the same person would have two identities."""
    first: dict[tuple[str, str], str] = {}
    for key, provider in made.items():
        address = provider.discovery_url if isinstance(provider, OIDCProvider) else static_address(provider)
        other = first.setdefault((address, provider.client_id), key)
        if address and other != key:
            yield message("W001", entry=named(other), other=named(key))


def static_address(provider: OAuthProvider) -> str:
    """Return the authorization endpoint of a class, "" where it is not plain text."""
    for name in ("authorization_endpoint", "authorization_url"):
        url = inspect.getattr_static(provider, name, None)
        if isinstance(url, str):
            return url
    return ""
