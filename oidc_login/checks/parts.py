"""The checks of what a provider class has to define because its base class does not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import NO_URL
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.validation import is_url

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
    """A class defines what its base class does not: where to send people, and how to get tokens and the person."""
    for part, alternatives in provider.get_required_parts().items():
        ways = (part, *alternatives)
        if any(name in entry.broken or is_given(provider, name) for name in ways):
            continue
        if type(provider) is OAuth2Provider:
            yield missing_argument(part)
        else:
            yield PART_MISSING.problem(part=part, alternatives=" or ".join(ways))


def is_given(provider: OAuthProvider, name: str) -> bool:
    """Whether a provider overrides an attribute or method of the generic classes."""
    owner = next((base for base in type(provider).__mro__ if name in vars(base)), None)
    return name in vars(provider) or (owner is not None and not vars(owner).get("is_generic"))


def missing_argument(part: str) -> Problem:
    """Return the message about what is missing in an entry without its own class."""
    if part == "user_from_userinfo":
        return ARGUMENT_MISSING.problem(part="mapping", example='"mapping": {"user_id": "id", "email": "email"}')
    return ARGUMENT_MISSING.problem(part=part, example=f'"{part}": "https://..."')


def check_endpoints(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The URLs of a class are valid; properties are not read, because they may send a request."""
    for name in ENDPOINTS:
        url = inspect.getattr_static(provider, name, None)
        if isinstance(url, str) and url and not is_url(url):
            yield NO_URL.problem(name)
