"""The system checks of `AUTHLIB_OAUTH_CLIENTS`: they name the entry and the option, and ask nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from oidc_login.checks import TAG
from oidc_login.client import OAuth
from tests.client.test_registration import ACCEPTED, OPENID, PLAIN
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings


def said(settings: Settings, clients: Any) -> list[tuple[str, str, str]]:
    settings.ROOT_URLCONF = "tests.settings.urls"
    settings.AUTHLIB_OAUTH_CLIENTS = clients
    return [(found.id or "", found.msg, found.hint or "") for found in run_checks(tags=[TAG], databases=[])]


ROWS: list[tuple[str, Any, str, str, str]] = [
    ("no dictionary", [], "", "", ""),
    ("a list", [OPENID], "E085", "AUTHLIB_OAUTH_CLIENTS must be a dictionary, not list.", "Write AUTHLIB"),
    ("a text", {"company": "x"}, "E085", "AUTHLIB_OAUTH_CLIENTS['company'] must be a dictionary, not str.", "Write"),
    ("a misspelt option", {"company": {"clientid": "x"}}, "E086", "['company']: clientid is not known.", "'client_id'"),
    (
        "a misspelt option further in",
        {"company": {"client_kwargs": {"scop": "x"}}},
        "E086",
        "['company']: client_kwargs['scop'] is not known.",
        "Did you mean 'scope'?",
    ),
    ("a function", {"company": {"fetch_token": print}}, "E087", "fetch_token can only be set in code", "register()"),
    (
        "TLS switched off",
        {"company": {"client_kwargs": {"verify": False}}},
        "E087",
        "['company']: client_kwargs['verify'] would switch TLS off.",
        "Remove it",
    ),
    (
        "PKCE switched off",
        {"company": {"client_kwargs": {"code_challenge_method": "plain"}}},
        "E087",
        "['company']: client_kwargs['code_challenge_method']",
        '"S256"',
    ),
    ("too much leeway", {"company": {"client_kwargs": {"leeway": 900}}}, "E087", "from 0 to 300.", "Write 60."),
    (
        "plain http",
        {"company": {"authorize_url": "http://op.example/"}},
        "E088",
        "authorize_url is not a valid URL",
        "https://",
    ),
    ("no text", {"company": {"client_id": 7}}, "E088", "client_id must be a string.", 'Write "..."'),
    (
        "an option without effect",
        {"company": {"refresh_token_url": "https://op.example/refresh"}},
        "W085",
        "['company']: refresh_token_url is not used.",
        "access_token_url",
    ),
]


@pytest.mark.parametrize(("clients", "number", "text", "hint"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_check_of(settings: Settings, clients: Any, number: str, text: str, hint: str) -> None:
    found = said(settings, clients)

    if not number:
        assert found == []
        return
    ((seen, message, advice),) = found
    assert seen == f"oidc_login.{number}"
    assert text in message
    assert hint in advice


@pytest.mark.parametrize("options", [OPENID, PLAIN, {}, *ACCEPTED[:3], {"client_secret": None}], ids=str)
def test_entries_that_are_fine(settings: Settings, options: dict[str, Any]) -> None:
    """One that lacks something may be completed by `register()`."""
    assert said(settings, {"company": options}) == []


def test_each_option_has_its_message(settings: Settings) -> None:
    options = {"clientid": "x", "authorize_url": "/", "client_kwargs": {"verify": False}}

    found = said(settings, {"first": options, "second": {"api_base_url": 7}})

    assert [number.removeprefix("oidc_login.") for number, _, _ in found] == ["E086", "E088", "E087", "E088"]


def test_messages_show_no_secret(settings: Settings) -> None:
    options = {
        "client_secret": {"CANARY": 1},
        "client_key": "CANARY",
        "client_id": ["CANARY"],
        "api_base_url": "CANARY",
    }

    assert "CANARY" not in str(said(settings, {"company": options}))


@pytest.mark.parametrize("clients", [[OPENID], {"company": "x"}], ids=str)
def test_client_that_is_needed_all_the_same(settings: Settings, clients: Any) -> None:
    settings.AUTHLIB_OAUTH_CLIENTS = clients

    with pytest.raises(ImproperlyConfigured, match=r"AUTHLIB_OAUTH_CLIENTS\['company'\] must be a dictionary"):
        OAuth().register("company").load_server_metadata()


def test_site_that_has_clients_alone(settings: Settings) -> None:
    """It needs neither the backend nor the URLs, until somebody signs in through the package."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.AUTHLIB_OAUTH_CLIENTS = {"company": OPENID}
    settings.ROOT_URLCONF = "tests.client.site"
    assert run_checks(tags=[TAG], databases=[]) == []

    configure(settings, "op", issuer="https://op.example", client_id="client", client_secret="secret")
    assert {found.id for found in run_checks(tags=[TAG], databases=[])} == {"oidc_login.E040", "oidc_login.E041"}
