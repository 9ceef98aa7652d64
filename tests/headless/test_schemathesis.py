"""The running endpoints against their OpenAPI document: whatever is sent, no 500 and no undocumented answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from oidc_login.contrib.headless import app_tokens
from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider, User, serve
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

schemathesis = pytest.importorskip("schemathesis", reason="needs the heavy extra")

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]

API = "/api/auth/"
EXAMPLES = 30  # for each method of each endpoint: once as the document allows, once as it forbids
TIMEOUT = 30  # seconds

CHECK_NAMES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
]
ODD_BODIES = [
    (b"\xff\xfe", "application/json"),
    (b'{"next": "\\ud800", "login_hint": "\\u0000"}', "application/json"),
    (b'{"next": "https://[", "popup_origin": "https://["}', "application/json"),
    (b"[" * 5000, "application/json"),
    (b"x" * 40_000, "application/json"),
    (b"{}", "application/json; charset=nonsense"),
    (b"--x\r\nno multipart", "multipart/form-data; boundary=x"),
    (b"no boundary", "multipart/form-data"),
    (b"&".join(b"a%d=1" % number for number in range(1500)), "application/x-www-form-urlencoded"),
    (b"next=%00&popup_origin=%FF", "application/x-www-form-urlencoded"),
    (b"<next/>", "application/xml"),
]
ODD_KEYS = ["%00", "%F0%9F%98%80", "%FF", "-1", "9" * 40, "op%0A", "a" * 300]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]

Caller = Callable[[], dict[str, str]]


@pytest.fixture
def op(settings: Settings) -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider(users=[User("alice", email="alice@example.org", email_verified=True)])
    with serve(provider) as issuer:
        configure(settings, "op", issuer=issuer, client_id="client", client_secret="secret", native_client_ids=["app"])
        yield provider


@pytest.fixture
def site(op: OpenIDProvider, live_server: Any, settings: Settings) -> str:
    """The URL of a site that is served, with both kinds of sessions."""
    settings.ROOT_URLCONF = "tests.headless.urls"
    settings.OIDC_LOGIN_APP_SESSIONS = True
    settings.DEBUG = False
    return str(live_server.url)


@pytest.fixture(params=["visitor", "person", "app"])
def headers(request: pytest.FixtureRequest, site: str, op: OpenIDProvider) -> dict[str, str]:
    """What a front end or an app sends along with every request."""
    browser = requests.Session()
    token = browser.get(f"{site}{API}session/", timeout=TIMEOUT).json()["csrf_token"]
    if request.param != "visitor":
        begun = browser.post(f"{site}{API}op/begin/", headers={"X-CSRFToken": token}, timeout=TIMEOUT)
        browser.get(op.authorize(begun.json()["authorization_url"], "alice"), allow_redirects=False, timeout=TIMEOUT)
        token = browser.get(f"{site}{API}session/", timeout=TIMEOUT).json()["csrf_token"]
    if request.param == "app":
        from django.test import RequestFactory

        made = app_tokens.begin_app_session(RequestFactory().get("/"), OAuthConnection.objects.get(), sid="")
        return {"Authorization": f"Bearer {made}"}
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Cookie": cookies, "X-CSRFToken": token}


def test_whatever_is_sent_is_answered_as_documented(site: str, headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{site}{API}openapi.json")  # also registers the checks
    checks = schemathesis.checks.load_all_checks() or schemathesis.checks.CHECKS
    judged = [checks.get_one(name) for name in CHECK_NAMES]
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/logout/"):
            continue  # would end the session; a visitor's is sent below
        for mode in schemathesis.GenerationMode:
            if mode is schemathesis.GenerationMode.NEGATIVE and not can_be_wrong(operation):
                continue
            call_often(operation.as_strategy(generation_mode=mode), headers, judged)


def can_be_wrong(operation: Any) -> bool:
    return bool(operation.body)


def call_often(cases: Any, headers: dict[str, str], checks: list[Any]) -> None:
    @hypothesis_settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(case=cases)
    def call(case: Any) -> None:
        if case.path_parameters and "provider" in case.path_parameters and len(case.path_parameters["provider"]) < 4:
            case.path_parameters["provider"] = "op"  # or hardly any example would reach a provider
        response = case.call(headers=headers, timeout=TIMEOUT, allow_redirects=False)
        case.validate_response(response, checks=checks)

    call()


def test_odd_requests_are_answered_as_documented(site: str, headers: dict[str, str]) -> None:
    """What no generator makes: other methods, broken bodies and keys that are none."""
    document = requests.get(f"{site}{API}openapi.json", timeout=TIMEOUT).json()
    for template, operations in document["paths"].items():
        keys = ODD_KEYS if "{" in template else [""]
        for method, key in itertools.product(METHODS, keys):
            path = pattern_of_key(template, key)
            if not path.endswith("/logout/"):
                check(document, operations, method, requests.request(method, site + path, headers=headers, timeout=30))
        for body, content_type in ODD_BODIES if "post" in operations else ():
            sent = {**headers, "Content-Type": content_type}
            url = site + pattern_of_key(template, "op")
            if not template.endswith("/logout/") or "Authorization" not in headers:
                check(document, operations, "POST", requests.post(url, body, headers=sent, timeout=TIMEOUT))


def pattern_of_key(template: str, key: str) -> str:
    for name in ("provider", "pk"):
        template = template.replace("{" + name + "}", key)
    return template


def check(document: dict[str, Any], operations: dict[str, Any], method: str, response: Any) -> None:
    told = f"{method} {response.url[:200]} -> {response.status_code} {response.headers.get('Content-Type')}"
    answers = operations.get(method.lower(), {"responses": {"405": PROBLEM, "404": PROBLEM}})["responses"]
    if method == "HEAD":
        return
    assert str(response.status_code) in answers, told
    content = answers[str(response.status_code)].get("content", {})
    if not content:
        assert response.content == b"", told
        return
    ((content_type, media),) = content.items()
    assert response.headers["Content-Type"] == content_type, told
    schema = {**media["schema"], "components": document["components"]}
    jsonschema.validate(response.json(), schema, cls=jsonschema.Draft202012Validator)


PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
