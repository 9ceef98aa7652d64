"""Slack: a member's id means something within their workspace alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks

from oidc_login.models import OAuthConnection
from oidc_login.providers import SlackProvider
from oidc_login.testing import UnsignedToken
from tests.providers.flows import asked_parameters
from tests.providers.openid_service import OpenIDService, Person, openid_service
from tests.providers.openid_table import SLACK

if TYPE_CHECKING:
    from pytest_django import Settings

TEAM_CLAIM = "https://slack.com/team_id"


@pytest.fixture
def service(settings: Settings) -> Iterator[OpenIDService]:
    with openid_service(SLACK, settings) as service:
        yield service


def come_from(service: OpenIDService, team: Any) -> None:
    """Let the same member id be one of another workspace; `None`: of none."""

    def bent(token: UnsignedToken) -> UnsignedToken:
        token = service._id_token(token)
        del token.claims[TEAM_CLAIM]
        token.claims |= {} if team is None else {TEAM_CLAIM: team}
        return token

    service.op.bend("id_token", bent)


def slack(service: OpenIDService, **arguments: Any) -> SlackProvider:
    given = {"provider_key": "op", "client_id": "client", "discovery_url": service.op.discovery_url}
    return SlackProvider(**{**given, **arguments})


@pytest.mark.django_db
def test_a_member_of_another_workspace_does_not_come(service: OpenIDService) -> None:
    come_from(service, "T0OTHER")

    response = service.sign_in()

    assert response.status_code == 403
    assert not OAuthConnection.objects.exists()


@pytest.mark.django_db
def test_the_same_id_in_another_workspace_is_somebody_else(service: OpenIDService, settings: Settings) -> None:
    entry = {name: value for name, value in service.entry().items() if name != "team"}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}
    assert service.sign_in().status_code == 302
    first, service.person = service.browser.user, Person(email="")
    come_from(service, "T0OTHER")

    assert service.sign_in().status_code == 302

    assert service.browser.user != first
    issuers = set(OAuthConnection.objects.values_list("issuer", flat=True))
    assert issuers == {f"{service.op.issuer}/T0XYZ", f"{service.op.issuer}/T0OTHER"}


@pytest.mark.django_db
@pytest.mark.parametrize("team", [None, "", 5, ["T0XYZ"], "T0/../T1", "t0xyz", "T" * 65])
def test_without_a_workspace_there_is_no_identity(service: OpenIDService, settings: Settings, team: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {name: v for name, v in service.entry().items() if name != "team"}}
    come_from(service, team)

    response = service.sign_in()

    assert response.status_code == 502
    assert "id_token_invalid" in response.content.decode()
    assert not OAuthConnection.objects.exists()


@pytest.mark.django_db
def test_without_a_team_no_workspace_vouches_for_an_address(service: OpenIDService, settings: Settings) -> None:
    """Anybody can open a workspace of their own, and give its members any address."""
    user = get_user_model().objects.create_user("victim", email=service.person.email)
    settings.OIDC_LOGIN_PROVIDERS = {"op": {name: v for name, v in service.entry().items() if name != "team"}}

    response = service.sign_in()

    assert response.status_code == 409
    assert "email_not_verified" in response.content.decode()
    assert not OAuthConnection.objects.filter(user=user).exists()


@pytest.mark.django_db
def test_with_a_team_its_workspace_vouches_for_addresses(service: OpenIDService) -> None:
    user = get_user_model().objects.create_user("member", email=service.person.email)

    assert service.sign_in().status_code == 302

    assert OAuthConnection.objects.get().user == user


def test_trusting_the_addresses_needs_a_team_too() -> None:
    given: dict[str, Any] = {"provider_key": "op", "client_id": "client", "trust_email": True}
    claims = {"email": "alice@example.org"}

    assert SlackProvider(**given).is_email_verified(claims) is False
    assert SlackProvider(**given, team="T0XYZ").is_email_verified(claims) is True


@pytest.mark.parametrize(
    ("team", "expected"), [({}, ["oidc_login.W180"]), ({"team": "T0XYZ"}, [])], ids=["none", "one"]
)
def test_check_says_that_addresses_need_a_team(settings: Settings, team: dict[str, str], expected: list[str]) -> None:
    entry = {"class": "oidc_login.providers.SlackProvider", "client_id": "client", "client_secret": "secret", **team}
    settings.OIDC_LOGIN_PROVIDERS = {"slack": entry}

    found = run_checks(tags=["oidc_login"], databases=[])

    assert [message.id for message in found] == expected
    assert all("'slack'" in message.msg and '"team"' in str(message.hint).replace("'", '"') for message in found)


@pytest.mark.django_db
def test_the_workspace_is_kept_in_the_claims(service: OpenIDService) -> None:
    service.sign_in()

    assert service.connection.claims[TEAM_CLAIM] == "T0XYZ"


def test_the_parameter_is_a_hint_for_slacks_list(service: OpenIDService) -> None:
    assert asked_parameters(slack(service, team="T0XYZ"))["team"] == "T0XYZ"
    assert "team" not in asked_parameters(slack(service))
    provider = slack(service, team="T0XYZ", authorization_params={"team": "T0OTHER"})
    assert provider.check_claims({TEAM_CLAIM: "T0OTHER"}) is False
