"""Upstream's class for REST framework, unmodified: for people who have connected before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from tests.drf.conftest import API, Call, opaque
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


class Refusing(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return False


@pytest.fixture
def alice(op: RecordingOpenIDProvider) -> Any:
    user = get_user_model().objects.create_user("alice")
    OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub, link_reason="signed_up"
    )
    return user


def test_person_who_has_connected(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call("/upstream/", opaque(op)).json() == {"user": "alice"}


def test_stranger_is_neither_signed_up_nor_linked(op: RecordingOpenIDProvider, call: Call) -> None:
    get_user_model().objects.create_user("alice", email=ALICE.email)

    assert call("/upstream/", opaque(op)).status_code == 401
    assert get_user_model().objects.count() == 1
    assert not OAuthConnection.objects.exists()


def test_token_that_the_provider_does_not_know(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call("/upstream/", "unknown").status_code == 401


def test_flood_of_unknown_tokens_asks_the_provider_a_bounded_number_of_times(
    op: RecordingOpenIDProvider, alice: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)

    for number in range(150):
        assert call("/upstream/", f"made-up-{number}").status_code in (401, 503)
        assert call("/upstream/", "made-up-0").status_code == 401

    assert op.asked().count("userinfo") == 100


@pytest.mark.parametrize("answer", [{}, {"sub": 7}, {"sub": ""}, []], ids=["no sub", "number", "empty", "list"])
def test_userinfo_that_names_nobody(op: RecordingOpenIDProvider, alice: Any, call: Call, answer: Any) -> None:
    op.bend("userinfo", lambda good: Answer.of_json(answer))

    assert call("/upstream/", opaque(op)).status_code == 401


def test_provider_that_is_down(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    op.bend("userinfo", lambda good: Answer(status=503, headers={}, body=b""))

    assert call("/upstream/", opaque(op)).status_code == 401


def test_inactive_user(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    alice.is_active = False
    alice.save()

    assert call("/upstream/", opaque(op)).status_code == 401


def test_hook_of_the_site_has_its_say(op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Refusing"]

    assert call("/upstream/", opaque(op)).status_code == 401


def test_nobody_may_issue_unless_the_site_says_who(
    op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings
) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = []

    assert call("/upstream/", opaque(op)).status_code == 401
    assert [request.path for request in op.requests if request.path == "/userinfo"] == []


# The system checks.

UPSTREAM = "mozilla_django_oidc.contrib.drf.OIDCAuthentication"


def ids() -> list[str | None]:
    return [found.id for found in run_checks(tags=["oidc_login"], databases=[])]


def test_checks_warn_of_userinfo_that_names_no_audience(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [UPSTREAM]}
    assert ids() == ["oidc_login.W110"]

    settings.OIDC_LOGIN_BEARER_PROVIDERS = []
    assert ids() == ["oidc_login.E112"]

    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["oidc_login.contrib.drf.BearerAuthentication", "gone.Class", None]
    }
    assert ids() == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["op"], []),
        ({"op": API}, []),
        ({"op": [API]}, []),
        (("op",), []),
        ("op", ["oidc_login.E111"]),
        ([7], ["oidc_login.E111"]),
        ({"op": ""}, ["oidc_login.E111"]),
        ({"op": []}, ["oidc_login.E111"]),
        ({"op": None}, ["oidc_login.E111"]),
        (["oq"], ["oidc_login.E110"]),
        (["github"], ["oidc_login.E110"]),
        ({"op": {}}, []),
        ({"op": {"audience": [API], "token_profile": "jwt", "subject": "oid", "signup": True}}, []),
        ({"op": {"audience": API, "clients": {"robot": "robot"}, "authorized_parties": ["spa"]}}, []),
        ({"op": {"audiences": API}}, ["oidc_login.E113"]),
        ({"op": {"audience": {}}}, ["oidc_login.E114"]),
        ({"op": {"signup": "yes"}}, ["oidc_login.E114"]),
        ({"op": {"clients": ["robot"]}}, ["oidc_login.E114"]),
        ({"op": {"clients": {"robot": None}}}, ["oidc_login.E114"]),
        ({"op": {"subject": None}}, ["oidc_login.E114"]),
        ({"op": {"token_profile": "rfc9086"}}, ["oidc_login.E115"]),
        ({"op": {"token_profile": "jwt"}}, ["oidc_login.E116"]),
        ({"op": {"token_profile": "auth0", "audience": ["client", API]}}, ["oidc_login.E116"]),
        ({"google": "client"}, ["oidc_login.W113"]),
        ({"google": {"audience": "client", "token_profile": "google"}}, []),
    ],
    ids=str,
)
def test_checks_of_who_may_issue(
    op: RecordingOpenIDProvider, settings: Settings, value: Any, expected: list[str]
) -> None:
    github = {"class": "oidc_login.providers.GitHubProvider", "client_id": "x", "client_secret": "y"}
    google = {**github, "class": "oidc_login.providers.GoogleProvider"}
    settings.OIDC_LOGIN_PROVIDERS = {**settings.OIDC_LOGIN_PROVIDERS, "github": github, "google": google}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = value

    assert ids() == expected


def test_keys_of_a_loader_are_not_known_offline(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDER_LOADER = "tests.linking.accounts.says_yes"
    settings.OIDC_LOGIN_BEARER_PROVIDERS = ["customer"]

    assert ids() == []


def test_messages_name_the_nearest(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": {"audiense": API, "token_profile": "keycloack"}}

    first, second = (found.msg for found in run_checks(tags=["oidc_login"], databases=[]))

    assert first.endswith("unknown member 'audiense' (did you mean 'audience'?).")
    assert second.endswith("token_profile is 'keycloack' (did you mean 'keycloak'?).")
