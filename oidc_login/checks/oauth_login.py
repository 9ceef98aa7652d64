"""The checks for sites that come from django-oauth-login: its setting, and the methods of its provider classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.users import creates_users_itself, opens_accounts
from oidc_login.conf import django
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin.users import requires_address
from oidc_login.validation import listed

SETTING = "OAUTH_LOGIN_PROVIDERS"

SETTING_LEFT = Report(
    "W150",
    "OAUTH_LOGIN_PROVIDERS of django-oauth-login has no effect here.",
    'Write its entries into OIDC_LOGIN_PROVIDERS, with the contents of "kwargs" beside "class". Then remove it.',
)
METHODS_UNUSED = Report(
    "W151",
    "{entry}: {class_name} overrides {names}, which this package never calls.",
    "{instead}",
)

ADDRESS_REQUIRED = Report(
    "W152",
    "{entry}: {model} requires an email address, and a sign-up uses only verified ones.",
    'If the provider verifies addresses, add "trust_email": True to the entry. If get_oauth_user of {class_name} '
    'returns email_verified, write "trust_email": False.',
)

# What each method did, and where that belongs now.
INSTEAD: Mapping[str, str] = {
    "generate_state": "The package makes the state.",
    "check_request_state": "The package checks the state.",
    "handle_login_request": "Change the authorization request in get_authorization_url_params.",
    "handle_connect_request": "Change the authorization request in get_authorization_url_params.",
    "handle_disconnect_request": "Use a receiver of connection_removed.",
    "handle_callback_request": "Use hooks of the backend, or receivers of the signals.",
    "login": "Use a receiver of user_logged_in.",
    "get_login_redirect_url": 'Set LOGIN_REDIRECT_URL, or post "next".',
    "get_disconnect_redirect_url": 'Post "next".',
}


def oauth_login_messages() -> Iterator[CheckMessage]:
    """Report the setting of django-oauth-login, if the site still has it and not that package."""
    if SETTING in django.names() and "oauthlogin" not in django.INSTALLED_APPS:
        yield SETTING_LEFT.message()


def check_unused_methods(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """No override of the site is ignored without a message."""
    own = [name for name in INSTEAD if callable(getattr(entry.provider_class, name, None))]
    if own:
        advice = [INSTEAD[name] for name in own]
        yield METHODS_UNUSED.problem(names=listed(own), instead=" ".join(dict.fromkeys(advice)))


def check_required_address(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """Where nobody can sign up without a verified address, the site says whose addresses are verified."""
    is_own = not entry.provider_class.get_oauth_user.__module__.startswith("oidc_login.")
    if not is_own or provider.trust_email or "trust_email" in entry.arguments:
        return
    if opens_accounts() and not creates_users_itself() and requires_address():
        yield ADDRESS_REQUIRED.problem(model=get_user_model()._meta.label)
