"""Who is signed in, signing in and signing out, as a front end sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from tests.headless.conformance import check_answer
from tests.headless.frontend import ORIGIN, FrontEnd, problem
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_a_visitor_learns_how_to_sign_in(frontend: FrontEnd) -> None:
    response = frontend.get("session/")
    assert problem(response) == (401, "not_signed_in")
    assert response["WWW-Authenticate"]
    assert response.json()["csrf_token"]
    assert response.json()["providers"] == [
        {"key": "op", "label": "Op", "icon": None, "begin_url": "/api/auth/op/begin/"}
    ]


def test_providers_are_listed_without_those_that_sign_nobody_in(frontend: FrontEnd, site: Settings) -> None:
    assert [provider["key"] for provider in frontend.get("providers/").json()["providers"]] == ["op"]
    site.OIDC_LOGIN_PROVIDERS = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], "allow_login": False}}
    assert frontend.get("providers/").json() == {"providers": []}
    assert problem(frontend.post("op/begin/")) == (403, "login_not_allowed")


def test_a_sign_in_ends_at_the_front_end(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    response = frontend.sign_in(op, next=f"{ORIGIN}/inbox?tab=new#top")
    assert (response.status_code, response["Location"]) == (302, f"{ORIGIN}/inbox?tab=new#top")
    assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"
    session = frontend.get("session/").json()
    user = get_user_model().objects.get()
    assert session["user"] == {
        "id": str(user.pk),
        "username": user.get_username(),
        "email": ALICE.email,
        "name": user.get_full_name(),
    }
    assert session["provider"] == "op"
    assert session["expires_at"] > "2026"
    assert session["csrf_token"]


def test_a_sign_in_ends_on_a_path_of_the_site(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    assert frontend.sign_in(op, next="/welcome/")["Location"] == "/welcome/"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://app.example.com.evil.example/",
        "https://app.example.com@evil.example/",
        "https://app.example.com:8443/",
        "http://app.example.com/",
        "https://APP.example.com/",
        "//evil.example/",
        "https:/\\evil.example/",
        "https://app.example.com\\@evil.example/",
        "https://app.example.com/\nx",
        " https://app.example.com/",
        "javascript:alert(1)",
        "https://app.example.com/" + "x" * 2000,
    ],
)
def test_no_sign_in_begins_for_another_address(frontend: FrontEnd, url: str) -> None:
    response = frontend.post("op/begin/", {"next": url})
    assert problem(response) == (400, "field_invalid")
    assert not frontend.browser.flow_cookies


def test_a_front_end_that_is_removed_is_not_returned_to(
    frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings
) -> None:
    begun = frontend.post("op/begin/", {"next": f"{ORIGIN}/inbox"})
    site.OIDC_LOGIN_FRONTEND_ORIGINS = []
    assert frontend.end(op, begun)["Location"] == "/"


def test_the_login_page_of_the_site_does_not_lead_to_a_front_end(
    frontend: FrontEnd, op: RecordingOpenIDProvider
) -> None:
    response = frontend.browser.sign_in(op, next=f"{ORIGIN}/inbox")
    assert response["Location"] == "/"


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("OIDC_LOGIN_ALLOW_SIGNUP", False, "signup_closed"),
        ("OIDC_LOGIN_PROVIDERS", {"allowed_email_domains": ["corp.example"]}, "domain_not_allowed"),
    ],
)
def test_a_refusal_comes_back_with_its_code(
    frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings, setting: str, value: Any, code: str
) -> None:
    if setting == "OIDC_LOGIN_PROVIDERS":
        value = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], **value}}
    setattr(site, setting, value)
    response = frontend.sign_in(op, next=f"{ORIGIN}/inbox?tab=new#top")
    assert (response.status_code, response["Location"]) == (302, f"{ORIGIN}/inbox?tab=new&error={code}#top")
    assert not get_user_model().objects.exists()


def test_cancelling_comes_back_with_its_code(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    assert frontend.sign_in(op, None, next=f"{ORIGIN}/")["Location"] == f"{ORIGIN}/?error=cancelled"


def test_error_of_an_earlier_sign_in_is_gone(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    """A page names itself as `next`, also after a sign-in that failed."""
    again = f"{ORIGIN}/inbox?error=cancelled&tab=new&errors=2#top"
    assert frontend.sign_in(op, next=again)["Location"] == f"{ORIGIN}/inbox?tab=new&errors=2#top"
    back = frontend.sign_in(op, None, next=f"{ORIGIN}/?error=signup_closed")
    assert back["Location"] == f"{ORIGIN}/?error=cancelled"


def test_signing_out_says_where_to_sign_out_at_the_provider(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op, next=f"{ORIGIN}/")
    response = frontend.post("logout/", {"next": f"{ORIGIN}/goodbye"})
    assert response.status_code == 200
    url = response.json()["end_session_url"]
    assert url.startswith(op.base_url)
    assert problem(frontend.get("session/")) == (401, "not_signed_in")


def test_signing_out_without_a_session_at_a_provider(frontend: FrontEnd) -> None:
    assert frontend.post("logout/").json() == {"end_session_url": None}


def test_an_unknown_provider(frontend: FrontEnd) -> None:
    assert problem(frontend.post("nobody/begin/")) == (404, "provider_unknown")


def test_a_provider_that_does_not_answer(frontend: FrontEnd, site: Settings) -> None:
    site.OIDC_LOGIN_PROVIDERS = {"op": {"issuer": "http://127.0.0.1:9", "client_id": "client"}}
    response = frontend.post("op/begin/")
    assert problem(response) == (503, "provider_unavailable")
    assert response["Retry-After"]


@pytest.mark.parametrize("body", ["[]", "{", '"x"', '{"next": 3}', '{"next": ["/"]}', '{"a": 1, "a": 2}', "[" * 99])
def test_a_malformed_body(frontend: FrontEnd, body: str) -> None:
    headers = {"X-CSRFToken": frontend.csrf_token(), "Origin": ORIGIN}
    response = frontend.browser.request(
        "POST", "/api/auth/op/begin/", body, headers=headers, content_type="application/json"
    )
    assert problem(response) == (400, "field_invalid")


@pytest.mark.parametrize(
    ("content_type", "body", "answer"),
    [
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="next"\r\n\r\n//evil\r\n--x--',
            400,
        ),
        ("multipart/form-data; boundary=x", b"--x--", 200),
        ("multipart/form-data", b"no boundary", 400),
        ("application/x-www-form-urlencoded", b"next=%2F%2Fevil", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=" % n for n in range(1001)), 400),
        ("application/x-www-form-urlencoded", b"next=" + b"x" * 40_000, 413),
        ("application/xml", b"<next/>", 200),
    ],
)
def test_a_form(frontend: FrontEnd, content_type: str, body: bytes, answer: int) -> None:
    headers = {"X-CSRFToken": frontend.csrf_token(), "Origin": ORIGIN}
    response = frontend.browser.request("POST", "/api/auth/op/begin/", body, headers=headers, content_type=content_type)
    assert response.status_code == answer
    check_answer("POST", "/api/auth/op/begin/", response)


@pytest.mark.parametrize("pk", ["x", "-1", "0", "9" * 40, "1.5", "%00"])
def test_a_connection_that_is_none(frontend: FrontEnd, op: RecordingOpenIDProvider, pk: str) -> None:
    frontend.sign_in(op)
    assert problem(frontend.get(f"connections/{pk}/")) == (404, "not_found")


def test_a_body_that_is_too_large(frontend: FrontEnd) -> None:
    assert problem(frontend.post("op/begin/", {"next": "x" * 40_000})) == (413, "body_too_large")


def test_a_method_that_is_not_taken(frontend: FrontEnd) -> None:
    response = frontend.get("op/begin/")
    assert problem(response) == (405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


def test_connecting_and_disconnecting(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    user = get_user_model().objects.create_user("local", password="secret")
    assert problem(frontend.post("op/connect/")) == (401, "not_signed_in")
    frontend.browser.log_in(user)
    frontend.end(op, frontend.post("op/connect/", {"next": f"{ORIGIN}/account"}))
    (listed,) = frontend.get("connections/").json()["connections"]
    connection = OAuthConnection.objects.get()
    assert connection.user == user
    assert (listed["id"], listed["provider"], listed["link_reason"]) == (connection.pk, "op", "connected")
    assert frontend.get(f"connections/{connection.pk}/").json() == listed
    assert frontend.delete(f"connections/{connection.pk}/").status_code == 204
    assert not OAuthConnection.objects.exists()
    assert problem(frontend.delete(f"connections/{connection.pk}/")) == (404, "not_found")


def test_the_last_way_in_stays(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    pk = OAuthConnection.objects.get().pk
    assert problem(frontend.delete(f"connections/{pk}/")) == (403, "last_login_method")


def test_nobody_sees_or_removes_what_is_not_theirs(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    pk = OAuthConnection.objects.get().pk
    (session,) = frontend.get("sessions/").json()["sessions"]
    other = FrontEnd()
    other.browser.log_in(get_user_model().objects.create_user("other", password="secret"))
    assert problem(other.get(f"connections/{pk}/")) == (404, "not_found")
    assert problem(other.delete(f"connections/{pk}/")) == (404, "not_found")
    assert problem(other.delete(f"sessions/{session['id']}/")) == (404, "not_found")
    assert other.get("sessions/").json() == {"sessions": []}


def test_an_old_session_changes_no_ways_in(frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings) -> None:
    user = get_user_model().objects.create_user("local", password="secret")
    frontend.browser.log_in(user)
    frontend.end(op, frontend.post("op/connect/"))
    site.OIDC_LOGIN_REAUTHENTICATION_AGE = 0
    pk = OAuthConnection.objects.get().pk
    assert problem(frontend.delete(f"connections/{pk}/")) == (401, "reauthentication_required")
    assert problem(frontend.post("op/connect/")) == (401, "reauthentication_required")
    assert OAuthConnection.objects.exists()


def test_reauthenticating_asks_for_a_newer_sign_in(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    begun = frontend.post("op/reauthenticate/", {"max_age": 60, "next": f"{ORIGIN}/pay"})
    assert "max_age=60" in begun.json()["authorization_url"]
    assert frontend.end(op, begun)["Location"] == f"{ORIGIN}/pay"
    assert problem(frontend.post("op/reauthenticate/", {"max_age": -1})) == (400, "field_invalid")


def test_reauthenticating_takes_the_same_person(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    begun = frontend.post("op/reauthenticate/", {"next": f"{ORIGIN}/pay"})
    assert "error=" in frontend.end(op, begun, "bob")["Location"]


def test_ending_a_session_elsewhere_and_this_one(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    elsewhere = FrontEnd()
    elsewhere.sign_in(op)
    sessions = {session["current"]: session["id"] for session in frontend.get("sessions/").json()["sessions"]}
    assert frontend.delete(f"sessions/{sessions[False]}/").status_code == 204
    assert problem(elsewhere.get("session/")) == (401, "not_signed_in")
    assert frontend.get("session/").status_code == 200
    assert frontend.delete(f"sessions/{sessions[True]}/").status_code == 204
    assert problem(frontend.get("session/")) == (401, "not_signed_in")


def test_a_login_required_site_answers_too(frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings) -> None:
    site.MIDDLEWARE = [*site.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert problem(frontend.get("session/")) == (401, "not_signed_in")
    assert problem(frontend.get("connections/")) == (401, "not_signed_in")
    assert frontend.sign_in(op, next=f"{ORIGIN}/")["Location"] == f"{ORIGIN}/"
