"""Whose account a token opens: one account for pages and API, opened by a token where the site says so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test import Client

from oidc_login.models import OAuthConnection
from oidc_login.testing import UnsignedToken
from tests.drf.conftest import API, Call, jwt
from tests.drf.services import OID, PERSON, ROBOT, SERVICES, SPA, TENANT, Service, connect, set_up
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def bearer(settings: Settings, **members: Any) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": {"audience": API, **members}}


def by_email(**claims: Any) -> dict[str, Any]:
    return {"email": ALICE.email, "email_verified": True, **claims}


# Signing up.


def test_first_call_opens_the_account_and_later_ones_find_it(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    bearer(settings, signup=True)
    token = jwt(op, **by_email(preferred_username="alice"))

    assert [call("/whoami/", token).json() for _time in range(2)] == [{"user": "alice"}] * 2
    connection = OAuthConnection.objects.select_related("user").get()
    assert (connection.link_reason, connection.provider_user_id) == ("token", ALICE.sub)
    assert (connection.access_token, connection.refresh_token) == ("", "")
    assert connection.user.email == ALICE.email and not connection.user.has_usable_password()
    assert [request.path for request in op.requests if request.path == "/userinfo"] == []


def test_verified_address_links_the_one_account(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    get_user_model().objects.create_user("local", ALICE.email)
    bearer(settings, signup=True)

    assert call("/whoami/", jwt(op, **by_email())).json() == {"user": "local"}
    assert OAuthConnection.objects.get().link_reason == "token"


@pytest.mark.parametrize(
    ("claims", "changes", "reason"),
    [
        ({"email_verified": False}, {}, "refused: email not verified by provider"),
        ({"email_verified": "true"}, {}, "refused: email not verified by provider"),
        ({"email_verified": None}, {}, "refused: email not verified by provider"),
        ({}, {"OIDC_LOGIN_EMAIL_LINKING": "never"}, "refused: linking by email is off"),
    ],
    ids=str,
)
def test_address_that_is_not_vouched_for_links_nobody(
    op: RecordingOpenIDProvider,
    settings: Settings,
    call: Call,
    witness: Witness,
    claims: dict[str, Any],
    changes: dict[str, Any],
    reason: str,
) -> None:
    get_user_model().objects.create_user("local", ALICE.email)
    bearer(settings, signup=True)
    for name, value in changes.items():
        setattr(settings, name, value)

    assert call("/whoami/", jwt(op, **by_email(**claims))).status_code == 401
    assert reason in witness.caplog.text
    assert not OAuthConnection.objects.exists()


def test_signup_is_off_by_default_and_where_the_site_opens_no_accounts(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    bearer(settings)
    assert call("/whoami/", jwt(op, **by_email())).status_code == 401
    bearer(settings, signup=True)
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False

    assert call("/whoami/", jwt(op, **by_email())).status_code == 401
    assert not get_user_model().objects.exists()


def test_account_that_must_be_confirmed_waits_for_a_browser(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.gate.entrances.is_unconfirmed"
    get_user_model().objects.create_user("local", ALICE.email)
    bearer(settings, signup=True)

    response = call("/whoami/", jwt(op, **by_email()))

    assert (response.status_code, dict(response.cookies)) == (401, {})
    assert not OAuthConnection.objects.exists()


@pytest.mark.parametrize(
    ("audience", "is_asked"), [([API], False), ([API, "userinfo"], True), ([API, "issuer"], True)], ids=str
)
def test_userinfo_is_asked_only_for_tokens_that_are_meant_for_it(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, audience: list[str], is_asked: bool
) -> None:
    configure(settings, "op", userinfo="always")
    bearer(settings, signup=True)
    places = {"userinfo": f"{op.issuer}/userinfo", "issuer": op.issuer}

    call("/whoami/", jwt(op, aud=[places.get(one, one) for one in audience]))

    assert ("/userinfo" in [request.path for request in op.requests]) == is_asked


@pytest.mark.django_db(transaction=True)
def test_many_first_calls_make_one_account(op: RecordingOpenIDProvider, settings: Settings) -> None:
    bearer(settings, signup=True)
    token = jwt(op, **by_email())

    def first_call(_number: int) -> int:
        try:
            return Client().get("/whoami/", headers={"Authorization": f"Bearer {token}"}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(first_call, range(16))) == {200}
    assert (get_user_model().objects.count(), OAuthConnection.objects.count()) == (1, 1)


# Entra: one person, another `sub` for each application.


def entra(settings: Settings, op: RecordingOpenIDProvider, **members: Any) -> Service:
    return set_up(settings, op, "entra v2", subject="oid", **members)


def test_person_who_signed_in_at_the_pages_is_found_by_the_object_id(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = entra(settings, op)
    connect(service, provider_user_id="the sub of the web application", alternate_id=OID)

    assert call("/whoami/", service.token(op, service.person)).json() == {"user": "ada"}
    assert call("/whoami/", service.token(op, {**service.person, "oid": OID.replace("9", "8")})).status_code == 401
    assert call("/whoami/", service.token(op, {**service.person, "oid": None})).status_code == 401
    assert call("/whoami/", service.token(op, {**service.person, "tid": None})).status_code == 401


def test_sub_is_not_looked_at_where_the_object_id_counts(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = entra(settings, op)
    connect(service, provider_user_id=OID)
    connect(service, "eve", provider_user_id=PERSON)

    assert call("/whoami/", service.token(op, service.person)).status_code == 401


def test_object_id_that_two_accounts_have_opens_neither(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = entra(settings, op)
    connect(service, alternate_id=OID)
    connect(service, "eve", provider_user_id="another", alternate_id=OID)

    assert call("/whoami/", service.token(op, service.person)).status_code == 401


@pytest.mark.parametrize(("owned", "user"), [(True, "local"), ("1", "local"), (False, None), (None, None)])
def test_address_of_entra_links_only_where_the_tenant_owns_its_domain(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, owned: Any, user: str | None
) -> None:
    service = entra(settings, op, signup=True)
    get_user_model().objects.create_user("local", "ada@contoso.example")
    claims = {"email": "ada@contoso.example", "email_verified": True, "upn": "ada@contoso.example"}

    response = call("/whoami/", service.token(op, {**service.person, **claims, "xms_edov": owned}))

    assert response.json().get("user") == user


def test_upn_links_nobody(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service = entra(settings, op, signup=True)
    get_user_model().objects.create_user("local", "ada@contoso.example")
    claims = {"upn": "ada@contoso.example", "preferred_username": "ada@contoso.example", "xms_edov": True}

    response = call("/whoami/", service.token(op, {**service.person, **claims}))

    assert response.json()["user"] != "local"
    connection = OAuthConnection.objects.get()
    assert (connection.alternate_id, connection.provider_user_id) == (OID, PERSON)


def test_generic_class_with_the_profile_of_entra_vouches_by_its_rule(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = SERVICES["entra v2"]
    configure(settings, "op", client_id=service.client_id)
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": service.bearer_entry(signup=True)}
    get_user_model().objects.create_user("local", ALICE.email)
    claims = {**service.person, "iss": op.issuer, **by_email()}

    assert call("/whoami/", service.token(op, claims)).status_code == 401
    assert call("/whoami/", service.token(op, {**claims, "xms_edov": True})).json() == {"user": "local"}


# The same account from both sides, with a provider whose `sub` differs between applications.


@pytest.fixture
def pairwise(op: RecordingOpenIDProvider, settings: Settings) -> RecordingOpenIDProvider:
    """The provider names one person by the same `oid` everywhere."""

    def with_oid(token: UnsignedToken) -> UnsignedToken:
        token.claims |= {"oid": OID, "tid": TENANT}
        return token

    op.bend("id_token", with_oid)
    bearer(settings, subject="oid", signup=True)
    return op


def api_token(op: RecordingOpenIDProvider) -> str:
    return jwt(op, sub="the sub of the API", aud=API, oid=OID, tid=TENANT)


def test_pages_first_and_then_the_api(pairwise: RecordingOpenIDProvider, call: Call) -> None:
    browser = Browser()
    browser.sign_in(pairwise)

    assert call("/whoami/", api_token(pairwise)).json() == {"user": browser.user.get_username()}
    assert OAuthConnection.objects.get().alternate_id == OID


def test_api_first_and_then_the_pages(pairwise: RecordingOpenIDProvider, call: Call) -> None:
    username = call("/whoami/", api_token(pairwise)).json()["user"]
    browser = Browser()
    for _time in range(2):
        browser.sign_in(pairwise)

    assert browser.user.get_username() == username
    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.alternate_id) == (ALICE.sub, OID)
    assert connection.access_token != ""
    assert call("/whoami/", api_token(pairwise)).json() == {"user": username}


def test_connection_of_before_learns_the_identifier_at_the_next_sign_in(
    pairwise: RecordingOpenIDProvider, call: Call
) -> None:
    browser = Browser()
    browser.sign_in(pairwise)
    OAuthConnection.objects.update(alternate_id="")
    browser.sign_in(pairwise)

    assert call("/whoami/", api_token(pairwise)).status_code == 200


# Machine clients.


def machine(op: RecordingOpenIDProvider, **claims: Any) -> str:
    return jwt(op, **{"sub": ROBOT, "client_id": ROBOT, "scope": "orders.read", **claims})


@pytest.mark.parametrize(("field", "status"), [({}, 200), ({"is_active": False}, 401)], ids=str)
def test_user_of_a_client_must_be_active(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, field: dict[str, Any], status: int
) -> None:
    get_user_model().objects.create_user("robot", **field)
    bearer(settings, clients={ROBOT: "robot"})

    assert call("/whoami/", machine(op)).status_code == status


def test_client_without_a_user(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    bearer(settings, clients={ROBOT: "robot"}, signup=True)

    assert call("/whoami/", machine(op)).status_code == 401
    assert not get_user_model().objects.exists()


def test_person_who_uses_the_client_is_not_the_client(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    get_user_model().objects.create_user("robot")
    bearer(settings, clients={SPA: "robot"})

    assert call("/whoami/", machine(op, sub=ALICE.sub, client_id=SPA)).status_code == 401
