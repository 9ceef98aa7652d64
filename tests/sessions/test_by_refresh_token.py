"""Sessions that are confirmed by refresh token: nobody notices, until the provider says no."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection, Status
from oidc_login.session_state import KEYS
from oidc_login.testing import Answer, GitHubStyleProvider
from tests.sessions.conftest import (
    IN_GRACE,
    OVERDUE,
    change_session,
    forget_attempts,
    grow_old,
    is_fresh,
    remove_connections_beside_django,
    the_connection,
)
from tests.support.browser import Browser
from tests.support.databases import read_only
from tests.support.invariant import Witness
from tests.support.served import ALICE, BOB, RecordingOpenIDProvider, configure
from tests.support.threads import at_once

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

SCRIPT = {"x-requested-with": "XMLHttpRequest"}


@pytest.fixture
def op(refreshing_op: RecordingOpenIDProvider) -> RecordingOpenIDProvider:
    return refreshing_op


def signed_in(browser: Browser, op: RecordingOpenIDProvider, *, overdue: float = IN_GRACE) -> Browser:
    browser.sign_in(op)
    grow_old(browser, overdue)
    op.clear()
    return browser


def asked_for_person(response: Any) -> bool:
    return response.status_code == 302 and "prompt=none" in response["Location"]


def test_nothing_is_asked_before_the_time(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    op.clear()

    assert browser.get("/page/").content == b"alice:"
    assert op.asked() == []


@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_page_is_shown_and_the_session_goes_on(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, overdue: float
) -> None:
    signed_in(browser, op, overdue=overdue)
    key, token = browser.session_key, the_connection().refresh_token

    response = browser.get("/page/")

    assert (response.status_code, response.content) == (200, b"alice:")
    assert op.asked() == ["token"]
    assert is_fresh(browser)
    assert browser.session_key == key
    assert the_connection().refresh_token != token
    witness.assert_no_secrets(browser, response)
    op.clear()
    browser.get("/page/")
    assert op.asked() == [], "the session is fresh again"


@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_nothing_posted_is_lost(op: RecordingOpenIDProvider, browser: Browser, overdue: float) -> None:
    signed_in(browser, op, overdue=overdue)

    assert browser.post("/page/", {"note": "a long letter"}).content == b"alice:a long letter"
    assert op.asked() == ["token"]
    assert browser.session["note"] == "a long letter"
    assert is_fresh(browser)


@pytest.mark.parametrize("headers", [SCRIPT, {"accept": "application/json"}, {"sec-fetch-dest": "image"}])
def test_scripts_and_images_notice_nothing(
    op: RecordingOpenIDProvider, browser: Browser, headers: dict[str, str]
) -> None:
    signed_in(browser, op, overdue=OVERDUE)

    assert browser.get("/api/", headers=headers).json() == {"user": "alice"}
    assert is_fresh(browser)


def test_interval_of_the_site(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 5000
    signed_in(browser, op)

    browser.get("/page/")

    assert browser.session[KEYS["confirm_at"]] == pytest.approx(time.time() + 5000, abs=10)


def test_confirmed_just_now_for_another_browser(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """One question per interval for a person, however many browsers they use."""
    signed_in(browser, op)
    refreshed_at = timezone.now() - timedelta(seconds=300)
    OAuthConnection.objects.update(refreshed_at=refreshed_at)

    assert browser.get("/page/").content == b"alice:"
    assert op.asked() == []
    assert browser.session[KEYS["confirm_at"]] == pytest.approx(refreshed_at.timestamp() + 900, abs=1)


@pytest.mark.parametrize("seconds", [-3600, 901], ids=["a clock that was set back", "long ago"])
def test_confirmed_at_another_time(op: RecordingOpenIDProvider, browser: Browser, seconds: int) -> None:
    signed_in(browser, op)
    OAuthConnection.objects.update(refreshed_at=timezone.now() - timedelta(seconds=seconds))

    browser.get("/page/")

    assert op.asked() == ["token"]


def test_newer_access_token_replaces_the_one_that_the_site_keeps_in_the_session(
    op: RecordingOpenIDProvider, browser: Browser
) -> None:
    signed_in(browser, op)
    change_session(browser, oidc_access_token="the old one")

    browser.get("/page/")

    assert browser.session["oidc_access_token"] == the_connection().access_token


def test_access_token_is_not_put_where_none_was(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    browser.get("/page/")

    assert "oidc_access_token" not in browser.session


# Only the person can say.


def refuse(good: Answer) -> Answer:
    return Answer.of_json({"error": "invalid_grant"}, status=400)


def of_somebody_else(token: Any) -> Any:
    token.claims["sub"] = "somebody else"
    return token


NEEDS_PERSON: dict[str, Callable[[RecordingOpenIDProvider], Any]] = {
    "refused": lambda op: op.bend("token", refuse),
    "of somebody else": lambda op: op.bend("id_token", of_somebody_else),
    "of another issuer": lambda op: op.bend("id_token", lambda token: _with(token, iss=op.issuer + "1")),
    "of another client": lambda op: op.bend("id_token", lambda token: _with(token, aud="another")),
    "marked before": lambda op: OAuthConnection.objects.update(status=Status.NEEDS_REAUTH),
    "no refresh token any more": lambda op: OAuthConnection.objects.update(refresh_token=""),
}


def _with(token: Any, **claims: Any) -> Any:
    token.claims.update(claims)
    return token


needs_person = pytest.mark.parametrize("change", NEEDS_PERSON.values(), ids=NEEDS_PERSON)


@needs_person
def test_page_leads_to_the_provider(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, change: Callable[..., Any]
) -> None:
    signed_in(browser, op)
    change(op)

    response = browser.get("/page/?a=1")

    assert asked_for_person(response)
    assert not is_fresh(browser)
    op.mend()
    back = browser.end(browser.authorize(op, response))
    assert (back.status_code, back["Location"]) == (302, "/page/?a=1")
    assert is_fresh(browser)
    assert the_connection().status == Status.OK


@needs_person
def test_script_is_told(op: RecordingOpenIDProvider, browser: Browser, change: Callable[..., Any]) -> None:
    signed_in(browser, op)
    change(op)

    response = browser.get("/api/", headers=SCRIPT)

    assert response.status_code == 401
    assert (response.json()["code"], response.json()["login_url"]) == ("session_unconfirmed", "/oauth/op/login/")
    assert browser.user is not None, "a page can still be sent to the provider"


def test_tokens_that_cannot_be_decrypted(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    """The key was lost: a sign-in brings new tokens, and until then nobody sees an error."""
    signed_in(browser, op)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["another key of more than thirty-two characters"]

    response = browser.get("/page/")

    assert asked_for_person(response)
    assert browser.end(browser.authorize(op, response))["Location"] == "/page/"
    assert is_fresh(browser)


# The provider cannot say at the moment.

FAULTS: dict[str, Callable[[Answer], Answer]] = {
    "500": lambda good: Answer(status=500),
    "429": lambda good: Answer(status=429, headers={"Retry-After": "5"}),
    "connection closed": lambda good: Answer(raw=lambda send: None),
    "HTML": lambda good: Answer.of_page("<p>maintenance</p>"),
    "client refused": lambda good: Answer.of_json({"error": "invalid_client"}, status=401),
}
faults = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@faults
def test_fault_leaves_the_session_for_a_while(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, fault: Callable[[Answer], Answer]
) -> None:
    signed_in(browser, op)
    op.bend("token", fault)

    response = browser.get("/page/")

    assert response.content == b"alice:"
    assert not is_fresh(browser)
    witness.assert_no_secrets(browser, response)
    op.clear()
    assert browser.get("/page/").content == b"alice:"
    assert op.asked() == [], "not with every request"


@faults
def test_fault_that_lasts(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, fault: Callable[[Answer], Answer]
) -> None:
    """After the grace nothing is shown, and nobody is signed out either: the provider may be well again."""
    op.rotate_refresh_tokens = False  # or the one that was sent in vain would be used up
    signed_in(browser, op, overdue=OVERDUE)
    op.bend("token", fault)

    response = browser.get("/page/")

    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"alice" not in response.content
    assert browser.user is not None
    script = browser.get("/api/", headers=SCRIPT)
    assert (script.status_code, script.json()["code"]) == (503, "provider_unavailable")
    assert script["Retry-After"]
    witness.assert_no_secrets(browser, response)

    op.mend()
    OAuthConnection.objects.update(refresh_lease_until=None)
    assert browser.get("/page/").content == b"alice:"
    assert is_fresh(browser)


@pytest.mark.parametrize(("overdue", "status"), [(IN_GRACE, 200), (OVERDUE, 503)])
@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_a_fault_that_passes(
    op: RecordingOpenIDProvider, browser: Browser, overdue: float, status: int
) -> None:
    signed_in(browser, op, overdue=overdue)

    with read_only():
        response = browser.get("/page/")

    assert response.status_code == status
    assert (b"This site cannot sign you in" in response.content) is (status == 503)
    assert not op.asked().count("token"), "no refresh token is used up"
    forget_attempts()
    assert browser.get("/page/").content == b"alice:"
    assert is_fresh(browser)


# Who may come in is asked each time.


def staff_by_groups(settings: Settings, op: RecordingOpenIDProvider, browser: Browser, **more: Any) -> None:
    """Alice is staff and an editor by her groups, and bob is a superuser beside her."""
    get_user_model()._default_manager.create_superuser("root")
    Group.objects.create(name="editors")
    configure(settings, "op", groups_claim="groups", group_map={"editors": "editors"}, staff_groups=["staff"], **more)
    op.users.change("alice", claims={"groups": ["editors", "staff"]})
    browser.sign_in(op)
    assert rights_of(browser) == (True, ["editors"])


def rights_of(browser: Browser) -> tuple[bool, list[str]]:
    return browser.user.is_staff, list(browser.user.groups.values_list("name", flat=True))


@pytest.mark.parametrize("in_id_token", [True, False], ids=["ID token", "userinfo"])
@pytest.mark.parametrize("just_now", [True, False], ids=["refreshed by another", "refreshed here"])
def test_groups_that_are_gone_are_taken(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, in_id_token: bool, just_now: bool
) -> None:
    op.claims_in_id_token = in_id_token
    staff_by_groups(settings, op, browser)
    op.users.change("alice", claims={"groups": []})
    grow_old(browser)
    if just_now:
        the_connection().refresh_access_token()

    assert browser.get("/page/").content == b"alice:"

    assert rights_of(browser) == (False, [])


def test_this_very_request_has_the_rights_of_now(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    staff_by_groups(settings, op, browser)
    op.users.change("alice", claims={"groups": []})
    grow_old(browser)

    assert browser.get("/admin/").status_code == 302


def test_rights_stay_where_nothing_changed(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    staff_by_groups(settings, op, browser)
    grow_old(browser)

    assert browser.get("/page/").content == b"alice:"

    assert rights_of(browser) == (True, ["editors"])


@pytest.mark.parametrize("in_id_token", [True, False], ids=["ID token", "userinfo"])
def test_an_address_in_another_domain_ends_the_session(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, in_id_token: bool
) -> None:
    op.claims_in_id_token = in_id_token
    configure(settings, "op", allowed_email_domains=["example.org"])
    signed_in(browser, op)
    op.users.change("alice", email="alice@elsewhere.example")

    assert browser.get("/page/").content == b":"
    assert browser.user is None


class SaysNo(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return False


class KnowsNobody(OIDCLoginBackend):
    def get_user(self, user_id: Any) -> Any:
        return self.UserModel._default_manager.get(pk=user_id)

    def user_can_authenticate(self, user: Any) -> bool:
        return False


@pytest.mark.parametrize("backend", [SaysNo, KnowsNobody])
def test_a_rule_of_the_site_that_says_no_by_now_ends_the_session(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, backend: type
) -> None:
    signed_in(browser, op)
    path = f"{__name__}.{backend.__name__}"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS[:1], path]
    change_session(browser, **{BACKEND_SESSION_KEY: path})

    assert browser.get("/page/").content == b":"
    assert browser.user is None


def test_a_provider_that_cannot_be_asked_is_judged_by_what_is_known(
    github: GitHubStyleProvider, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(github, "github")
    grow_old(browser)
    configure(settings, "github", allowed_email_domains=["corp.example"])
    github.clear()

    assert browser.get("/page/").content == b":"
    assert github.requests == []


def test_userinfo_that_is_down_is_a_fault_that_passes(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    op.claims_in_id_token = False
    staff_by_groups(settings, op, browser)
    grow_old(browser)
    op.bend("userinfo", lambda good: Answer(status=503))

    assert browser.get("/page/").content == b"alice:"

    assert rights_of(browser) == (True, ["editors"])
    assert not is_fresh(browser)


# What changes the account has no grace.


def refused(good: Answer) -> Answer:
    return Answer(status=400, body=b'{"error": "invalid_grant"}')


@pytest.mark.parametrize("fault", [refused, lambda good: Answer(status=500)], ids=["refused", "broken"])
def test_nothing_is_connected_in_the_grace(
    op: RecordingOpenIDProvider, browser: Browser, fault: Callable[[Answer], Answer]
) -> None:
    """Whoever was dismissed would come back by the identity that they connect now."""
    signed_in(browser, op)
    op.bend("token", fault)

    response = browser.begin(view="connect")
    if "state=" in response["Location"]:  # a new sign-in is asked for first, which has to be of the same person
        op.mend()
        response = browser.end(browser.authorize(op, response, "bob"))

    assert response.status_code in (302, 403)
    assert the_connection().provider_user_id == ALICE.sub
    assert browser.user is not None, "pages are still shown"


@pytest.mark.parametrize("fault", [refused, lambda good: Answer(status=500)], ids=["refused", "broken"])
def test_nothing_is_disconnected_in_the_grace(
    op: RecordingOpenIDProvider, browser: Browser, fault: Callable[[Answer], Answer]
) -> None:
    browser.sign_in(op)
    browser.connect(op, user="bob")
    grow_old(browser)
    op.bend("token", fault)

    response = browser.post("/oauth/op/disconnect/", {"provider_user_id": BOB.sub})

    assert response.status_code == 302
    assert OAuthConnection.objects.count() == 2


def test_a_session_in_time_changes_the_account(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    assert browser.connect(op, user="bob").status_code == 302
    assert browser.post("/oauth/op/disconnect/", {"provider_user_id": BOB.sub}).status_code == 302
    assert the_connection().provider_user_id == ALICE.sub


def test_without_the_middleware_no_session_waits_to_be_confirmed(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("SessionRefresh")]
    signed_in(browser, op, overdue=OVERDUE)

    browser.connect(op, user="bob")

    assert OAuthConnection.objects.count() == 2


# It is over.


def test_identity_that_was_disconnected_ends_its_session(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    remove_connections_beside_django()

    assert browser.get("/page/").content == b":"
    assert browser.user is None
    assert op.asked() == []


@pytest.mark.django_db(transaction=True)
def test_identity_that_is_disconnected_meanwhile_ends_its_session(
    op: RecordingOpenIDProvider, browser: Browser
) -> None:
    signed_in(browser, op)

    def disconnect(good: Answer) -> Answer:
        remove_connections_beside_django()
        connections.close_all()
        return good

    op.bend("token", disconnect)

    assert browser.get("/page/").content == b":"
    assert browser.user is None


def test_connection_that_moved_to_another_account_ends_the_session(
    op: RecordingOpenIDProvider, browser: Browser, django_user_model: Any
) -> None:
    signed_in(browser, op)
    OAuthConnection.objects.update(user=django_user_model.objects.create_user("another"))

    assert browser.get("/page/").content == b":"
    assert browser.user is None


def test_provider_that_was_taken_out_ends_its_sessions(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    signed_in(browser, op)
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert browser.get("/page/").content == b":"
    assert browser.user is None
    assert "session ended, not confirmed: reason=no_provider provider=op" in caplog.messages


def providers_of_customers() -> dict[str, Any]:
    raise RuntimeError("the database is away")


@pytest.mark.parametrize(("overdue", "status"), [(IN_GRACE, 200), (OVERDUE, 503)])
def test_loader_that_fails_is_a_fault_that_passes(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, overdue: float, status: int
) -> None:
    signed_in(browser, op, overdue=overdue)
    settings.OIDC_LOGIN_PROVIDERS = {}
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.providers_of_customers"

    assert browser.get("/page/").status_code == status
    assert browser.user is not None


def test_script_of_a_session_that_is_over_is_told(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    remove_connections_beside_django()

    response = browser.get("/api/", headers=SCRIPT)

    assert response.status_code == 401
    assert (response.json()["code"], response.json()["login_url"]) == ("not_signed_in", "/oauth/")
    assert response["WWW-Authenticate"]


# OAuth 2.0 alone.


def test_provider_without_refresh_tokens_cannot_be_asked(github: GitHubStyleProvider, browser: Browser) -> None:
    browser.sign_in(github, "github")
    grow_old(browser, OVERDUE)
    github.clear()

    assert browser.get("/page/").content == b"alice:"
    assert github.asked() == []
    assert is_fresh(browser)


def test_provider_that_was_asked_long_ago_and_cannot_be_asked_any_more(
    github: GitHubStyleProvider, browser: Browser
) -> None:
    browser.sign_in(github, "github")
    OAuthConnection.objects.update(refreshed_at=timezone.now() - timedelta(days=3))
    grow_old(browser)

    assert browser.get("/page/").content == b"alice:"
    assert is_fresh(browser)


@pytest.fixture
def expiring_github(github: GitHubStyleProvider) -> GitHubStyleProvider:
    github.expiring_tokens = True
    return github


def test_refresh_token_of_oauth2(expiring_github: GitHubStyleProvider, browser: Browser) -> None:
    browser.sign_in(expiring_github, "github")
    grow_old(browser)

    assert browser.get("/page/").content == b"alice:"
    assert is_fresh(browser)


def test_refused_refresh_token_of_oauth2_ends_the_session(
    expiring_github: GitHubStyleProvider, browser: Browser
) -> None:
    browser.sign_in(expiring_github, "github")
    grow_old(browser)
    expiring_github.grants.revoke_user(str(42))
    expiring_github.bend("token", lambda good: Answer.of_json({"error": "bad_refresh_token"}))

    assert browser.get("/page/").content == b":"
    assert browser.user is None


def test_provider_that_wants_to_be_asked_less_often(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", **{"class": f"{__name__}.DailyProvider"})
    signed_in(browser, op)

    browser.get("/page/")

    assert browser.session[KEYS["confirm_at"]] == pytest.approx(time.time() + 86_400, abs=10)


def __getattr__(name: str) -> Any:
    """The provider's class is made when it is named, since pytest would collect an import of it."""
    from oidc_login.providers import OIDCProvider

    if name != "DailyProvider":
        raise AttributeError(name)
    return type("DailyProvider", (OIDCProvider,), {"shortest_refresh_interval": 86_400})


# Several requests at once.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_requests_at_once_ask_once(op: RecordingOpenIDProvider, browser: Browser, overdue: float) -> None:
    signed_in(browser, op, overdue=overdue)
    op.bend("token", _slowly)
    tabs = [_copy_of(browser) for _ in range(4)]

    responses = at_once(*(lambda tab=tab: tab.get("/page/") for tab in tabs))

    assert [response.content for response in responses] == [b"alice:"] * 4
    assert op.asked().count("token") == 1
    assert is_fresh(browser)


@pytest.mark.django_db(transaction=True)
def test_what_another_tab_writes_meanwhile_stays(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    other = _copy_of(browser)

    def while_asked(good: Answer) -> Answer:
        other.post("/page/", {"note": "of another tab"})
        return good

    other.csrf_token()
    op.bend("token", while_asked)
    browser.get("/page/")

    assert browser.session["note"] == "of another tab"
    assert is_fresh(browser)


def _slowly(good: Answer) -> Answer:
    good.delay = 0.3
    return good


def _copy_of(browser: Browser) -> Browser:
    tab = Browser()
    tab.jar = dict(browser.jar)
    return tab
