"""The checks of who may issue access tokens for the site's own API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from oidc_login.checks.arguments import problem
from oidc_login.checks.entries import configured
from oidc_login.checks.messages import Problem, message, near
from oidc_login.conf import django, settings
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.registry import import_provider_class

UPSTREAM_CLASS = "mozilla_django_oidc.contrib.drf.OIDCAuthentication"


def bearer_providers(value: Any) -> Iterator[Problem]:
    """Keys of OpenID providers, each with the audiences of its tokens where the client id is none."""
    if not isinstance(value, (list, tuple, Mapping)) or not all(isinstance(key, str) for key in value):
        yield problem("E111", found=type(value).__name__)
        return
    if isinstance(value, Mapping) and not all(map(are_audiences, value.values())):
        yield problem("E111", found="a dictionary with other values")
    if settings.PROVIDER_LOADER is not None:
        return  # keys that are not in the settings may be the loader's
    for key in value:
        if key not in configured():
            yield problem("E110", key=key, reason="which is no provider", near=near(key, configured()))
        elif not speaks_openid_connect(key):
            yield problem("E110", key=key, reason="which does not speak OpenID Connect", near="")


def are_audiences(value: Any) -> bool:
    values = [value] if isinstance(value, str) else value
    return isinstance(values, (list, tuple)) and bool(values) and all(isinstance(one, str) and one for one in values)


def speaks_openid_connect(key: str) -> bool:
    """Whether the class of an entry can judge access tokens; what cannot be imported has a message already."""
    entry = configured()[key]
    try:
        return not isinstance(entry, Mapping) or issubclass(import_provider_class(key, entry), OIDCProvider)
    except ImproperlyConfigured:
        return True


def api_messages() -> Iterator[CheckMessage]:
    """Return what is wrong with upstream's class for APIs, which asks userinfo whose token it is."""
    for path in django.get("REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()):
        if is_upstream(path):
            yield message("W110" if settings.BEARER_PROVIDERS else "E112", path=path)


def is_upstream(path: Any) -> bool:
    try:
        found = import_string(path) if isinstance(path, str) else path
        return isinstance(found, type) and issubclass(found, import_string(UPSTREAM_CLASS))
    except Exception:  # modules of the site are imported; REST framework says what is wrong with them
        return False
