"""Tokens that their service is asked about, by introspection or tokeninfo, and tokens that open nothing anywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.providers import GoogleProvider
from oidc_login.testing import Answer
from tests.drf.conftest import API, Call
from tests.drf.services import (
    CLIENT,
    OTHER_TENANT,
    PERSON,
    ROBOT,
    ROBOT_OID,
    SPA,
    Claims,
    Service,
    connect,
    set_up,
)
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
every_framework = pytest.mark.parametrize("framework", ["drf", "ninja", "plain"])


def answer(op: RecordingOpenIDProvider, document: Claims, status: int = 200) -> None:
    """Let the service say this of every token."""
    op.bend("introspection", lambda good: Answer.of_json(document, status=status))


def token_request(op: RecordingOpenIDProvider) -> Any:
    (request,) = [request for request in op.requests if request.path == "/introspect"]
    return request


# Introspection: https://zitadel.com/docs/guides/integrate/token-introspection and node oidc-provider.

INTROSPECTED: dict[str, Claims] = {
    "zitadel": {
        "active": True,
        "aud": [SPA, CLIENT, "project-1"],
        "client_id": SPA,
        "iss": "https://as.example",
        "jti": "1",
        "scope": "openid orders.read",
        "sub": PERSON,
        "token_type": "Bearer",
        "username": "ada@example.org",
    },
    "node oidc-provider": {
        "active": True,
        "aud": "project-1",
        "client_id": SPA,
        "iss": "https://as.example",
        "scope": "orders.read",
        "sub": PERSON,
        "token_type": "Bearer",
    },
}
every_answer = pytest.mark.parametrize("shape", list(INTROSPECTED))


def set_up_introspection(settings: Settings, op: RecordingOpenIDProvider) -> None:
    service = set_up(settings, op, "rfc9068")
    entry = {"audience": "project-1", "token_profile": "opaque", "clients": {ROBOT: "robot"}}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": entry}
    get_user_model().objects.create_user("robot")
    connect(service)


@every_framework
@every_answer
def test_introspected_token_opens_the_api_for_its_person(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, framework: str, shape: str
) -> None:
    set_up_introspection(settings, op)
    answer(op, {**INTROSPECTED[shape], "exp": int(time.time()) + 600})

    response = call(f"/{framework}/orders/", "opaque-1")

    assert response.status_code == 200
    found = response.json()
    assert (found["user"], found["client_id"], found["is_application"]) == ("ada", SPA, False)


@every_framework
@every_answer
def test_introspected_token_of_a_client(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, framework: str, shape: str
) -> None:
    set_up_introspection(settings, op)
    own = {"sub": ROBOT, "client_id": ROBOT, "username": None}
    answer(op, {name: value for name, value in {**INTROSPECTED[shape], **own}.items() if value is not None})

    response = call(f"/{framework}/", "opaque-2")

    assert (response.status_code, response.json()["user"]) == (200, "robot")


# Google, by tokeninfo. https://developers.google.com/identity/protocols/oauth2/scopes#tokeninfo


class GoogleHere(GoogleProvider):
    """Google, whose tokeninfo endpoint the test provider answers in the place of."""


TOKENINFO: Claims = {
    "azp": f"{SPA}.apps.googleusercontent.com",
    "aud": f"{SPA}.apps.googleusercontent.com",
    "sub": PERSON,
    "scope": "openid https://www.googleapis.com/auth/userinfo.email",
    "expires_in": "600",
    "email": "ada@example.org",
    "email_verified": "true",
    "access_type": "online",
}


@pytest.fixture
def google(op: RecordingOpenIDProvider, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GoogleHere, "tokeninfo_endpoint", f"{op.base_url}/introspect")
    service = Service(
        issuer="https://accounts.google.com",
        profile="google",
        audience=TOKENINFO["aud"],
        arguments={"class": f"{__name__}.GoogleHere"},
        person={},
        application={},
        id_token={},
    )
    set_up(settings, op, "rfc9068")
    settings.OIDC_LOGIN_PROVIDERS = {"op": service.provider_entry(op)}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": service.bearer_entry()}
    connect(service)


def tokeninfo(**changes: Any) -> Claims:
    document = {**TOKENINFO, "exp": str(int(time.time()) + 600), **changes}
    return {name: value for name, value in document.items() if value is not None}


@every_framework
def test_token_of_google_opens_the_api_for_its_person(
    op: RecordingOpenIDProvider, google: None, call: Call, framework: str
) -> None:
    answer(op, tokeninfo())

    response = call(f"/{framework}/", "ya29.opaque")

    assert response.status_code == 200
    assert (response.json()["user"], response.json()["client_id"]) == ("ada", TOKENINFO["azp"])
    assert token_request(op).form == {"access_token": "ya29.opaque"}
    assert "authorization" not in {name.lower() for name in token_request(op).headers}


GOOGLE_ATTACKS: dict[str, tuple[Claims, int]] = {
    "token of another client": (tokeninfo(aud="evil.apps.googleusercontent.com"), 200),
    "no audience": (tokeninfo(aud=None), 200),
    "expired": (tokeninfo(exp="1"), 200),
    "ID token": (tokeninfo(iss="https://accounts.google.com", scope=None), 200),
    "ID token with a scope": (tokeninfo(iss="https://accounts.google.com"), 200),
    "no scope": (tokeninfo(scope=None), 200),
    "no subject": (tokeninfo(sub=None), 200),
    "somebody else": (tokeninfo(sub="another person"), 200),
    "unknown to Google": ({"error": "invalid_token"}, 400),
}


@pytest.mark.parametrize("attack", list(GOOGLE_ATTACKS))
def test_attack_on_a_token_of_google(op: RecordingOpenIDProvider, google: None, call: Call, attack: str) -> None:
    document, status = GOOGLE_ATTACKS[attack]
    answer(op, document, status)

    assert call("/whoami/", "ya29.opaque").status_code == 401


def test_google_is_not_asked_unless_the_site_says_so(
    op: RecordingOpenIDProvider, google: None, settings: Settings, call: Call
) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": TOKENINFO["aud"]}
    answer(op, tokeninfo())

    assert call("/whoami/", "ya29.opaque").status_code == 401


# Entra with many tenants.


@pytest.mark.parametrize("version", ["entra common v2", "entra common v1"])
@pytest.mark.parametrize("kind", ["person", "application"])
def test_tenant_that_the_site_does_not_admit(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, version: str, kind: str
) -> None:
    """Somebody of the other tenant has everything else that opens the API, and an account too."""
    service = set_up(settings, op, version, clients={ROBOT: "robot"})
    get_user_model().objects.create_user("robot")
    connect(service, issuer=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")
    claims: Claims = getattr(service, kind)
    v1, v2 = f"https://sts.windows.net/{OTHER_TENANT}/", f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"
    theirs = {**claims, "iss": v1 if version.endswith("v1") else v2, "tid": OTHER_TENANT}
    token = service.token(op, theirs)
    assert call("/whoami/", token).status_code == 401

    entry = settings.OIDC_LOGIN_PROVIDERS["op"]
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**entry, "allowed_tenants": [OTHER_TENANT]}}
    assert call("/whoami/", token).status_code == 200, "only the list keeps it out"


def test_object_id_of_another_tenant_is_somebody_else(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    service = set_up(settings, op, "entra common v2", subject="oid")
    connect(service, alternate_id=ROBOT_OID, issuer=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")

    assert call("/whoami/", service.token(op, {**service.person, "oid": ROBOT_OID})).status_code == 401


# authentik: access tokens have the audience of ID tokens, and introspection does not say the type. Nobody comes in.
# https://github.com/goauthentik/authentik/blob/main/authentik/providers/oauth2/id_token.py

AUTHENTIK: Claims = {
    "sub": PERSON,
    "aud": SPA,
    "azp": SPA,
    "uid": "u",
    "acr": "goauthentik.io/providers/oauth2/default",
    "amr": ["pwd"],
    "auth_time": 1,
    "sid": "s",
}


@pytest.mark.parametrize("profile", ["jwt", "rfc9068", "auth0", "opaque", ""])
def test_token_of_authentik_opens_nothing(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, profile: str
) -> None:
    service = set_up(settings, op, "jwt", audience=[SPA, API], token_profile=profile)
    connect(service)
    answer(op, {**AUTHENTIK, "active": True, "client_id": SPA, "scope": "openid", "exp": int(time.time()) + 600})

    assert call("/whoami/", service.token(op, AUTHENTIK)).status_code == 401
