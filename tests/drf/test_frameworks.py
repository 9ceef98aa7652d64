"""REST framework, Django Ninja and plain views: the same tokens, the same refusals, the same challenges."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import AsyncClient, Client

from oidc_login.models import OAuthConnection
from tests.drf.conftest import API, Call, jwt, opaque
from tests.drf.services import ROBOT
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
METADATA = "http://testserver/.well-known/oauth-protected-resource"
every_framework = pytest.mark.parametrize("framework", ["drf", "ninja", "plain"])


@pytest.fixture(autouse=True)
def site(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.drf.api_urls"
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": {"audience": API, "clients": {ROBOT: "robot"}}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    get_user_model().objects.create_user("robot")
    user = get_user_model().objects.create_user("alice")
    OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub, link_reason="signed_up"
    )


def challenge(response: Any, path: str, *parameters: str) -> None:
    """The challenge has exactly these parameters, and says where the resource is described."""
    expected = ", ".join(['Bearer realm="api"', *parameters, f'resource_metadata="{METADATA}{path}"'])
    assert response.headers["WWW-Authenticate"] == expected


@every_framework
def test_request_auth_describes_the_token(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    response = call(f"/{framework}/", jwt(op, scope="a b", roles=["admin"], client_id="spa"))

    assert (response.status_code, response.json()) == (
        200,
        {
            "user": "alice",
            "scopes": ["a", "b"],
            "roles": ["admin"],
            "client_id": "spa",
            "is_application": False,
            "has_connection": True,
        },
    )
    assert not response.cookies


@every_framework
def test_client_that_acts_for_itself(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    token = jwt(op, sub=ROBOT, client_id=ROBOT)

    answer = call(f"/{framework}/", token).json()

    assert (answer["user"], answer["is_application"], answer["has_connection"]) == ("robot", True, False)
    refused = call(f"/{framework}/people/", token)
    assert refused.status_code == 403
    challenge(refused, f"/{framework}/people/", 'error="insufficient_scope"')


@every_framework
def test_without_a_token(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    response = call(f"/{framework}/orders/")

    assert response.status_code == 401
    challenge(response, f"/{framework}/orders/")


@every_framework
@pytest.mark.parametrize("token", ["x.y.z", "made-up"])
def test_bad_token(op: RecordingOpenIDProvider, call: Call, framework: str, token: str) -> None:
    response = call(f"/{framework}/orders/", token)

    assert response.status_code == 401
    challenge(response, f"/{framework}/orders/", 'error="invalid_token"')


@every_framework
def test_malformed_header(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    response = call(f"/{framework}/", header="Bearer a b")

    assert response.status_code == 400
    challenge(response, f"/{framework}/", 'error="invalid_request"')


@every_framework
def test_scope_and_role(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    assert call(f"/{framework}/orders/", jwt(op, scope="orders.read")).status_code == 200
    refused = call(f"/{framework}/orders/", jwt(op, scope="orders"))
    assert refused.status_code == 403
    challenge(refused, f"/{framework}/orders/", 'error="insufficient_scope"', 'scope="orders.read"')
    assert call(f"/{framework}/admins/", jwt(op, roles=["admin"])).status_code == 200
    assert call(f"/{framework}/admins/", jwt(op, roles=["adm"])).status_code == 403
    assert call(f"/{framework}/admins/", jwt(op, scope="admin")).status_code == 403


SIGN_INS: dict[str, tuple[dict[str, Any], int]] = {
    "strong and fresh": ({"acr": "gold", "auth_time": 0}, 200),
    "another strong one": ({"acr": "silver", "auth_time": 0}, 200),
    "weak": ({"acr": "bronze", "auth_time": 0}, 401),
    "not said how strong": ({"auth_time": 0}, 401),
    "old": ({"acr": "gold", "auth_time": -200}, 401),
    "in the future": ({"acr": "gold", "auth_time": 200}, 401),
    "not said how old": ({"acr": "gold"}, 401),
    "true is no time": ({"acr": "gold", "auth_time": True}, 401),
}


@every_framework
@pytest.mark.parametrize("case", list(SIGN_INS))
def test_strength_and_age_of_the_sign_in(op: RecordingOpenIDProvider, call: Call, framework: str, case: str) -> None:
    claims, status = SIGN_INS[case]
    age = claims.get("auth_time")
    if age is not None and age is not True:
        claims = {**claims, "auth_time": int(time.time()) + age}

    response = call(f"/{framework}/fresh/", jwt(op, **claims))

    assert response.status_code == status
    if status == 401:
        wanted = ['error="insufficient_user_authentication"', 'acr_values="gold silver"', 'max_age="60"']
        challenge(response, f"/{framework}/fresh/", *wanted)


@every_framework
def test_provider_that_does_not_answer(op: RecordingOpenIDProvider, call: Call, framework: str) -> None:
    from oidc_login.testing import Answer

    op.bend("introspection", lambda good: Answer(status=503, headers={"Retry-After": "7"}, body=b""))

    response = call(f"/{framework}/", opaque(op))

    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")


@pytest.mark.parametrize("path", ["/ninja/async/", "/plain/async/"])
def test_async(op: RecordingOpenIDProvider, path: str) -> None:
    def get(token: str) -> Any:
        return async_to_sync(AsyncClient().get)(path, headers={"Authorization": f"Bearer {token}"})

    good, bad = get(jwt(op)), get("x.y.z")

    assert (good.status_code, json.loads(good.content)["user"]) == (200, "alice")
    assert bad.status_code == 401
    challenge(bad, path, 'error="invalid_token"')


def test_session_opens_nothing(op: RecordingOpenIDProvider, client: Client) -> None:
    client.force_login(get_user_model().objects.get(username="alice"))

    assert [client.get(f"/{name}/").status_code for name in ("drf", "ninja", "plain")] == [401, 401, 401]


def test_plain_view_needs_no_csrf_token(op: RecordingOpenIDProvider) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post("/plain/post/", headers={"Authorization": f"Bearer {jwt(op)}"}).json() == {"method": "POST"}
    assert client.post("/plain/post/").status_code == 401


def test_operation_without_tokens_is_left_to_the_middleware(op: RecordingOpenIDProvider, client: Client) -> None:
    assert client.get("/ninja/open/").status_code == 302


def test_throttle_counts_each_client(op: RecordingOpenIDProvider, call: Call) -> None:
    cache.clear()

    assert [call("/drf/limited/", jwt(op, client_id="one")).status_code for _time in range(3)] == [200, 200, 429]
    assert call("/drf/limited/", jwt(op, client_id="two")).status_code == 200


def test_view_that_names_its_provider(op: RecordingOpenIDProvider, settings: Settings) -> None:
    from oidc_login.access_tokens import judge
    from oidc_login.exceptions import AccessTokenInvalid

    settings.OIDC_LOGIN_PROVIDERS = {**settings.OIDC_LOGIN_PROVIDERS, "other": settings.OIDC_LOGIN_PROVIDERS["op"]}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": API, "other": API}
    op.clear()
    with pytest.raises(AccessTokenInvalid):
        judge("made-up")
    assert op.requests == []
    with pytest.raises(AccessTokenInvalid):
        judge("made-up", providers=["other"])

    assert [request.path for request in op.requests if request.path == "/introspect"] == ["/introspect"]


# The description of the resource (RFC 9728).


@pytest.mark.parametrize(("path", "resource"), [("", ""), ("/mcp", "/mcp"), ("/api/v1/", "/api/v1/")])
def test_description_of_a_resource(
    op: RecordingOpenIDProvider, settings: Settings, client: Client, path: str, resource: str
) -> None:
    settings.OIDC_LOGIN_RESOURCE_METADATA = {"resource_name": "Shop", "scopes_supported": ["orders.read"]}

    response = client.get(f"/.well-known/oauth-protected-resource{path}")

    assert response.json() == {
        "resource": f"http://testserver{resource}",
        "authorization_servers": [op.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": "Shop",
        "scopes_supported": ["orders.read"],
    }
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_challenge_names_the_audience_that_the_path_is_below(
    op: RecordingOpenIDProvider, settings: Settings, call: Call
) -> None:
    settings.OIDC_LOGIN_BASE_URL = "https://shop.example"
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": ["https://shop.example/plain", "https://shop.example/pla", API]}

    challenge = call("/plain/orders/").headers["WWW-Authenticate"]

    assert challenge.endswith('"https://shop.example/.well-known/oauth-protected-resource/plain"')


def test_challenge_cannot_be_broken_by_a_path(op: RecordingOpenIDProvider, call: Call) -> None:
    from django.test import RequestFactory

    from oidc_login.access_tokens.challenge import challenge as made

    assert made(RequestFactory().get('/a"b, c="d')).count('"') == 4
