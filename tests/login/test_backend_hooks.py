"""The hooks of mozilla-django-oidc, overridden one by one and all at once; and the backend without any of it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import auth
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.test import RequestFactory
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from oidc_login.backends import OIDCLoginBackend
from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.backends import Everything, ReadingItself
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db


def use_backend(settings: Settings, name: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        f"tests.support.backends.{name}",
    ]


def make_user(username: str, **fields: Any) -> User:
    user: User = get_user_model().objects.create_user(username, **fields)
    return user


# Refusing.


@pytest.mark.parametrize("purpose", ["sign up", "sign in again", "connect"])
@pytest.mark.parametrize("name", ["RefusingClaims", "RefusingSuspiciously", "Denying"])
def test_site_refuses_by_verify_claims(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    name: str,
    purpose: str,
) -> None:
    if purpose == "sign in again":
        Browser().sign_in(op)
    if purpose == "connect":
        browser.log_in(make_user("somebody"))
    use_backend(settings, name)
    begun = browser.begin(view="connect" if purpose == "connect" else "login")
    answer = browser.authorize(op, begun)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


@pytest.mark.parametrize("name", ["CreatingNobody", "CreatingInactive"])
def test_site_refuses_by_create_user(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged, name: str
) -> None:
    use_backend(settings, name)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


@pytest.mark.parametrize("known", [True, False], ids=["known", "linked"])
@pytest.mark.parametrize("name", ["UpdatingNobody", "UpdatingAnother", "FailingToUpdate"])
def test_site_refuses_by_update_user(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    name: str,
    known: bool,
) -> None:
    """No token is taken over from an answer that ended in a refusal, and nothing else is left of it."""
    make_user("another")
    if known:
        Browser().sign_in(op)
    else:
        make_user("existing", email=ALICE.email)
    use_backend(settings, name)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


def test_create_user_that_fails_leaves_nothing(
    op: OpenIDProvider, browser: Browser, settings: Settings, witness: Witness
) -> None:
    """The site's own fault is a 500, like any other; nothing is written and nothing secret is told."""
    use_backend(settings, "FailingToCreate")
    answer = browser.authorize(op, browser.begin())
    kept = dict(browser.jar)

    response = browser.end(answer)

    assert response.status_code == 500
    assert not get_user_model().objects.exists()
    assert not OAuthConnection.objects.exists()
    assert browser.user is None
    assert "the directory is away" in witness.caplog.text
    witness.assert_no_secrets(browser, response)
    browser.jar = {**kept, **browser.jar}
    assert browser.end(answer).status_code == 400, "the flow is used up"


def test_refusal_tells_other_apps_no_secret(
    op: OpenIDProvider, browser: Browser, settings: Settings, witness: Witness
) -> None:
    """Django sends the credentials of a failed login to whoever listens, masked by their names alone."""
    heard: list[str] = []

    def listen(**kwargs: Any) -> None:
        heard.append(repr(kwargs["credentials"]))

    use_backend(settings, "Denying")
    user_login_failed.connect(listen)
    try:
        browser.sign_in(op)
    finally:
        user_login_failed.disconnect(listen)

    assert not [secret for secret in witness.secrets(browser) if secret in "".join(heard)]


# Changing.


