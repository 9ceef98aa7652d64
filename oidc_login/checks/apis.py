"""The checks of who may issue access tokens for the site's own API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from oidc_login.checks.entries import configured
from oidc_login.checks.reports import Problem, Report
from oidc_login.conf import django, settings
from oidc_login.protocol.token_profiles import PROFILES
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.registry import import_provider_class
from oidc_login.validation import did_you_mean, listed

UPSTREAM_CLASS = "mozilla_django_oidc.contrib.drf.OIDCAuthentication"

PROVIDER_UNUSABLE = Report(
    "E110",
    "OIDC_LOGIN_BEARER_PROVIDERS contains {key!r}, {reason}{near}.",
    "Use the keys of OpenID Connect providers in OIDC_LOGIN_PROVIDERS.",
)
SETTING_INVALID = Report(
    "E111",
    "OIDC_LOGIN_BEARER_PROVIDERS must be a list of keys, or a dictionary that maps keys to audiences, not {found}.",
    'Write OIDC_LOGIN_BEARER_PROVIDERS = {{"company": "https://api.your.site"}}.',
)
NO_ISSUER = Report(
    "E112",
    "REST framework uses {path!r}, but OIDC_LOGIN_BEARER_PROVIDERS does not name a provider whose tokens it may "
    "accept.",
    'Write OIDC_LOGIN_BEARER_PROVIDERS = ["..."] with the key of the provider. Until then, all tokens are rejected.',
)
MEMBER_UNKNOWN = Report(
    "E113",
    "OIDC_LOGIN_BEARER_PROVIDERS[{key!r}]: unknown member {name!r}{near}.",
    "Use one or more of {names}.",
)
MEMBER_INVALID = Report(
    "E114",
    "OIDC_LOGIN_BEARER_PROVIDERS[{key!r}]: {name} must be {expected}, not {found}.",
    "Write {name!r}: {example}.",
)
PROFILE_UNKNOWN = Report(
    "E115",
    "OIDC_LOGIN_BEARER_PROVIDERS[{key!r}]: token_profile is {value!r}{near}.",
    "Write one of {names}.",
)
AUDIENCE_IS_CLIENT = Report(
    "E116",
    "OIDC_LOGIN_BEARER_PROVIDERS[{key!r}]: with the profile {profile!r}, {audience!r} cannot be an audience.",
    "This is a client ID of this site, which is the audience of ID tokens. Register the API with the provider and use "
    "its identifier.",
)
ANY_AUDIENCE = Report(
    "W110",
    "REST framework uses {path!r}, which accepts access tokens that were issued for other clients.",
    "It identifies the person with a userinfo response, which does not contain an audience. Use "
    '"oidc_login.contrib.drf.BearerAuthentication".',
)
NO_TOKENINFO = Report(
    "W113",
    "OIDC_LOGIN_BEARER_PROVIDERS[{key!r}] accepts no tokens: Google's access tokens are opaque and have to be sent to "
    "Google for validation.",
    'Write {{"audience": "<client ID>", "token_profile": "google"}} to validate them at the tokeninfo endpoint.',
)


def bearer_providers(value: Any) -> Iterator[Problem]:
    """Keys of OpenID providers, each with the requirements for its tokens unless the client ID is the audience."""
    if not isinstance(value, (list, tuple, Mapping)) or not all(isinstance(key, str) for key in value):
        yield SETTING_INVALID.problem(found=type(value).__name__)
        return
    entries = value if isinstance(value, Mapping) else dict.fromkeys(value, {})
    found = {key: list(bearer_entry(key, entry)) for key, entry in entries.items()}
    for problems in found.values():
        yield from problems
    if settings.PROVIDER_LOADER is not None:
        return  # other keys may come from the loader
    for key, entry in entries.items():
        if key not in configured():
            yield PROVIDER_UNUSABLE.problem(
                key=key, reason="which is not a provider", near=did_you_mean(key, configured())
            )
        elif not speaks_openid_connect(key):
            yield PROVIDER_UNUSABLE.problem(key=key, reason="which does not use OpenID Connect", near="")
        elif not found[key]:
            yield from check_accepted_tokens(key, entry)


def bearer_entry(key: str, entry: Any) -> Iterator[Problem]:
    """An audience, a list of audiences, or a dictionary with these members."""
    if not isinstance(entry, Mapping):
        if not are_texts(entry):
            yield SETTING_INVALID.problem(found="a dictionary with other values")
        return
    for name, value in entry.items():
        if name not in MEMBERS:
            yield MEMBER_UNKNOWN.problem(key=key, name=name, near=did_you_mean(name, MEMBERS), names=listed(MEMBERS))
            continue
        expected, example, accepts = MEMBERS[name]
        if not accepts(value):
            yield MEMBER_INVALID.problem(
                key=key, name=name, expected=expected, example=example, found=type(value).__name__
            )
    profile = entry.get("token_profile", "")
    if isinstance(profile, str) and profile and profile not in PROFILES:
        yield PROFILE_UNKNOWN.problem(
            key=key, value=profile, near=did_you_mean(profile, PROFILES), names=listed(PROFILES)
        )


def check_accepted_tokens(key: str, entry: Any) -> Iterator[Problem]:
    """At least one access token must be accepted, and no ID token."""
    members = entry if isinstance(entry, Mapping) else {"audience": entry}
    named, provider_class = members.get("token_profile"), class_of(key)
    profile = PROFILES.get(str(named or getattr(provider_class, "token_profile", "")))
    if profile is None:
        if getattr(provider_class, "tokeninfo_endpoint", ""):
            yield NO_TOKENINFO.problem(key=key)
        return
    if not profile.excludes_clients:
        return
    clients = {str(one.get("client_id")) for one in configured().values() if isinstance(one, Mapping)}
    audiences = members.get("audience") or str(configured()[key].get("client_id"))
    for audience in (audiences,) if isinstance(audiences, str) else audiences:
        if audience in clients:
            yield AUDIENCE_IS_CLIENT.problem(key=key, profile=profile.name, audience=audience)


def are_texts(value: Any) -> bool:
    values = [value] if isinstance(value, str) else value
    return isinstance(values, (list, tuple)) and bool(values) and all(isinstance(one, str) and one for one in values)


def is_text_map(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, str) and one for pair in value.items() for one in pair)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


# The members of an entry: the expected value, an example, and the rule.
MEMBERS: Mapping[str, tuple[str, str, Callable[[Any], bool]]] = {
    "audience": ("a string or a list of strings", '"https://api.your.site"', are_texts),
    "token_profile": ("a string", '"entra"', is_text),
    "subject": ("a string", '"oid"', is_text),
    "signup": ("True or False", "True", lambda value: isinstance(value, bool)),
    "clients": ("a dictionary that maps client IDs to user names", '{"<client ID>": "<user name>"}', is_text_map),
    "authorized_parties": ("a list of client IDs", '["<client ID>"]', are_texts),
}


def class_of(key: str) -> type | None:
    """Return the class of an entry; `None` if it cannot be imported, which another check reports."""
    entry = configured()[key]
    try:
        return import_provider_class(key, entry) if isinstance(entry, Mapping) else None
    except ImproperlyConfigured:
        return None


def speaks_openid_connect(key: str) -> bool:
    """Whether the class of an entry can verify access tokens; another check reports classes that cannot be imported."""
    found = class_of(key)
    return found is None or issubclass(found, OIDCProvider)


def api_messages() -> Iterator[CheckMessage]:
    """Return the messages about upstream's class for APIs, which identifies people by userinfo."""
    for path in django.get("REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()):
        if is_upstream(path):
            yield (ANY_AUDIENCE if settings.BEARER_PROVIDERS else NO_ISSUER).message(path=path)


def is_upstream(path: Any) -> bool:
    try:
        found = import_string(path) if isinstance(path, str) else path
        return isinstance(found, type) and issubclass(found, import_string(UPSTREAM_CLASS))
    except Exception:  # importing modules of the site may fail; REST framework reports it
        return False
