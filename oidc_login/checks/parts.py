"""The checks of what a provider class has to define because its base class cannot know it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import NO_URL
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.validation import is_url

# What a class has to define, and what it may override instead.
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

PART_MISSING = Report("E019", "{entry}: {class_name} has no {part}.", "Define {alternatives} in the class.")
ARGUMENT_MISSING = Report(
    "E075",
    "{entry}: {part} is not given.",
    "Write {example} into the entry, or name a class that defines it.",
)


def check_parts(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A class without OpenID Connect defines where to send people, and how to get tokens and the person."""
    if isinstance(provider, OIDCProvider):
        return
    base, parts = OAuthProvider, OAUTH_PARTS
    if isinstance(provider, OAuth2Provider):
        base, parts = OAuth2Provider, OAUTH2_PARTS
    for part, ways in missing_parts(entry, provider, base, parts):
        if type(provider) is OAuth2Provider:
            yield missing_argument(part)
        else:
            yield PART_MISSING.problem(part=part, alternatives=ways)


def missing_parts(
    entry: Entry, provider: OAuthProvider, base: type[OAuthProvider], parts: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str]]:
    """Yield each part that a provider defines in none of the possible ways, and these ways."""
    for part, alternatives in parts.items():
        ways = (part, *alternatives)
        if not any(name in entry.broken or is_given(provider, base, name) for name in ways):
            yield part, " or ".join(ways)


def is_given(provider: OAuthProvider, base: type[OAuthProvider], name: str) -> bool:
    """Whether a provider has its own attribute or method in place of its base class's."""
    return name in vars(provider) or getattr(type(provider), name) is not getattr(base, name)


def missing_argument(part: str) -> Problem:
    """Return the message about what an entry without its own class lacks."""
    if part == "user_from_userinfo":
        return ARGUMENT_MISSING.problem(part="mapping", example='"mapping": {"user_id": "id", "email": "email"}')
    return ARGUMENT_MISSING.problem(part=part, example=f'"{part}": "https://..."')


def check_endpoints(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The URLs of a class are valid; properties are not read, because they may send a request."""
    for name in ENDPOINTS:
        url = inspect.getattr_static(provider, name, None)
        if isinstance(url, str) and url and not is_url(url):
            yield NO_URL.problem(name)