def test_update_user_is_asked_at_each_later_sign_in(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    Browser().sign_in(op)
    use_backend(settings, "Updating")
    op.users.change("alice", claims={"given_name": "Changed"})
    op.clear()

    browser.sign_in(op)

    assert browser.user.first_name == "Changed"
    assert op.asked() == ["token", "userinfo"], "a site with hooks gets all claims"


def test_update_user_is_asked_for_whoever_was_just_linked(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    use_backend(settings, "Updating")
    make_user("existing", email=ALICE.email)

    browser.sign_in(op)

    assert browser.user.first_name == ALICE.claims["given_name"]


def test_userinfo_never_is_never_also_with_hooks(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    use_backend(settings, "Updating")
    configure(settings, "op", userinfo="never")

    browser.sign_in(op)

    assert "userinfo" not in op.asked()


def test_get_username_of_the_site(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    use_backend(settings, "Naming")

    browser.sign_in(op)

    assert browser.user.username == "employee-alice"


def test_hook_that_gives_other_claims_makes_no_other_identity(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    use_backend(settings, "Meddling")

    browser.sign_in(op)

    assert OAuthConnection.objects.get().provider_user_id == ALICE.sub


def test_hook_reads_provider_tokens_and_identity(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    use_backend(settings, "ReadingItself")

    browser.sign_in(op)

    assert ReadingItself.seen == {
        "provider": "op",
        "has token": True,
        "email": ALICE.email,
        "verified": True,
        "path": "/oauth/op/callback/",
        "described": "an identity of op",
    }


def test_all_hooks_at_once_in_upstreams_order(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    use_backend(settings, "Everything")
    Everything.asked.clear()

    browser.sign_in(op)

    assert browser.user.username == "made-by-the-site"
    assert Everything.asked == [
        "get_token",
        "verify_token",
        "get_or_create_user",
        "get_userinfo",
        "verify_claims",
        "filter_users_by_claims",
        "create_user",
        "get_username",
    ]

    Everything.asked.clear()
    Browser().sign_in(op)

    assert Everything.asked[-3:] == ["verify_claims", "filter_users_by_claims", "update_user"]


def test_hooks_are_asked_for_oauth2_providers_too(
    github: GitHubStyleProvider, browser: Browser, settings: Settings
) -> None:
    use_backend(settings, "Everything")
    Everything.asked.clear()

    browser.sign_in(github, "github")

    assert browser.user.username == "made-by-the-site"
    assert "get_userinfo" in Everything.asked


# Finding users by the site's own rule.


def _employee(op: OpenIDProvider, number: str, **changes: Any) -> None:
    op.users.change("alice", claims={"employee": number}, **changes)


def test_users_that_the_site_finds_count_as_vouched_for(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    use_backend(settings, "FindingByUsername")
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    user = make_user("e1")
    _employee(op, "e1", email="")

    browser.sign_in(op)

    assert browser.user == user
    assert OAuthConnection.objects.get().link_reason == "hook"


@pytest.mark.parametrize(
    ("users", "status", "code"),
    [
        ([{"is_active": False}], 403, "inactive"),
        ([{}, {}], 409, "email_ambiguous"),
        ([{"is_staff": True}], 409, "staff_linking_off"),
        ([{"is_superuser": True}], 409, "staff_linking_off"),
    ],
)
def test_rules_that_hold_whatever_the_site_finds(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    users: list[dict[str, Any]],
    status: int,
    code: str,
) -> None:
    use_backend(settings, "FindingByUsername")
    for number, fields in enumerate(users):
        make_user(f"e1-{number}", **fields)
    _employee(op, "e1")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (status, code)


def test_second_identity_is_a_conflict_whatever_the_site_finds(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    use_backend(settings, "FindingByUsername")
    make_user("e1")
    _employee(op, "e1")
    Browser().sign_in(op)
    op.users.change("bob", claims={"employee": "e1"})
    answer = browser.authorize(op, browser.begin(), "bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_conflict")


def test_site_is_asked_again_at_each_sign_in(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    """The person left: the directory knows them no more."""
    use_backend(settings, "FindingByUsername")
    make_user("e1")
    _employee(op, "e1")
    Browser().sign_in(op)
    assert Browser().sign_in(op).status_code == 302
    _employee(op, "e2")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


def test_site_that_finds_nobody_signs_everybody_up(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    use_backend(settings, "FindingNobody")
    existing = make_user("existing", email=ALICE.email)

    browser.sign_in(op)

    assert browser.user != existing


# The backend alone.


@pytest.fixture
def request_of_a_form() -> HttpRequest:
    request: HttpRequest = RequestFactory().post("/login/?code=abc&state=def", {"username": "a", "password": "b"})
    return request


def test_password_form_posted_to_a_code_exchanges_nothing(op: OpenIDProvider, request_of_a_form: HttpRequest) -> None:
    assert auth.authenticate(request_of_a_form, username="a", password="b") is None
    assert OIDCLoginBackend().authenticate(request_of_a_form) is None
    assert OIDCLoginBackend().authenticate(request_of_a_form, nonce="n", code_verifier="v") is None
    assert OIDCLoginBackend().authenticate(None) is None
    assert op.asked() == []


def test_password_sign_in_still_works_beside_it(request_of_a_form: HttpRequest) -> None:
    user = make_user("a", password="b")

    assert auth.authenticate(request_of_a_form, username="a", password="b") == user


def test_backend_needs_no_setting_and_asks_nothing(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Django makes one for every `request.user`."""
    for name in [name for name in dir(settings) if name.startswith("OIDC_")]:
        delattr(settings, name)

    with django_assert_num_queries(0):
        backend = OIDCLoginBackend()

    assert backend.UserModel is get_user_model()


def test_backend_is_upstreams_and_signatures_fit() -> None:
    assert issubclass(OIDCLoginBackend, OIDCAuthenticationBackend)
    for name in (
        "verify_claims",
        "filter_users_by_claims",
        "create_user",
        "update_user",
        "get_username",
        "describe_user_by_claims",
        "get_userinfo",
        "get_or_create_user",
        "get_token",
        "verify_token",
    ):
        ours, theirs = getattr(OIDCLoginBackend, name), getattr(OIDCAuthenticationBackend, name)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), name


def test_bearer_token_without_a_flow_signs_nobody_up(op: OpenIDProvider) -> None:
    with pytest.raises(OAuthError) as caught:
        OIDCLoginBackend().get_or_create_user("access", None, None)  # type: ignore[arg-type]  # as upstream's DRF does

    assert caught.value.code == "refused_by_site"
    assert not get_user_model().objects.exists()


def test_get_user_knows_active_users_alone() -> None:
    user = make_user("a")
    backend = OIDCLoginBackend()

    assert backend.get_user(user.pk) == user
    assert backend.get_user(0) is None
    user.is_active = False
    user.save()
    assert backend.get_user(user.pk) is None


def test_without_the_backend_nobody_gets_in(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")
