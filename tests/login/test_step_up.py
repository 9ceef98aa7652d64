"""Step-up: pages that ask for a sign-in which is newer or stronger than the one at hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from oidc_login.decorators import reauthentication_required
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, GitHubStyleProvider, OpenIDProvider, UnsignedToken
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.markup import Markup
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

Later = Callable[[float], None]
FINDING_NOBODY = "tests.support.backends.FindingNobody"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.method} by {request.user.get_username()}")


async def async_page(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return HttpResponse(f"{request.method} by {user.get_username()}")


@method_decorator(reauthentication_required(max_age=300), name="dispatch")
class ClassPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class AsyncClassPage(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await async_page(request)


recent = reauthentication_required(max_age=300)

urlpatterns = [
    path("oauth/", include("oidc_login.urls")),
    path("", page, name="home"),
    path("recent/", recent(page)),
    path("now/", reauthentication_required(max_age=0)(page)),
    path("strong/", reauthentication_required(acr_values=["gold", "silver"])(page)),
    path("gold/", reauthentication_required(acr_values="gold")(page)),
    path("company/", reauthentication_required(acr_values="gold", providers=["company"])(page)),
    path("both/", reauthentication_required(max_age=300, acr_values=["gold"])(page)),
    path("class/", ClassPage.as_view()),
    path("async/", recent(async_page)),
    path("async-class/", recent(AsyncClassPage.as_view())),
]


@pytest.fixture
def later(op: OpenIDProvider, later: Later) -> Later:
    """Let seconds pass, for the provider too."""
    op.now = lambda: time.time()
    op.code_lifetime = 600
    return later


@pytest.fixture
def alice(op: OpenIDProvider, browser: Browser) -> User:
    """Somebody who has just signed in."""
    browser.sign_in(op)
    user: User = browser.user
    return user


def send_back(browser: Browser, url: str, **options: Any) -> Any:
    """Ask for a page and be sent to the provider instead."""
    response = browser.get(url, **options)
    assert response.status_code == 302
    assert "/authorize?" in response["Location"], response["Location"]
    note(browser, response)
    return response


def note(browser: Browser, response: Any) -> None:
    browser.begun.append(dict(parse_qsl(urlsplit(response["Location"]).query)))


def claims(**changes: Any) -> Callable[[UnsignedToken], UnsignedToken]:
    """Let the provider say something else; None takes a claim out."""

    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = {name: value for name, value in {**token.claims, **changes}.items() if value is not None}
        return token

    return change


# Who gets in.


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("url", ["/recent/", "/class/"])
def test_new_sign_in_is_let_in(browser: Browser, url: str) -> None:
    assert browser.get(url).content == b"GET by alice"
    assert browser.get(url)["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("url", ["/recent/?a=1", "/strong/?a=1"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(browser: Browser, url: str) -> None:
    response = browser.get(url)

    assert (response.status_code, response["Location"]) == (302, f"/oauth/?next=/{url[1:-5]}/%3Fa%3D1")


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("url", ["/recent/?b=2&a=%C3%A9&a=%2F", "/class/?a=1"])
def test_old_sign_in_is_renewed_and_returns_to_the_page(
    op: OpenIDProvider, browser: Browser, later: Later, url: str
) -> None:
    later(301)

    away = send_back(browser, url)
    response = browser.end(browser.authorize(op, away))

    assert browser.begun[-1]["max_age"] == "300"
    assert "no-store" in away["Cache-Control"]
    assert (response.status_code, response["Location"]) == (302, url)
    assert browser.get(url).content == b"GET by alice"


@pytest.mark.usefixtures("alice")
def test_age_of_exactly_what_is_asked_is_new_enough(browser: Browser, later: Later) -> None:
    later(290)

    assert browser.get("/recent/").status_code == 200


@pytest.mark.parametrize(("url", "acr_values"), [("/strong/", "gold silver"), ("/gold/", "gold")])
@pytest.mark.usefixtures("alice")
def test_weak_sign_in_is_made_stronger(op: OpenIDProvider, browser: Browser, url: str, acr_values: str) -> None:
    response = browser.end(browser.authorize(op, send_back(browser, url)))

    assert browser.begun[-1]["acr_values"] == acr_values
    assert "max_age" not in browser.begun[-1]
    assert (response.status_code, response["Location"]) == (302, url)
    assert browser.get(url).content == b"GET by alice"


@pytest.mark.usefixtures("alice")
def test_each_of_the_contexts_will_do(op: OpenIDProvider, browser: Browser) -> None:
    op.bend("id_token", claims(acr="silver"))

    assert browser.end(browser.authorize(op, send_back(browser, "/strong/"))).status_code == 302
    assert browser.get("/strong/").status_code == 200
    send_back(browser, "/gold/")


def test_only_a_named_providers_word_counts(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    """A person may connect an account at a provider that says "gold" of everybody."""
    op.bend("id_token", claims(acr="gold"))
    browser.sign_in(op)
    assert browser.get("/gold/").status_code == 200

    assert browser.get("/company/").status_code == 403

    settings.OIDC_LOGIN_PROVIDERS = {**settings.OIDC_LOGIN_PROVIDERS, "company": settings.OIDC_LOGIN_PROVIDERS["op"]}
    browser.connect(op, "company")
    browser.end(browser.authorize(op, send_back(browser, "/company/")))
    assert browser.get("/company/").status_code == 200


@pytest.mark.usefixtures("alice")
def test_new_and_strong_are_asked_for_together(op: OpenIDProvider, browser: Browser, later: Later) -> None:
    browser.end(browser.authorize(op, send_back(browser, "/both/")))
    assert browser.get("/both/").status_code == 200
    later(301)

    send_back(browser, "/both/")

    assert (browser.begun[-1]["max_age"], browser.begun[-1]["acr_values"]) == ("300", "gold")


def test_strength_of_an_ordinary_sign_in_counts(op: OpenIDProvider, browser: Browser) -> None:
    op.bend("id_token", claims(acr="gold"))
    browser.sign_in(op)

    assert browser.get("/strong/").status_code == 200


def test_time_that_the_provider_did_not_state_is_not_believed(op: OpenIDProvider, browser: Browser) -> None:
    """It may have answered for somebody who signed in there last week."""
    with op.bend("id_token", claims(auth_time=None)):
        browser.sign_in(op)

    away = send_back(browser, "/recent/")

    assert browser.end(browser.authorize(op, away))["Location"] == "/recent/"
    assert browser.get("/recent/").status_code == 200


def test_time_that_the_provider_states_counts_and_not_that_of_the_answer(op: OpenIDProvider, browser: Browser) -> None:
    with op.bend("id_token", claims(auth_time=int(time.time()) - 301)):
        browser.sign_in(op)

    send_back(browser, "/recent/")


def test_time_far_in_the_future_tells_nothing(op: OpenIDProvider, browser: Browser) -> None:
    """Nobody asked for it, so it is no reason to refuse the sign-in."""
    with op.bend("id_token", claims(auth_time=int(time.time()) + 3600)):
        assert browser.sign_in(op).status_code == 302

    send_back(browser, "/recent/")


def test_clock_of_the_provider_may_be_a_little_fast(op: OpenIDProvider, browser: Browser, later: Later) -> None:
    with op.bend("id_token", claims(auth_time=int(time.time()) + 20)):
        browser.sign_in(op)

    assert browser.get("/recent/").status_code == 200
    later(310)
    send_back(browser, "/recent/")


# What a renewed sign-in does.


def test_session_key_changes_and_the_session_stays(op: OpenIDProvider, browser: Browser, alice: User) -> None:
    session = browser.session
    session["cart"] = ["book"]
    session.save()
    key, cookie = browser.session_key, browser.jar["csrftoken"].value

    browser.end(browser.authorize(op, send_back(browser, "/strong/")))

    assert browser.user == alice
    assert browser.session["cart"] == ["book"]
    assert browser.session_key != key
    assert not browser.session.exists(str(key))
    assert browser.jar["csrftoken"].value != cookie
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


@pytest.mark.usefixtures("alice")
def test_tokens_of_the_connection_are_new(op: OpenIDProvider, browser: Browser) -> None:
    before = OAuthConnection.objects.get()

    browser.end(browser.authorize(op, send_back(browser, "/strong/")))

    after = OAuthConnection.objects.get()
    assert after.pk == before.pk
    assert after.access_token != before.access_token
    assert after.last_login_at is not None and before.last_login_at is not None
    assert after.last_login_at > before.last_login_at


@pytest.mark.usefixtures("alice")
def test_callback_again_leads_to_the_page(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"))
    browser.end(answer)
    op.clear()

    assert browser.end(answer)["Location"] == "/strong/"
    assert op.asked() == []


@pytest.mark.parametrize("same_site", ["Lax", "Strict"])
@pytest.mark.parametrize("response_mode", [None, "form_post"])
def test_answer_finds_the_session_it_belongs_to(
    op: OpenIDProvider, settings: Settings, response_mode: str | None, same_site: str
) -> None:
    settings.SESSION_COOKIE_SAMESITE = same_site
    configure(settings, "op", response_mode=response_mode)
    browser = Browser(https=True)
    follow(browser, browser.sign_in(op))

    follow(browser, browser.end(browser.authorize(op, send_back(browser, "/strong/"))))

    assert browser.get("/strong/").content == b"GET by alice"


def follow(browser: Browser, response: Any) -> Any:
    """Do what the browser does with the site's redirects to itself, and with its pages that move on."""
    while response.status_code in (200, 303):
        if response.status_code == 303:
            response = browser.get(response["Location"], cross_site=True)
            continue
        target = Markup(response.content.decode()).links["Continue"]
        if "answer=" not in target:
            return response
        response = browser.get(target)
    return response


