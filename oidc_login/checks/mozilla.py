"""The checks for sites that used mozilla-django-oidc: its settings, methods, URLs and middleware."""

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
from oidc_login.checks.imports import import_or_none, includes_class
from oidc_login.checks.reports import Report
from oidc_login.conf import django, settings
from oidc_login.middleware import SessionRefresh
from oidc_login.mozilla import entry
from oidc_login.validation import listed
from oidc_login.views.callback import CallbackView

Found = Iterator[CheckMessage]

SETTING_REFUSED = Report("E100", "{name} is refused: {reason}.", "{instead}")
CALLBACK_ELSEWHERE = Report(
    "E101",
    "The URL {name!r}, to which the provider redirects, does not lead to this package.",
    'Replace include("mozilla_django_oidc.urls") with include("oidc_login.urls") at the same path. For another path '
    "use oidc_login.views.upstream.UpstreamCallbackView, exempt from CSRF checks.",
)
ADDRESSES_TRUSTED = Report(
    "W100",
    "The settings of mozilla-django-oidc configure the provider {key!r}. Its addresses count as verified, and it links "
    "people to existing accounts by them, including staff accounts.",
    "mozilla-django-oidc did the same. If only the provider decides who has which address, say so: "
    'OIDC_LOGIN_PROVIDERS = {{{key!r}: {{"trust_email": True, "link_by_email": "verified"}}}}. If people can choose '
    'their address there, write "trust_email": False.',
)
ISSUER_MISSING = Report(
    "W101",
    "{entry}: the settings of mozilla-django-oidc do not name the issuer of ID tokens.",
    "The package looks for a discovery document next to the endpoints. Nobody can sign in if there is none, or if it "
    "names other endpoints. Write the issuer of that document: "
    'OIDC_LOGIN_PROVIDERS = {{{key!r}: {{"issuer": "https://..."}}}}.',
)
SETTING_UNUSED = Report("W102", "{name} has no effect here.", "{instead} Then remove it.")
TOKENS_IN_SESSION = Report(
    "W103",
    "{name} {effect}.",
    "The package stores the tokens encrypted, with the person's connection. Call APIs with connection.session(), and "
    "remove the setting.",
)
METHODS_UNUSED = Report(
    "W104",
    "{path} overrides {names}, which this package never calls.",
    "The provider's class verifies ID tokens and makes requests. Move what is special about your provider into a class "
    "of its own, and remove the methods.",
)
TWO_MIDDLEWARES = Report(
    "W105",
    "Two middlewares renew sessions.",
    'Remove "mozilla_django_oidc.middleware.SessionRefresh" from MIDDLEWARE.',
)
NO_PKCE = Report(
    "W106",
    "mozilla_django_oidc.middleware.SessionRefresh begins sign-ins without PKCE.",
    'Replace it with "oidc_login.middleware.SessionRefresh" in MIDDLEWARE, or set OIDC_USE_PKCE = True.',
)

# For each setting: which values are rejected, why, and what to do instead.
REFUSED: Mapping[str, tuple[Callable[[Any], bool], str, str]] = {
    "OIDC_VERIFY_SSL": (
        lambda value: not value,
        "certificates are always verified",
        'Remove it. To use your own certificate authority, set OIDC_VERIFY_SSL = "/path/of/the/authority.pem".',
    ),
    "OIDC_ALLOW_UNSECURED_JWT": (bool, "ID tokens without a signature are never accepted", "Remove it."),
    "OIDC_VERIFY_JWT": (lambda value: not value, "ID tokens are always verified", "Remove it."),
    "OIDC_USE_NONCE": (
        lambda value: not value,
        "ID tokens must contain the nonce of the sign-in",
        "Remove it.",
    ),
    "OIDC_VERIFY_KID": (
        lambda value: not value,
        "a token that names a key is verified with that key only",
        "Remove it. Tokens and keys without a kid are accepted.",
    ),
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": (
        lambda value: value != "S256",
        "PKCE always uses S256",
        "Remove it.",
    ),
}
NO_EFFECT: Mapping[str, str] = {
    "OIDC_PROXY": 'Write OIDC_LOGIN_PROVIDERS = {"oidc": {"proxy": "http://proxy.example:3128"}}.',
    "OIDC_REDIRECT_ALLOWED_HOSTS": "A sign-in always returns to this host. Redirect people from a view of your own.",
    "ALLOW_LOGOUT_GET_METHOD": "A GET request shows a page with one button. Use a form that posts to sign people out.",
    "OIDC_CALLBACK_CLASS": "Move its code into hooks of the backend or receivers of the signals.",
    "OIDC_AUTHENTICATE_CLASS": "Move the parameters that it adds into OIDC_AUTH_REQUEST_EXTRA_PARAMS, or into a "
    "provider class.",
}
STORED_TOKENS = ("OIDC_STORE_ACCESS_TOKEN", "OIDC_STORE_ID_TOKEN")
REPLACED_METHODS = ("retrieve_matching_jwk", "get_payload_data", "_verify_jws", "raise_token_response_error")


