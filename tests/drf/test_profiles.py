"""The token profiles: what each service issues opens the API for the right person, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from tests.drf.conftest import Call
from tests.drf.services import (
    API,
    CLIENT,
    OTHER_TENANT,
    PERSON,
    ROBOT,
    SERVICES,
    SPA,
    TENANT,
    Claims,
    Service,
    connect,
    set_up,
)
from tests.support.invariant import Witness
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
every_service = pytest.mark.parametrize("name", list(SERVICES))
every_framework = pytest.mark.parametrize("framework", ["drf", "ninja", "plain"])


def reason(witness: Witness) -> str:
    """Return what the one record of the refusal says was wrong."""
    (record,) = [one for one in witness.caplog.records if one.name == "oidc_login" and hasattr(one, "reason")]
    return str(record.reason)


@every_service
@every_framework
def test_token_of_a_person_opens_the_api(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str, framework: str
) -> None:
    service = set_up(settings, op, name)
    connect(service)

    response = call(f"/{framework}/orders/", service.token(op, service.person))

    assert response.status_code == 200
    found = response.json()
    assert (found["user"], found["client_id"], found["is_application"]) == ("ada", SPA, False)
    assert [request.path for request in op.requests if request.path != "/jwks"] == []


@every_service
@every_framework
def test_token_of_a_client_opens_the_api_for_the_user_whom_the_site_named(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str, framework: str
) -> None:
    client = SPA if name == "cognito" else ROBOT
    service = set_up(settings, op, name, clients={client: "robot"})
    get_user_model().objects.create_user("robot")

    response = call(f"/{framework}/", service.token(op, service.application))

    assert response.status_code == 200
    found = response.json()
    assert (found["user"], found["client_id"], found["is_application"]) == ("robot", client, True)


@every_service
def test_token_of_a_client_is_refused_where_a_person_is_wanted(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, witness: Witness, name: str
) -> None:
    service = set_up(settings, op, name)
    connect(service, provider_user_id=service.application["sub"])

    assert call("/whoami/", service.token(op, service.application)).status_code == 401
    assert reason(witness) == "client"


@every_service
def test_token_of_a_client_that_the_site_did_not_name(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str
) -> None:
    service = set_up(settings, op, name, clients={"a stranger": "robot"})
    get_user_model().objects.create_user("robot")

    assert call("/whoami/", service.token(op, service.application)).status_code == 401


# Attacks: what is changed, and what the refusal names.

ATTACKS: dict[str, tuple[Claims, Claims, str]] = {
    "token of another API": ({"aud": "https://other.example"}, {}, "aud"),
    "no audience": ({"aud": None, "client_id": None}, {}, "aud"),
    "expired": ({"exp": 1}, {}, "exp"),
    "no expiry": ({"exp": None}, {}, "exp"),
    "not yet": ({"nbf": 9_999_999_999}, {}, "nbf"),
    "crit": ({}, {"crit": ["x"]}, "crit"),
    "alg none": ({}, {"alg": "none"}, "alg"),
    "MAC": ({}, {"alg": "HS256"}, "alg"),
    "logout token by its type": ({}, {"typ": "logout+jwt"}, "typ"),
    "issuer of a stranger": ({"iss": "https://evil.example"}, {}, "iss"),
    "logout token by its events": ({"events": {}}, {}, "events"),
    "an ID token's at_hash": ({"at_hash": "x"}, {}, "at_hash"),
    "no subject": ({"sub": None, "uid": None}, {}, "sub"),
}


@every_service
@pytest.mark.parametrize("attack", list(ATTACKS))
def test_attack_on_a_good_token(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, witness: Witness, name: str, attack: str
) -> None:
    claims, header, wrong = ATTACKS[attack]
    if name == "rfc9068" and wrong in ("events", "at_hash"):
        pytest.skip("the type of RFC 9068 says what the token is")
    service = set_up(settings, op, name)
    connect(service)

    response = call("/whoami/", service.token(op, {**service.person, **claims}, header))

    assert response.status_code == 401
    assert reason(witness) == wrong


@every_service
@pytest.mark.parametrize("audience", ["of the client", "of the SPA", "of the API"])
def test_id_token_is_no_access_token(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str, audience: str
) -> None:
    """Issuer, signature and person are good; also where the site names its own client as the audience."""
    service = SERVICES[name]
    wanted = {"of the client": service.client_id, "of the SPA": SPA, "of the API": service.audience}[audience]
    set_up(settings, op, name, audience=wanted)
    connect(service)
    token = service.token(op, {**service.id_token, "aud": wanted}, service.id_header)

    assert call("/whoami/", token).status_code == 401


# The one claim or type that makes a token of this profile an access token.
PROOFS: list[tuple[str, Claims, Claims, str]] = [
    ("rfc9068", {}, {"typ": "JWT"}, "typ"),
    ("rfc9068", {}, {"typ": None}, "typ"),
    ("entra v2", {"scp": None}, {}, "scp"),
    ("entra v2", {"scp": ""}, {}, "scp"),
    ("entra v2", {"azp": None}, {}, "client"),
    ("entra v2", {"nonce": "n"}, {}, "nonce"),
    ("entra v2", {"idtyp": "app"}, {}, "idtyp"),
    ("entra v2", {}, {"typ": None}, "typ"),
    ("entra v1", {"scp": None}, {}, "scp"),
    ("entra v1", {"appid": None}, {}, "client"),
    ("entra v2", {"tid": OTHER_TENANT}, {}, "tid"),
    ("entra v2", {"iss": f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0", "tid": OTHER_TENANT}, {}, "iss"),
    ("entra v1", {"iss": f"https://sts.windows.net/{OTHER_TENANT}/", "tid": OTHER_TENANT}, {}, "iss"),
    ("entra v1", {"tid": OTHER_TENANT}, {}, "tid"),
    ("auth0", {"azp": None}, {}, "client"),
    ("auth0", {"nonce": "n"}, {}, "nonce"),
    ("auth0", {"azp": API}, {}, "aud"),
    ("keycloak", {"typ": "ID"}, {}, "typ"),
    ("keycloak", {"typ": "Refresh"}, {}, "typ"),
    ("keycloak", {"typ": "Offline"}, {}, "typ"),
    ("keycloak", {"typ": "Logout"}, {}, "typ"),
    ("keycloak", {"typ": None}, {}, "typ"),
    ("keycloak", {"azp": None}, {}, "client"),
    ("keycloak", {"preferred_username": f"service-account-{SPA}"}, {}, "client"),
    ("keycloak", {"preferred_username": f"service-account-{ROBOT}", "client_id": ROBOT}, {}, "client"),
    ("keycloak", {"clientAddress": "10.0.0.1"}, {}, "client"),
    ("cognito", {"token_use": "id"}, {}, "token_use"),
    ("cognito", {"token_use": "refresh"}, {}, "token_use"),
    ("cognito", {"token_use": None}, {}, "token_use"),
    ("cognito", {"client_id": "a stranger"}, {}, "aud"),
    ("cognito", {"aud": "https://other.example"}, {}, "aud"),
    ("cognito", {"sub": SPA}, {}, "client"),
    ("okta", {"cid": None}, {}, "client"),
    ("okta", {"scp": None}, {}, "scp"),
    ("okta", {"jti": "ID.1"}, {}, "jti"),
    ("okta", {"nonce": "n"}, {}, "nonce"),
    ("jwt", {"nonce": "n"}, {}, "nonce"),
    ("jwt", {"typ": "Refresh"}, {}, "typ"),
    ("jwt", {"token_use": "id"}, {}, "token_use"),
    ("jwt", {"client_id": "project-1"}, {}, "aud"),
    ("jwt", {"sub": SPA, "email": "ada@example.org"}, {}, "client"),
]


@pytest.mark.parametrize(("name", "claims", "header", "wrong"), PROOFS)
def test_token_without_its_proof(
    op: RecordingOpenIDProvider,
    settings: Settings,
    call: Call,
    witness: Witness,
    name: str,
    claims: Claims,
    header: Claims,
    wrong: str,
) -> None:
    service = set_up(settings, op, name, clients={SPA: "robot", ROBOT: "robot"})
    connect(service)
    get_user_model().objects.create_user("robot")

    response = call("/whoami/", service.token(op, {**service.person, **claims}, header))

    assert response.status_code == 401
    assert reason(witness) == wrong


@every_service
def test_token_of_a_client_that_is_not_authorized(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, witness: Witness, name: str
) -> None:
    service = set_up(settings, op, name, authorized_parties=["another client"])
    connect(service)

    assert call("/whoami/", service.token(op, service.person)).status_code == 401
    assert reason(witness) == "client"


@pytest.mark.parametrize("name", ["auth0", "jwt"])
def test_client_of_the_site_is_no_audience_where_id_tokens_look_the_same(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, witness: Witness, name: str
) -> None:
    service = set_up(settings, op, name, audience=CLIENT)
    connect(service)

    assert call("/whoami/", service.token(op, {**service.person, "aud": CLIENT})).status_code == 401
    assert reason(witness) == "aud"


@pytest.mark.parametrize("name", ["auth0", "jwt"])
def test_client_of_another_entry_is_no_audience_either(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str
) -> None:
    service = set_up(settings, op, name, audience="mobile-client")
    connect(service)
    token = service.token(op, {**service.person, "aud": "mobile-client"})
    assert call("/whoami/", token).status_code == 200
    entry = service.provider_entry(op)
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry, "mobile": {**entry, "client_id": "mobile-client"}}

    assert call("/whoami/", token).status_code == 401


@pytest.mark.parametrize(("tenant", "status"), [(TENANT, 200), (OTHER_TENANT, 401)])
def test_key_that_entra_binds_to_a_tenant_signs_for_it_in_both_versions(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, tenant: str, status: int
) -> None:
    def bound(answer: Answer) -> Answer:
        issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
        return Answer.of_json({"keys": [{**key, "issuer": issuer} for key in answer.json["keys"]]})

    op.bend("jwks", bound)
    service = set_up(settings, op, "entra v1")
    connect(service)

    assert call("/whoami/", service.token(op, service.person)).status_code == status


# What the setting can be.


@pytest.mark.parametrize("shape", [API, [API], ("https://old.example", API), {"audience": API}, {"audience": [API]}])
def test_shapes_of_the_setting(op: RecordingOpenIDProvider, settings: Settings, call: Call, shape: Any) -> None:
    service = set_up(settings, op, "rfc9068")
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": shape}
    connect(service)

    assert call("/whoami/", service.token(op, service.person)).status_code == 200


@pytest.mark.parametrize(
    ("name", "shape"),
    [("entra v2", ["op"]), ("entra v1", {"op": "api://shop"}), ("entra v2", {"op": {}})],
)
def test_provider_class_names_its_own_profile(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, name: str, shape: Any
) -> None:
    service = set_up(settings, op, name)
    settings.OIDC_LOGIN_BEARER_PROVIDERS = shape
    connect(service)

    assert call("/whoami/", service.token(op, service.person)).status_code == 200


def test_profile_that_does_not_exist_takes_nothing(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service = set_up(settings, op, "rfc9068", token_profile="rfc9069")
    connect(service)

    assert call("/whoami/", service.token(op, service.person)).status_code == 401


# Several providers.


def realms(op: RecordingOpenIDProvider, settings: Settings) -> tuple[Service, str]:
    """Two realms of one Keycloak: each has its own issuer, and a person with the same identifier in both."""
    service = SERVICES["keycloak"]
    other = "https://id.example/realms/customers"
    entry = service.provider_entry(op)
    settings.OIDC_LOGIN_PROVIDERS = {
        "staff": entry,
        "customers": {**entry, "metadata": {**entry["metadata"], "issuer": other}},
    }
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"staff": service.bearer_entry(), "customers": service.bearer_entry()}
    connect(service, "employee", provider_key="staff")
    connect(service, "customer", provider_key="customers", issuer=other)
    return service, other


def test_two_realms(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service, other = realms(op, settings)

    assert call("/whoami/", service.token(op, service.person)).json() == {"user": "employee"}
    assert call("/whoami/", service.token(op, {**service.person, "iss": other})).json() == {"user": "customer"}


def test_stranger_causes_no_request(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service, _other = realms(op, settings)
    op.clear()

    for header in ({}, {"typ": "at+jwt"}, {"typ": None}):
        token = service.token(op, {**service.person, "iss": "https://id.example/realms/evil"}, header)
        assert call("/whoami/", token).status_code == 401
    assert op.requests == []


def test_audience_decides_between_two_entries_of_one_issuer(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, witness: Witness
) -> None:
    service = SERVICES["rfc9068"]
    entry = service.provider_entry(op)
    settings.OIDC_LOGIN_PROVIDERS = {"shop": entry, "billing": {**entry, "client_id": "billing-client"}}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"shop": API, "billing": "https://billing.example"}
    connect(service, "shopper", provider_key="shop")
    connect(service, "payer", provider_key="billing")

    assert call("/whoami/", service.token(op, service.person)).json() == {"user": "shopper"}
    token = service.token(op, {**service.person, "aud": "https://billing.example"})
    assert call("/whoami/", token).json() == {"user": "payer"}
    assert call("/whoami/", service.token(op, {**service.person, "aud": "https://other.example"})).status_code == 401
    assert reason(witness) == "aud"


def test_opaque_token_goes_to_the_one_provider_that_takes_them(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {
        "keycloak": SERVICES["keycloak"].provider_entry(op),
        "first": {"client_id": CLIENT, "metadata": {**SERVICES["rfc9068"].provider_entry(op)["metadata"]}},
        "second": {"client_id": CLIENT, "metadata": {**SERVICES["auth0"].provider_entry(op)["metadata"]}},
    }

    keycloak = {"audience": API, "token_profile": "keycloak"}

    def asked(token: str, bearer: Any) -> int:
        op.clear()
        settings.OIDC_LOGIN_BEARER_PROVIDERS = bearer
        assert call("/whoami/", token).status_code == 401
        return sum(request.path == "/introspect" for request in op.requests)

    assert asked("made-up-1", {"keycloak": keycloak, "first": API}) == 1
    assert asked("made-up-2", {"first": API, "second": API}) == 0
    assert asked("made-up-3", {"first": API, "second": {"audience": API, "token_profile": "opaque"}}) == 1
    assert asked("made-up-4", {"first": {"audience": API, "token_profile": "rfc9068"}}) == 0
    assert asked("made-up-5", {"keycloak": keycloak}) == 0


def test_nobody_is_made_by_a_token(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service = set_up(settings, op, "rfc9068")

    assert call("/whoami/", service.token(op, service.person)).status_code == 401
    assert (get_user_model().objects.count(), OAuthConnection.objects.count()) == (0, 0)


def test_person_of_okta_may_be_known_by_the_name_that_both_tokens_share(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = set_up(settings, op, "okta")
    connect(service, provider_user_id="ada@example.org")

    assert call("/whoami/", service.token(op, service.person)).json() == {"user": "ada"}


def test_names_of_people_and_clients_are_exact(op: RecordingOpenIDProvider, settings: Settings, call: Call) -> None:
    service = set_up(settings, op, "rfc9068", clients={ROBOT: "Robot"})
    get_user_model().objects.create_user("robot")
    connect(service, provider_user_id=PERSON.upper())

    assert call("/whoami/", service.token(op, service.application)).status_code == 401
    assert call("/whoami/", service.token(op, service.person)).status_code == 401