# Forms.


@pytest.mark.usefixtures("alice")
def test_what_was_posted_is_gone_and_the_person_goes_home(op: OpenIDProvider, browser: Browser) -> None:
    """Nobody can post it again for them; a GET of that URL may be another page, or none."""
    away = browser.post("/strong/?a=1", {"amount": "5"})
    assert "/authorize?" in away["Location"]
    note(browser, away)

    assert browser.end(browser.authorize(op, away))["Location"] == "/"
    assert browser.post("/strong/?a=1").content == b"POST by alice"


@pytest.mark.usefixtures("alice")
def test_post_without_csrf_token_begins_nothing(browser: Browser) -> None:
    response = browser.request("POST", "/strong/", {}, cross_site=True)

    assert response.status_code == 403
    assert not browser.flow_cookies


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_no_page_sends_is_not_sent_to_a_page(browser: Browser, method: str) -> None:
    headers = {"x-csrftoken": browser.csrf_token()}

    assert browser.request(method, "/strong/", headers=headers).status_code == 405
    assert not browser.flow_cookies


@pytest.mark.usefixtures("alice")
def test_long_url_of_a_page_does_not_fit_and_the_person_goes_home(op: OpenIDProvider, browser: Browser) -> None:
    away = send_back(browser, "/strong/?" + "a" * 2000)

    assert browser.end(browser.authorize(op, away))["Location"] == "/"


