"""The checks for sites that come from mozilla-django-oidc: what of its settings is followed, refused, or of no use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.middleware import SessionRefresh as UpstreamSessionRefresh

from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.entries import named
from oidc_login.checks.messages import listed, message
from oidc_login.checks.project import imported, names_a
from oidc_login.conf import django, settings
from oidc_login.middleware import SessionRefresh
from oidc_login.mozilla import entry
from oidc_login.views.callback import CallbackView

Found = Iterator[CheckMessage]

# Setting, the values that are refused, why, and what to write instead.
REFUSED: Mapping[str, tuple[Callable[[Any], bool], str, str]] = {
    "OIDC_VERIFY_SSL": (
        lambda value: not value,
        "certificates are always verified",
        'Remove it. For an authority of your own write OIDC_VERIFY_SSL = "/path/of/the/authority.pem".',
    ),
    "OIDC_ALLOW_UNSECURED_JWT": (bool, "ID tokens without a signature are never accepted", "Remove it."),
    "OIDC_VERIFY_JWT": (lambda value: not value, "ID tokens are always verified", "Remove it."),
    "OIDC_USE_NONCE": (lambda value: not value, "every sign-in has a nonce, and its ID token repeats it", "Remove it."),
    "OIDC_VERIFY_KID": (
        lambda value: not value,
        "a token that names a key is verified with that key",
        "Remove it. Tokens and keys that name none are accepted.",
    ),
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": (
        lambda value: value != "S256",
        "every sign-in has a challenge by S256",
        "Remove it.",
    ),
}
NO_EFFECT: Mapping[str, str] = {
    "OIDC_PROXY": 'Write OIDC_LOGIN_PROVIDERS = {"oidc": {"proxy": "http://proxy.example:3128"}}.',
    "OIDC_REDIRECT_ALLOWED_HOSTS": "After a sign-in people stay on this host. Send them on from a view of your own.",
    "ALLOW_LOGOUT_GET_METHOD": "A GET shows a page with one button. Let people sign out by a form that posts.",
    "OIDC_CALLBACK_CLASS": "Put what it does into hooks of the backend, or receivers of the signals.",
    "OIDC_AUTHENTICATE_CLASS": "Write the parameters that it adds into OIDC_AUTH_REQUEST_EXTRA_PARAMS, or into a class "
    "of the provider.",
}
KEPT_TOKENS = ("OIDC_STORE_ACCESS_TOKEN", "OIDC_STORE_ID_TOKEN")
REPLACED_METHODS = ("retrieve_matching_jwk", "get_payload_data", "_verify_jws", "raise_token_response_error")


def upstream_messages() -> Found:
    """Return what a site should know, that has the settings of mozilla-django-oidc or its middleware."""
    if entry.provider_key() is not None:
        yield from check_settings()
        yield from check_urls()
    if entry.completed_key(settings.PROVIDERS) is not None:
        yield from check_entry(settings.PROVIDERS.get(entry.KEY, {}))
    yield from check_methods()
    yield from check_middleware()


def check_settings() -> Found:
    """No setting is silently without effect."""
    names = django.names()
    for name, (is_refused, reason, instead) in REFUSED.items():
        if name in names and is_refused(entry.get(name)):
            yield message("E100", name=name, reason=reason, instead=instead)
    for name, instead in NO_EFFECT.items():
        if entry.get(name):
            yield message("W102", name=name, instead=instead)
    for name in KEPT_TOKENS:
        if entry.get(name):
            yield message("W103", name=name, effect=effect_of_keeping())


def effect_of_keeping() -> str:
    engine = imported(f"{django.SESSION_ENGINE}.SessionStore")
    if isinstance(engine, type) and issubclass(engine, CookieSession):
        return "keeps nothing, since sessions are cookies here"
    return "keeps the token in the session, where it is not encrypted"


def check_entry(own: Mapping[str, Any]) -> Found:
    """Say what the provider is taken for, unless its entry says it."""
    if not {"trust_email", "link_by_email"} <= own.keys():
        yield message("W100", entry=named(entry.KEY), key=entry.KEY)
    metadata = own.get("metadata")
    has_issuer = isinstance(metadata, Mapping) and bool(metadata.get("issuer"))
    if not has_issuer and not {"issuer", "discovery_url", "class"} & own.keys():
        yield message("W101", entry=named(entry.KEY), key=entry.KEY)


def check_urls() -> Found:
    """The address that is registered at the provider leads to this package."""
    name = str(entry.get(entry.CALLBACK_SETTING, entry.CALLBACK_NAME))
    try:
        view = resolve("/" + reverse(name).removeprefix(get_script_prefix())).func
    except NoReverseMatch:
        if name != entry.CALLBACK_NAME:  # without that one all our URLs are missing, which is said elsewhere
            yield message("E101", name=name)
        return
    except Exception:  # the site's URLconf is imported; Django's own check reports what it raises
        return
    view_class = getattr(view, "view_class", None)
    if not (isinstance(view_class, type) and issubclass(view_class, CallbackView)):
        yield message("E101", name=name)


def check_methods() -> Found:
    """A site's backend overrides nothing that nobody asks any more."""
    for path in django.AUTHENTICATION_BACKENDS:
        if not names_a(OIDCLoginBackend, [path]):
            continue
        backend = import_string(path)
        own = [
            name
            for name in REPLACED_METHODS
            if getattr(backend, name, None) is not getattr(OIDCAuthenticationBackend, name, None)
        ]
        if own:
            yield message("W104", path=path, names=listed(own))


def check_middleware() -> Found:
    """Sessions are confirmed by one middleware, and what upstream's begins has PKCE."""
    if not names_a(UpstreamSessionRefresh, django.MIDDLEWARE):
        return
    if names_a(SessionRefresh, django.MIDDLEWARE):
        yield message("W105")
    elif not entry.get("OIDC_USE_PKCE"):
        yield message("W106")