def upstream_messages() -> Found:
    """Return the messages for a site with settings or middleware of mozilla-django-oidc."""
    if entry.provider_key() is not None:
        yield from check_settings()
        yield from check_urls()
    if entry.completed_key(settings.PROVIDERS) is not None:
        yield from check_entry(settings.PROVIDERS.get(entry.KEY, {}))
    yield from check_methods()
    yield from check_middleware()


def check_settings() -> Found:
    """No setting is ignored silently."""
    names = django.names()
    for name, (is_refused, reason, instead) in REFUSED.items():
        if name in names and is_refused(entry.get(name)):
            yield SETTING_REFUSED.message(name=name, reason=reason, instead=instead)
    for name, instead in NO_EFFECT.items():
        if entry.get(name):
            yield SETTING_UNUSED.message(name=name, instead=instead)
    for name in STORED_TOKENS:
        if entry.get(name):
            yield TOKENS_IN_SESSION.message(name=name, effect=effect_of_storing())


def effect_of_storing() -> str:
    engine = import_or_none(f"{django.SESSION_ENGINE}.SessionStore")
    if isinstance(engine, type) and issubclass(engine, CookieSession):
        return "has no effect, because sessions are stored in cookies"
    return "stores the token in the session without encryption"


def check_entry(own: Mapping[str, Any]) -> Found:
    """Report the assumptions about the provider that its entry does not state."""
    if not {"trust_email", "link_by_email"} <= own.keys():
        yield ADDRESSES_TRUSTED.message(entry=named(entry.KEY), key=entry.KEY)
    metadata = own.get("metadata")
    has_issuer = isinstance(metadata, Mapping) and bool(metadata.get("issuer"))
    if not has_issuer and not {"issuer", "discovery_url", "class"} & own.keys():
        yield ISSUER_MISSING.message(entry=named(entry.KEY), key=entry.KEY)


def check_urls() -> Found:
    """The callback URL that is registered with the provider leads to this package."""
    name = str(entry.get(entry.CALLBACK_SETTING, entry.CALLBACK_NAME))
    try:
        view = resolve("/" + reverse(name).removeprefix(get_script_prefix())).func
    except NoReverseMatch:
        if name != entry.CALLBACK_NAME:  # otherwise all our URLs are missing, which E041 reports
            yield CALLBACK_ELSEWHERE.message(name=name)
        return
    except Exception:  # importing the site's URLconf may fail; Django's own check reports it
        return
    view_class = getattr(view, "view_class", None)
    if not (isinstance(view_class, type) and issubclass(view_class, CallbackView)):
        yield CALLBACK_ELSEWHERE.message(name=name)


def check_methods() -> Found:
    """The site's backend does not override methods that are never called."""
    for path in django.AUTHENTICATION_BACKENDS:
        if not includes_class([path], OIDCLoginBackend):
            continue
        backend = import_string(path)
        own = [
            name
            for name in REPLACED_METHODS
            if getattr(backend, name, None) is not getattr(OIDCAuthenticationBackend, name, None)
        ]
        if own:
            yield METHODS_UNUSED.message(path=path, names=listed(own))


def check_middleware() -> Found:
    """Only one middleware renews sessions, and it uses PKCE."""
    if not includes_class(django.MIDDLEWARE, UpstreamSessionRefresh):
        return
    if includes_class(django.MIDDLEWARE, SessionRefresh):
        yield TWO_MIDDLEWARES.message()
    elif not entry.get("OIDC_USE_PKCE"):
        yield NO_PKCE.message()