@pytest.mark.usefixtures("alice")
def test_return_stays_on_the_site(op: OpenIDProvider, browser: Browser) -> None:
    away = send_back(browser, "/strong/?next=https://evil.example/", headers={"referer": "https://evil.example/"})

    assert browser.end(browser.authorize(op, away))["Location"] == "/strong/?next=https://evil.example/"


# What is refused, and that it is not asked for again and again.


def test_somebody_else_who_comes_back(
    op: OpenIDProvider, browser: Browser, alice: User, assert_nothing_changed: NothingChanged
) -> None:
    other = Browser()
    other.sign_in(op, user="bob")
    answer = browser.authorize(op, send_back(browser, "/strong/"), "bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")
    assert "not connected to yours" in failure.response.content.decode()
    assert browser.user == alice
    send_back(browser, "/strong/")


def test_identity_that_nobody_has_is_not_connected_by_the_way(
    op: OpenIDProvider, browser: Browser, alice: User, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"), "carol")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")


@pytest.mark.usefixtures("alice")
def test_session_that_is_over_is_not_begun_anew(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"))
    browser.jar.pop("sessionid")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")
    assert browser.user is None


def test_session_of_somebody_else_by_now(
    op: OpenIDProvider, browser: Browser, alice: User, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"))
    browser.log_in(get_user_model().objects.create_user("somebody"))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")


def test_rule_of_the_site_is_asked_again(
    op: OpenIDProvider,
    browser: Browser,
    alice: User,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"))
    settings.AUTHENTICATION_BACKENDS = [FINDING_NOBODY]
    session = browser.session
    session[BACKEND_SESSION_KEY] = FINDING_NOBODY
    session.save()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("acr", [None, "", "bronze", "gold silver", ["gold"], 1, True])
def test_sign_in_that_is_too_weak(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, acr: Any
) -> None:
    answer = browser.authorize(op, send_back(browser, "/strong/"))

    with assert_nothing_changed(browser) as failure, op.bend("id_token", claims(acr=acr)):
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")
    assert "more secure sign-in" in failure.response.content.decode()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    "seconds",
    [pytest.param(None, id="missing"), pytest.param(-3600, id="ignores max_age"), pytest.param(3600, id="future")],
)
def test_sign_in_that_is_not_new(
    op: OpenIDProvider,
    browser: Browser,
    later: Later,
    assert_nothing_changed: NothingChanged,
    seconds: int | None,
) -> None:
    """Core 3.1.3.7, rule 13. The answer is an error page and no redirect, so it is no loop either."""
    later(301)
    answer = browser.authorize(op, send_back(browser, "/recent/"))
    auth_time = None if seconds is None else int(time.time()) + seconds

    with assert_nothing_changed(browser) as failure, op.bend("id_token", claims(auth_time=auth_time)):
        failure.response = browser.end(answer)

    assert failure.seen == (502, "id_token_invalid")
    assert "Location" not in failure.response


@pytest.mark.parametrize("url", ["/recent/", "/now/"])
@pytest.mark.parametrize("age", [0, 25])
@pytest.mark.usefixtures("alice")
def test_answer_that_was_accepted_is_not_asked_for_again(
    op: OpenIDProvider, browser: Browser, later: Later, url: str, age: int
) -> None:
    """The leeway for clocks lets in what is a little older than the page asks for: that must not go in circles."""
    later(400)
    max_age = {"/recent/": 300, "/now/": 0}[url]
    answer = browser.authorize(op, send_back(browser, url))
    with op.bend("id_token", claims(auth_time=int(time.time()) - max_age - age)):
        assert browser.end(answer)["Location"] == url

    assert browser.get(url).status_code == 200
    later(61)
    send_back(browser, url)


@pytest.mark.usefixtures("alice")
def test_time_that_the_person_takes_at_the_provider_does_not_count(
    op: OpenIDProvider, browser: Browser, later: Later
) -> None:
    """It judged the age when it was asked (Core 3.1.2.1)."""
    later(400)
    answer = browser.authorize(op, send_back(browser, "/recent/"))
    signed_in_at = int(time.time()) - 299
    later(200)

    with op.bend("id_token", claims(auth_time=signed_in_at)):
        response = browser.end(answer)

    assert response["Location"] == "/recent/"
    assert browser.get("/recent/").status_code == 200


@pytest.mark.usefixtures("alice")
def test_what_was_asked_for_less_is_no_answer_to_more(op: OpenIDProvider, browser: Browser, later: Later) -> None:
    later(301)
    answer = browser.authorize(op, send_back(browser, "/recent/"))
    with op.bend("id_token", claims(auth_time=int(time.time()) - 100)):
        browser.end(answer)

    assert browser.get("/recent/").status_code == 200
    send_back(browser, "/now/")


@pytest.mark.parametrize("error", ["access_denied", "login_required", "interaction_required"])
def test_cancelled_step_up_leaves_the_session_and_offers_the_ways_in(
    op: OpenIDProvider, browser: Browser, alice: User, assert_nothing_changed: NothingChanged, error: str
) -> None:
    """Not the page itself, nor another that may ask for the same: with `prompt=none` that would go in circles."""
    answer = browser.authorize(op, send_back(browser, "/strong/?a=1"), user=None)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer.with_(error=error))

    assert failure.seen == (302, "cancelled")
    assert failure.response["Location"] == "/oauth/?next=%2Fstrong%2F%3Fa%3D1"
    assert "You did not sign in" in browser.get(failure.response["Location"]).content.decode()
    assert browser.get("/").content == b"GET by alice"


@pytest.mark.usefixtures("alice")
def test_provider_that_is_down(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    cache.clear()
    configure(settings, "op", label="made anew")
    with assert_nothing_changed(browser) as failure, op.bend("discovery", lambda _: Answer(status=500)):
        failure.response = browser.get("/strong/")

    assert failure.seen == (503, "provider_unavailable")


# What the request cannot choose.


@pytest.mark.usefixtures("alice")
def test_request_chooses_nothing(op: OpenIDProvider, browser: Browser) -> None:
    send_back(browser, "/strong/?acr_values=bronze&max_age=99999&prompt=none&login_hint=x")

    assert browser.begun[-1]["acr_values"] == "gold silver"
    assert not {"max_age", "prompt", "login_hint"} & set(browser.begun[-1])


@pytest.mark.usefixtures("alice")
def test_page_decides_over_the_providers_own_settings(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", max_age=7200, acr_values="bronze", authorization_params={"acr_values": "tin"})

    send_back(browser, "/strong/")

    assert (browser.begun[-1]["acr_values"], browser.begun[-1]["max_age"]) == ("gold silver", "7200")


# Other ways to have signed in.


def test_provider_without_openid_connect_says_what_to_do(github: GitHubStyleProvider, browser: Browser) -> None:
    browser.sign_in(github, "github", user="alice")
    key = browser.session_key

    for url in ("/recent/", "/strong/"):
        response = browser.get(url)

        assert response.status_code == 403
        assert "sign in another way" in response.content.decode()
        assert 'href="/oauth/?next=' in response.content.decode()
    assert browser.session_key == key
    assert not browser.flow_cookies


def test_password_says_what_to_do_where_there_is_no_provider(op: OpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.get("/recent/").status_code == 403


def test_password_sends_to_the_persons_own_provider(op: OpenIDProvider, browser: Browser, alice: User) -> None:
    with_password = Browser()
    with_password.log_in(alice)

    response = with_password.end(with_password.authorize(op, send_back(with_password, "/strong/")))

    assert response["Location"] == "/strong/"
    assert with_password.get("/strong/").content == b"GET by alice"


def test_other_provider_of_the_person_is_asked_where_the_first_cannot_tell(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser
) -> None:
    browser.sign_in(github, "github", user="alice")
    browser.connect(op, user="bob")

    assert send_back(browser, "/strong/")["Location"].startswith(op.issuer)


def test_provider_of_the_session_is_asked_before_others(
    op: OpenIDProvider, browser: Browser, settings: Settings, alice: User
) -> None:
    configure(settings, "aaa", **settings.OIDC_LOGIN_PROVIDERS["op"])
    browser.connect(op, "aaa", user="bob")

    assert "/oauth/op/" in (send_back(browser, "/strong/") and browser.begun[-1]["redirect_uri"])


def test_provider_that_is_gone_is_not_asked(browser: Browser, alice: User, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert browser.get("/strong/").status_code == 403


def test_sign_in_by_password_says_nothing_of_the_one_before(browser: Browser, alice: User) -> None:
    assert browser.get("/recent/").status_code == 200
    browser.log_in(alice)

    send_back(browser, "/recent/")


# Views that are coroutines.


@pytest.mark.usefixtures("alice")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", ["/async/", "/async-class/"])
@pytest.mark.parametrize("age", [0, 400])
def test_async_view_is_guarded(browser: Browser, later: Later, url: str, age: int) -> None:
    later(age)
    client = AsyncClient()
    client.cookies["sessionid"] = str(browser.session_key)

    response = async_to_sync(client.get)(url + "?a=1")

    if age:
        assert response.status_code == 302
        assert "max_age=300" in response["Location"]
    else:
        assert response.content == b"GET by alice"


def test_view_keeps_its_name_and_arguments() -> None:
    @recent
    def named(request: HttpRequest, number: int) -> HttpResponse:
        """Of the site."""
        return HttpResponse(str(number))

    assert (named.__name__, named.__doc__) == ("named", "Of the site.")


# What the site's settings ask of every sign-in.


def essential(**acr: Any) -> dict[str, Any]:
    return {"id_token": {"acr": {"essential": True, **acr}}}


ESSENTIAL = [essential(values=["gold", "silver"]), essential(value="gold")]


@pytest.mark.parametrize("asked", ESSENTIAL, ids=["values", "value"])
def test_essential_context_of_the_settings_is_met(
    op: OpenIDProvider, browser: Browser, settings: Settings, asked: dict[str, Any]
) -> None:
    configure(settings, "op", claims=asked)
    op.bend("id_token", claims(acr="gold"))

    assert browser.sign_in(op).status_code == 302


@pytest.mark.parametrize("asked", ESSENTIAL, ids=["values", "value"])
@pytest.mark.parametrize("acr", ["bronze", None])
def test_essential_context_of_the_settings_is_not_met(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    asked: dict[str, Any],
    acr: str | None,
) -> None:
    """Core 5.5.1.1."""
    configure(settings, "op", claims=asked)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure, op.bend("id_token", claims(acr=acr)):
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


@pytest.mark.parametrize(
    "wish",
    [
        {"acr_values": "gold"},
        {"claims": {"id_token": {"acr": {"values": ["gold"]}}}},
        {"claims": {"id_token": {"acr": None}}},
        {"claims": essential()},
        {"claims": {"userinfo": {"email": None}}},
    ],
)
def test_context_that_is_a_wish_is_not_insisted_on(
    op: OpenIDProvider, browser: Browser, settings: Settings, wish: dict[str, Any]
) -> None:
    configure(settings, "op", **wish)
    op.bend("id_token", claims(acr="bronze"))

    assert browser.sign_in(op).status_code == 302


# Connecting and disconnecting after a while.


@pytest.mark.usefixtures("alice")
def test_change_of_the_ways_in_asks_a_provider_that_can_tell(
    op: OpenIDProvider, browser: Browser, settings: Settings, later: Later
) -> None:
    """Without `max_age` it may answer for a person who signed in there long ago, and that would never do."""
    settings.OIDC_LOGIN_REAUTHENTICATION_AGE = 300
    configure(settings, "second", **settings.OIDC_LOGIN_PROVIDERS["op"])
    later(301)

    away = browser.begin("second", view="connect")

    assert browser.begun[-1]["max_age"] == "300"
    assert "/op/" in browser.begun[-1]["redirect_uri"]
    assert browser.end(browser.authorize(op, away))["Location"] == "/oauth/connections/"
    assert "/second/" in browser.begin("second", view="connect")["Location"].replace("%2F", "/")


def test_age_of_a_session_is_its_own(op: OpenIDProvider, settings: Settings, later: Later) -> None:
    """The person has just signed in elsewhere, which says nothing about who holds this session."""
    settings.OIDC_LOGIN_REAUTHENTICATION_AGE = 300
    user = get_user_model().objects.create_user("somebody")
    old, new = Browser(), Browser()
    old.log_in(user)
    later(301)
    new.log_in(user)

    assert old.begin(view="connect")["Location"] == "/oauth/?next=/oauth/connections/"
    assert "/authorize?" in new.begin(view="connect")["Location"]
