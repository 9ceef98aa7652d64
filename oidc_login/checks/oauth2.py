"""The checks of a provider by settings alone: what is missing, and where the identity comes from."""

from __future__ import annotations

from collections.abc import Iterator

from oidc_login.checks.arguments import problem
from oidc_login.checks.entries import Entry
from oidc_login.checks.messages import Problem
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider

# How what people can change, or give up, is called in the answers of providers.
CHANGEABLE = (
    "email",
    "mail",
    "login",
    "username",
    "user_name",
    "screen_name",
    "nickname",
    "handle",
    "name",
    "full_name",
    "display_name",
    "preferred_username",
)

# By these a class may say in another way who somebody is.
OWN_WAYS = ("get_userinfo", "user_from_userinfo", "subject_from_userinfo")


def missing_argument(part: str) -> Problem:
    """Say what an entry without a class of its own lacks."""
    if part == "user_from_userinfo":
        return problem("E075", part="mapping", example='"mapping": {"user_id": "id", "email": "email"}')
    return problem("E075", part=part, example=f'"{part}": "https://..."')


def check_identity(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A mapping says who somebody is, by something that stays with the account."""
    if not isinstance(provider, OAuth2Provider) or not provider.mapping:
        return
    if any(getattr(type(provider), name) is not getattr(OAuth2Provider, name) for name in OWN_WAYS):
        return
    path = provider.mapping.get("user_id")
    if path is None:
        yield problem("E076")
    elif path.rpartition(".")[2].lower() in CHANGEABLE:
        yield problem("W075", path=path)
