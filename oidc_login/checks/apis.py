"""The checks of who may issue access tokens for the site's own API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from oidc_login.checks.entries import configured
from oidc_login.checks.reports import Problem, Report
from oidc_login.conf import django, settings
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.registry import import_provider_class
from oidc_login.validation import did_you_mean

UPSTREAM_CLASS = "mozilla_django_oidc.contrib.drf.OIDCAuthentication"

PROVIDER_UNUSABLE = Report(
    "E110",
    "OIDC_LOGIN_BEARER_PROVIDERS contains {key!r}, {reason}{near}.",
    "Write keys of OpenID providers in OIDC_LOGIN_PROVIDERS.",
)
SETTING_INVALID = Report(
    "E111",
    "OIDC_LOGIN_BEARER_PROVIDERS must be a list of keys, or a dictionary from keys to audiences, not {found}.",
    'Write OIDC_LOGIN_BEARER_PROVIDERS = {{"company": "https://api.your.site"}}.',
)
NO_ISSUER = Report(
    "E112",
    "REST framework uses {path!r}, and OIDC_LOGIN_BEARER_PROVIDERS names no provider whose tokens it may accept.",
    'Write OIDC_LOGIN_BEARER_PROVIDERS = ["..."] with the key of the provider. Until then all tokens are refused.',
)
ANY_AUDIENCE = Report(
    "W110",
    "REST framework uses {path!r}, which accepts access tokens that were issued for other clients.",
    "It identifies the person by the provider's userinfo, whose answer names no audience. Use "
    '"oidc_login.contrib.drf.BearerAuthentication".',
)


def bearer_providers(value: Any) -> Iterator[Problem]:
    """Keys of OpenID providers, each with the audiences of its tokens where the client id is none."""
    if not isinstance(value, (list, tuple, Mapping)) or not all(isinstance(key, str) for key in value):
        yield SETTING_INVALID.problem(found=type(value).__name__)
        return
    if isinstance(value, Mapping) and not all(map(are_audiences, value.values())):
        yield SETTING_INVALID.problem(found="a dictionary with other values")
    if settings.PROVIDER_LOADER is not None:
        return  # keys that are not in the settings may be the loader's
    for key in value:
        if key not in configured():
            near = did_you_mean(key, configured())
            yield PROVIDER_UNUSABLE.problem(key=key, reason="which is not a provider", near=near)
        elif not speaks_openid_connect(key):
            yield PROVIDER_UNUSABLE.problem(key=key, reason="which does not use OpenID Connect", near="")


def are_audiences(value: Any) -> bool:
    values = [value] if isinstance(value, str) else value
    return isinstance(values, (list, tuple)) and bool(values) and all(isinstance(one, str) and one for one in values)


def speaks_openid_connect(key: str) -> bool:
    """Whether the class of an entry can judge access tokens; other checks report a class that cannot be imported."""
    entry = configured()[key]
    try:
        return not isinstance(entry, Mapping) or issubclass(import_provider_class(key, entry), OIDCProvider)
    except ImproperlyConfigured:
        return True


def api_messages() -> Iterator[CheckMessage]:
    """Return what is wrong with upstream's class for APIs, which identifies people by userinfo."""
    for path in django.get("REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()):
        if is_upstream(path):
            yield (ANY_AUDIENCE if settings.BEARER_PROVIDERS else NO_ISSUER).message(path=path)


def is_upstream(path: Any) -> bool:
    try:
        found = import_string(path) if isinstance(path, str) else path
        return isinstance(found, type) and issubclass(found, import_string(UPSTREAM_CLASS))
    except Exception:  # modules of the site are imported; REST framework reports what is wrong with them
        return False
