"""What a site restricts, against everything that might undo it: the entry, a loader's row, other settings, a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.providers import OIDCProvider
from oidc_login.registry import get_provider
from oidc_login.signin.linking import allows_signup, links_by_email

if TYPE_CHECKING:
    from pytest_django import Settings

ENTRY: Mapping[str, Any] = {"issuer": "https://op.example", "client_id": "client"}
UNWRITTEN = object()

LOADED: dict[str, Any] = {}


def load() -> Mapping[str, Any]:
    return LOADED


class OpensAll(OIDCProvider):
    """A class that says yes, whoever uses it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"link_by_email": "verified", "allow_signup": True, **kwargs})


def site_entry(settings: Settings, written: Mapping[str, Any]) -> str:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**ENTRY, **written}}
    return "op"


def loaders_row(settings: Settings, written: Mapping[str, Any]) -> str:
    LOADED.clear()
    LOADED["op"] = {**ENTRY, **written}
    settings.OIDC_LOGIN_PROVIDERS = {}
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.load"
    return "op"


def open_class(settings: Settings, written: Mapping[str, Any]) -> str:
    return site_entry(settings, {"class": f"{__name__}.OpensAll", **written})


def other_settings(settings: Settings, written: Mapping[str, Any]) -> str:
    """The entry is made of mozilla-django-oidc's settings, which imply that accounts are linked."""
    settings.OIDC_RP_CLIENT_ID = "client"
    settings.OIDC_CREATE_USER = True
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "https://op.example/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = "https://op.example/token"
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": dict(written)} if written else {}
    return "oidc"


# Where the entry stands, what is written into it, and what comes of it where the site says yes and where it says no.
ROWS: list[tuple[Any, Any, bool, bool]] = [
    (site_entry, UNWRITTEN, True, False),
    (site_entry, None, True, False),
    (site_entry, "no", False, False),
    (site_entry, "yes", True, True),
    (open_class, UNWRITTEN, True, False),
    (open_class, "no", False, False),
    (open_class, "yes", True, True),
    (other_settings, UNWRITTEN, True, False),
    (other_settings, None, True, False),
    (other_settings, "no", False, False),
    (other_settings, "yes", True, True),
    (loaders_row, "no", False, False),
    (loaders_row, "yes", True, False),
]
LINKING_ROWS = [*ROWS, (loaders_row, UNWRITTEN, False, False), (loaders_row, None, False, False)]
SIGNUP_ROWS = [*ROWS, (loaders_row, UNWRITTEN, True, False), (loaders_row, None, True, False)]

YES: Mapping[str, Mapping[Any, Any]] = {
    "link_by_email": {"yes": "verified", "no": "never"},
    "allow_signup": {"yes": True, "no": False},
}


def written(argument: str, value: Any) -> Mapping[str, Any]:
    return {} if value is UNWRITTEN else {argument: YES[argument].get(value)}


@pytest.mark.parametrize("site", ["verified", "never"])
@pytest.mark.parametrize(("place", "value", "where_yes", "where_no"), LINKING_ROWS)
def test_linking_by_email(
    settings: Settings, place: Any, value: Any, where_yes: bool, where_no: bool, site: str
) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = site
    key = place(settings, written("link_by_email", value))

    assert links_by_email(get_provider(key)) is (where_yes if site == "verified" else where_no)


@pytest.mark.parametrize("site", [True, False])
@pytest.mark.parametrize(("place", "value", "where_yes", "where_no"), SIGNUP_ROWS)
def test_sign_up(settings: Settings, place: Any, value: Any, where_yes: bool, where_no: bool, site: bool) -> None:
    settings.OIDC_LOGIN_ALLOW_SIGNUP = site
    key = place(settings, written("allow_signup", value))

    assert allows_signup(get_provider(key)) is (where_yes if site else where_no)
