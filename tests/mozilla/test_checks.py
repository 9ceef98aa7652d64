"""What `manage.py check` says to a site that comes from mozilla-django-oidc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import CheckMessage, run_checks

from oidc_login.backends import OIDCLoginBackend
from tests.mozilla.conftest import SECRET, Change, LegacyProvider

if TYPE_CHECKING:
    from pytest_django import Settings

# What the page about moving ends with: nothing is left to be said.
SAID = {"oidc": {"issuer": "https://login.example", "trust_email": True, "link_by_email": "verified"}}


@pytest.fixture(autouse=True)
def moved(after: Change) -> None:
    after()


def found() -> list[CheckMessage]:
    return [message for message in run_checks(databases=[]) if str(message.id).startswith("oidc_login.")]


def ids() -> list[str]:
    return [str(message.id).removeprefix("oidc_login.") for message in found()]


def the_message(number: str) -> CheckMessage:
    [message] = [message for message in found() if message.id == f"oidc_login.{number}"]
    assert SECRET not in f"{message.msg} {message.hint}"
    return message


def test_move_says_what_it_takes_for_granted() -> None:
    assert ids() == ["W100", "W101"]
    assert "'oidc'" in the_message("W100").msg
    assert "OIDC_LOGIN_PROVIDERS = {'oidc': {\"trust_email\": True" in str(the_message("W100").hint)
    assert 'OIDC_LOGIN_PROVIDERS = {\'oidc\': {"issuer": "https://..."}}' in str(the_message("W101").hint)


def test_nothing_is_left_to_be_said(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID

    assert ids() == []


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        ({"trust_email": False, "link_by_email": "never"}, ["W101"]),
        ({"trust_email": True}, ["W100", "W101"]),
        ({"discovery_url": "https://login.example/.well-known/openid-configuration"}, ["W100"]),
        ({"metadata": {"issuer": "https://login.example"}}, ["W100"]),
    ],
)
def test_what_the_entry_says_is_not_said_again(settings: Settings, entry: dict[str, Any], left: list[str]) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": entry}

    assert ids() == left


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_VERIFY_SSL", False),
        ("OIDC_VERIFY_SSL", None),
        ("OIDC_ALLOW_UNSECURED_JWT", True),
        ("OIDC_VERIFY_JWT", False),
        ("OIDC_USE_NONCE", False),
        ("OIDC_VERIFY_KID", False),
        ("OIDC_PKCE_CODE_CHALLENGE_METHOD", "plain"),
    ],
)
def test_refused(settings: Settings, name: str, value: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    setattr(settings, name, value)

    assert ids() == ["E100"]
    assert the_message("E100").msg.startswith(f"{name} is refused: ")
    assert "emove it" in str(the_message("E100").hint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_VERIFY_SSL", True),
        ("OIDC_ALLOW_UNSECURED_JWT", False),
        ("OIDC_USE_NONCE", True),
        ("OIDC_VERIFY_KID", True),
        ("OIDC_USE_PKCE", True),
        ("OIDC_PKCE_CODE_CHALLENGE_METHOD", "S256"),
        ("OIDC_PROXY", None),
        ("ALLOW_LOGOUT_GET_METHOD", False),
        ("OIDC_STORE_ACCESS_TOKEN", False),
        ("OIDC_EXEMPT_URLS", ["home"]),
        ("OIDC_CREATE_USER", False),
        ("OIDC_TIMEOUT", 5),
        ("OIDC_AUTH_REQUEST_EXTRA_PARAMS", {"acr_values": "x", "max_age": 60}),
    ],
)
def test_accepted(settings: Settings, name: str, value: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    setattr(settings, name, value)

    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_PROXY", {"https": "http://proxy.example"}),
        ("OIDC_REDIRECT_ALLOWED_HOSTS", ["elsewhere.example"]),
        ("ALLOW_LOGOUT_GET_METHOD", True),
        ("OIDC_CALLBACK_CLASS", "site.views.Callback"),
        ("OIDC_AUTHENTICATE_CLASS", "site.views.Authenticate"),
    ],
)
def test_without_effect(settings: Settings, name: str, value: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    setattr(settings, name, value)

    assert ids() == ["W102"]
    assert the_message("W102").msg == f"{name} has no effect here."


@pytest.mark.parametrize("name", ["OIDC_STORE_ACCESS_TOKEN", "OIDC_STORE_ID_TOKEN"])
@pytest.mark.parametrize(("engine", "effect"), [("db", "without encryption"), ("signed_cookies", "no effect")])
def test_tokens_in_the_session(settings: Settings, name: str, engine: str, effect: str) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    setattr(settings, name, True)

    message = the_message("W103")

    assert message.msg.startswith(name)
    assert effect in message.msg


@pytest.mark.parametrize(
    ("name", "value", "number", "argument"),
    [
        ("OIDC_RP_SIGN_ALGO", "none", "E015", "id_token_signing_algs"),
        ("OIDC_RP_SIGN_ALGO", "RS257", "E015", "id_token_signing_algs"),
        ("OIDC_RP_CLIENT_SECRET", None, "E008", "client_secret"),
        ("OIDC_OP_TOKEN_ENDPOINT", "http://login.example/token", "E011", "token_endpoint"),
        ("OIDC_AUTH_REQUEST_EXTRA_PARAMS", {"state": "x"}, "E016", "authorization_params"),
        ("OIDC_AUTH_REQUEST_EXTRA_PARAMS", ["x"], "E007", "authorization_params"),
        ("OIDC_VERIFY_SSL", "/nowhere/authority.pem", "E013", "ca_bundle"),
        ("OIDC_RP_SCOPES", 5, "E007", "scope"),
        ("OIDC_RP_IDP_SIGN_KEY", "no key", "E018", "EndpointsProvider"),
    ],
)
def test_values_are_judged_as_those_of_any_entry(
    settings: Settings, name: str, value: Any, number: str, argument: str
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    setattr(settings, name, value)

    message = the_message(number)

    assert message.msg.startswith("OIDC_LOGIN_PROVIDERS['oidc']")
    assert argument in message.msg


def test_secret_that_is_too_short_for_a_mac(settings: Settings) -> None:
    """What upstream takes by default, with what many providers give."""
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.OIDC_RP_SIGN_ALGO, settings.OIDC_RP_CLIENT_SECRET = "HS256", "short"

    assert ids() == ["E024"]


def test_neither_endpoints_nor_issuer(settings: Settings) -> None:
    del settings.OIDC_OP_AUTHORIZATION_ENDPOINT

    assert "E020" in ids()


def test_upstreams_urls_are_still_there(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.ROOT_URLCONF = "tests.mozilla.urls_before"

    assert sorted(ids()) == ["E041", "E101"]
    assert 'include("oidc_login.urls")' in str(the_message("E101").hint)


@pytest.mark.parametrize(("name", "expected"), [("home", ["E101"]), ("nowhere", ["E101"]), ("sign_in_done", [])])
def test_callback_with_a_name_of_the_site(settings: Settings, name: str, expected: list[str]) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.ROOT_URLCONF = "tests.mozilla.urls_custom"
    settings.OIDC_AUTHENTICATION_CALLBACK_URL = name

    assert ids() == expected


def test_site_below_a_path(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    from django.urls import set_script_prefix

    set_script_prefix("/below/")
    try:
        assert ids() == []
    finally:
        set_script_prefix("/")


class VerifyingItself(OIDCLoginBackend):
    def retrieve_matching_jwk(self, token: str) -> Any:
        return None

    def get_payload_data(self, token: str, key: Any) -> Any:
        return None


def test_methods_that_nobody_asks_any_more(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.VerifyingItself"]

    assert ids() == ["W104"]
    assert "'retrieve_matching_jwk', 'get_payload_data'" in the_message("W104").msg


UPSTREAMS, OURS = "mozilla_django_oidc.middleware.SessionRefresh", "oidc_login.middleware.SessionRefresh"


@pytest.mark.parametrize(
    ("middleware", "pkce", "expected"),
    [
        ([UPSTREAMS], False, ["W106"]),
        ([UPSTREAMS], True, []),
        ([UPSTREAMS, OURS], False, ["W105"]),
        ([OURS], False, []),
    ],
)
def test_middleware(settings: Settings, middleware: list[str], pkce: bool, expected: list[str]) -> None:
    settings.OIDC_LOGIN_PROVIDERS = SAID
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *middleware]
    settings.OIDC_USE_PKCE = pkce

    assert ids() == expected


def test_site_without_upstreams_settings(legacy_op: LegacyProvider, settings: Settings) -> None:
    """What was left of them means nothing, so nothing is said of it."""
    del settings.OIDC_RP_CLIENT_ID
    settings.OIDC_VERIFY_SSL = False

    assert ids() == []


def test_no_check_asks_the_provider(legacy_op: LegacyProvider) -> None:
    found()

    assert legacy_op.requests == []
