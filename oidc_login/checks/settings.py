"""The checks of the global settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage

from oidc_login.checks.apis import bearer_providers
from oidc_login.checks.imports import import_or_none
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import Rule, boolean, dictionary, number, one_of, strings, text
from oidc_login.conf import DEFAULTS, django, settings
from oidc_login.validation import did_you_mean, is_url, listed, optional

PREFIX = "OIDC_LOGIN_"
MAX_FLOW_LIFETIME = 3600
MIN_TOKEN_KEY = 32

NAME_UNKNOWN = Report("E030", "There is no setting {name}{near}.", "Correct the name, or remove the setting.")
CACHE_UNKNOWN = Report("E031", "{subject} is {alias!r}, which is not in CACHES{near}.", "Write one of {names}.")
NO_ORIGIN = Report(
    "E032",
    "{subject} is not an origin.",
    'Write scheme and host, without a path: OIDC_LOGIN_BASE_URL = "https://your.site".',
)
KEYS_INVALID = Report(
    "E033",
    "{subject} must be a list of strings of at least {length} characters.",
    "Write {written} [os.environ[...]]. The first key encrypts, and all of them decrypt. Remove the setting to derive "
    "the keys from SECRET_KEY.",
)
NOT_CALLABLE = Report(
    "E034",
    "{subject} is not the dotted path of a callable.",
    'Write {written} "yoursite.accounts.function".',
)


def cache_alias(value: Any) -> Iterator[Problem]:
    """The cache alias is in `CACHES`."""
    if value not in list(django.CACHES):
        near = did_you_mean(value, django.CACHES)
        yield CACHE_UNKNOWN.problem(alias=value, near=near, names=listed(django.CACHES))


def origin(value: Any) -> Iterator[Problem]:
    """Only a scheme and a host, because the URLconf provides the rest of a URL."""
    if value != "" and not (is_url(value) and urlsplit(value).path in ("", "/") and "?" not in value):
        yield NO_ORIGIN.problem()


def token_keys(value: Any) -> Iterator[Problem]:
    """A list of secrets that cannot be guessed."""
    if not isinstance(value, (list, tuple)) or not value or not all(map(is_token_key, value)):
        yield KEYS_INVALID.problem(length=MIN_TOKEN_KEY)


def is_token_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= MIN_TOKEN_KEY


def dotted_path(value: Any) -> Iterator[Problem]:
    """The path of something that can be imported and called."""
    if not callable(import_or_none(value) if isinstance(value, str) else None):
        yield NOT_CALLABLE.problem()


SETTING_RULES: Mapping[str, Rule] = {
    "EMAIL_LINKING": one_of("verified", "never"),
    "ALLOW_SIGNUP": boolean,
    "FLOW_LIFETIME": number(f"from 1 to {MAX_FLOW_LIFETIME} seconds", "600", int, minimum=1, maximum=MAX_FLOW_LIFETIME),
    "CACHE": cache_alias,
    "TOKEN_KEYS": optional(token_keys),
    "BASE_URL": optional(origin),
    "CLAIMS": strings,
    "LOCAL_EMAIL_VERIFIED": optional(dotted_path),
    "REAUTHENTICATION_AGE": optional(number("1 second or more", "3600", int, minimum=1)),
    "NOTIFY": boolean,
    "REMEMBER_LAST_USED": boolean,
    "SET_PASSWORD_URL": optional(text),
    "PROVIDER_LOADER": optional(dotted_path),
    "BEARER_PROVIDERS": bearer_providers,
    "RESOURCE_METADATA": dictionary,
    "REDIRECT_BY_PAGE": optional(boolean),
    "MAX_EXCHANGES": number("1 or more", "12", int, minimum=1),
    "MAX_EXCHANGES_PER_PROVIDER": number("1 or more", "8", int, minimum=1),
}


def setting_messages() -> Iterator[CheckMessage]:
    """Return the messages about the global settings."""
    yield from check_setting_names()
    for name, rule in SETTING_RULES.items():
        subject = PREFIX + name
        for found in rule(getattr(settings, name)):
            yield found.report.message(subject=subject, written=f"{subject} =", **found.values)


def check_setting_names() -> Iterator[CheckMessage]:
    """Every setting with our prefix exists, because a misspelt one would have no effect."""
    known = [PREFIX + name for name in DEFAULTS]
    for name in django.names():
        if name.startswith(PREFIX) and name not in known:
            yield NAME_UNKNOWN.message(name=name, near=did_you_mean(name, known))
