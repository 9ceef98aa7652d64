"""Beginning and ending a flow: what is asked for, whose answer counts, and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from rest_framework.request import Request

from oidc_login.client import OAuth, OAuthError
from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.flow.pending import attach_flow, create_flow, set_flow_cookie, unseal_flow
from oidc_login.session_state import KEYS
from oidc_login.testing import AuthorizationAnswer
from tests.client.conftest import CALLBACK, Register
from tests.client.trip import Trip
from tests.support.invariant import Witness
from tests.support.served import ALICE, BOB, CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

Op = RecordingOpenIDProvider
LONG = "a-value.of_the~sites-own"


@pytest.fixture
def client(register: Register) -> DjangoOAuth2App:
    return register()


@pytest.fixture
def trip(client: DjangoOAuth2App) -> Trip:
    return Trip(client)


def refused(call: Callable[[], Any], error: str, code: str) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        call()
    assert (caught.value.error, caught.value.code) == (error, code)
    return caught.value


# The beginning.


def test_token_is_for_the_code_and_the_verifier_of_the_flow(trip: Trip, op: Op) -> None:
    token = trip.whole(op)

    form = op.requests[-2].form
    assert op.asked() == ["discovery", "token", "jwks"]
    assert {form["grant_type"], form["redirect_uri"]} == {"authorization_code", CALLBACK}
    assert len(form["code_verifier"]) >= 43
    assert form["code_verifier"] not in trip.begun.values()
    assert token["access_token"] and token["userinfo"]["sub"]


def test_every_flow_has_values_of_its_own(trip: Trip, op: Op) -> None:
    begun = []
    for _ in range(3):
        trip.begin()
        begun.append(trip.begun)

    for name in ("state", "nonce", "code_challenge"):
        assert len({each[name] for each in begun}) == 3
        assert all(len(each[name]) >= 43 for each in begun)


def test_flow_is_kept_in_a_sealed_cookie(trip: Trip, op: Op) -> None:
    response = trip.client.authorize_redirect(trip.request("/login"), CALLBACK)
    trip.follow(response)

    (name, morsel) = next(iter(response.cookies.items()))
    assert morsel["httponly"] and morsel["samesite"] == "Lax"
    assert response["Cache-Control"] == "no-store"
    kept = unseal_flow(name, morsel.value)
    assert kept.code_verifier not in str(response.cookies) + response["Location"]
    assert kept.nonce == trip.begun["nonce"]
    assert not trip.session.keys()


def test_cookie_comes_along_with_a_posted_answer(register: Register) -> None:
    client = register(client_kwargs={"response_mode": "form_post"})
    request = RequestFactory().get("/login", secure=True)

    (morsel,) = client.authorize_redirect(request, CALLBACK).cookies.values()
    (of_this_call,) = register().authorize_redirect(request, CALLBACK, response_mode="form_post").cookies.values()

    assert [m["samesite"] for m in (morsel, of_this_call)] == ["None", "None"]


def test_parameters_of_one_request_are_sent(trip: Trip, op: Op) -> None:
    trip.begin(
        prompt="login", login_hint="alice", audience="https://api.example", max_age=60, scope=["openid", "phone"]
    )

    assert (
        trip.begun.items()
        >= {
            "prompt": "login",
            "login_hint": "alice",
            "audience": "https://api.example",
            "max_age": "60",
            "scope": "openid phone",
        }.items()
    )


def test_openid_is_asked_for_whatever_the_scope(trip: Trip, op: Op) -> None:
    token = trip.whole(op, scope="email")

    assert trip.begun["scope"] == "openid email"
    assert token["scope"] == "openid email"
    assert token["userinfo"]["sub"]


def test_scope_of_one_request_is_what_was_granted_without_another_word(trip: Trip, op: Op) -> None:
    def without(answer: Any) -> Any:
        del answer.json["scope"]
        return answer

    with op.bend("token", without):
        assert trip.whole(op, scope="openid phone")["scope"] == "openid phone"


def test_max_age_of_one_request_is_held_against_the_answer(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin(max_age=60), auth_time=1_000_000_000)

    refused(lambda: trip.end(answer), "invalid_claim", "id_token_invalid")


REFUSED_PARAMETERS: list[tuple[dict[str, Any], str]] = [
    ({"response_type": "token"}, 'it is "code"'),
    ({"response_type": "code id_token"}, 'it is "code"'),
    ({"response_mode": "fragment"}, "'query', 'form_post'"),
    ({"code_challenge_method": "plain"}, '"S256"'),
    ({"code_challenge": "x" * 43}, "Remove it"),
    ({"client_id": "another"}, "Remove it"),
    ({"request_uri": "https://evil.example"}, "Remove it"),
    ({"state": "short"}, "secrets.token_urlsafe"),
    ({"state": "with spaces and other things"}, "secrets.token_urlsafe"),
    ({"nonce": "short"}, "secrets.token_urlsafe"),
    ({"nonce": 12345678901234567890}, "secrets.token_urlsafe"),
    ({"code_verifier": "x" * 42}, "secrets.token_urlsafe"),
    ({"max_age": "60"}, "Write 3600"),
    ({"max_age": True}, "Write 3600"),
    ({"max_age": -1}, "Write 3600"),
    ({"scope": {"openid": True}}, "list of strings"),
    ({"claims": {"id_token": {}}}, "json.dumps"),
]


@pytest.mark.parametrize(("parameters", "advice"), REFUSED_PARAMETERS, ids=str)
def test_parameter_that_would_weaken_the_flow(trip: Trip, op: Op, parameters: dict[str, Any], advice: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=next(iter(parameters))) as caught:
        trip.begin(**parameters)
    assert advice in str(caught.value)
    assert trip.cookies == {}


def test_parameters_that_say_what_is_done_anyway(trip: Trip, op: Op) -> None:
    assert trip.whole(op, response_type="code", code_challenge_method="S256", response_mode="query")


def test_values_of_the_sites_own(trip: Trip, op: Op) -> None:
    token = trip.whole(op, state=LONG + "1", nonce=LONG + "2", code_verifier=LONG * 2)

    assert (trip.begun["state"], trip.begun["nonce"]) == (LONG + "1", LONG + "2")
    assert token["userinfo"]["nonce"] == LONG + "2"


def test_nonce_of_the_sites_own_is_new_each_time(trip: Trip, op: Op) -> None:
    trip.begin(nonce=LONG)

    with pytest.raises(ImproperlyConfigured, match="used before"):
        trip.begin(nonce=LONG)


@pytest.mark.parametrize(
    "redirect_uri", ["/authorize", "authorize", "javascript:alert(1)", "https:///x", CALLBACK + "#x"]
)
def test_redirect_uri_that_nobody_can_be_sent_to(trip: Trip, op: Op, redirect_uri: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="build_absolute_uri"):
        trip.begin(redirect_uri)


def test_redirect_uri_has_to_be_given(trip: Trip, op: Op) -> None:
    with pytest.raises(RuntimeError, match='Missing "redirect_uri" value'):
        trip.begin(None)


def test_client_without_an_authorization_endpoint(op: Op) -> None:
    client = OAuth().register("machine", client_id="client", access_token_url=op.token_endpoint)

    with pytest.raises(RuntimeError, match='Missing "authorize_url" value'):
        Trip(client).begin()


def test_provider_that_is_down(trip: Trip, op: Op) -> None:
    with op.bend("discovery", lambda answer: type(answer)(status=503, body=b"")):
        error = refused(trip.begin, "temporarily_unavailable", "provider_unavailable")
    assert error.retry_after


# The end: whose answer counts.


def test_answer_in_another_browser(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin())

    refused(lambda: Trip(trip.client).end(answer), "mismatching_state", "state_unknown")
    assert "token" not in op.asked()


def test_two_tabs(trip: Trip, op: Op) -> None:
    other = Trip(trip.client, trip)
    first, second = op.authorization_answer(trip.begin()), op.authorization_answer(other.begin(), "bob")

    assert [trip.end(answer)["userinfo"]["sub"] for answer in (second, first)] == [BOB.sub, ALICE.sub]


def test_answer_for_the_second_time(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin())
    trip.end(answer)

    refused(lambda: trip.end(answer), "mismatching_state", "state_used")
    assert op.asked().count("token") == 1


def test_flow_is_used_up_by_a_failure(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin())
    refused(lambda: trip.end(answer.with_(code="unknown")), "invalid_grant", "code_refused")

    refused(lambda: trip.end(answer), "mismatching_state", "state_used")


def test_answer_after_ten_minutes(trip: Trip, op: Op, later: Callable[[float], None]) -> None:
    answer = op.authorization_answer(trip.begin())
    later(601)

    refused(lambda: trip.end(answer), "mismatching_state", "state_expired")


Change = Callable[[AuthorizationAnswer], AuthorizationAnswer]
ANSWERS: list[tuple[str, Change, str, str]] = [
    ("no state", lambda a: a.without("state"), "mismatching_state", "state_missing"),
    ("empty state", lambda a: a.with_(state=""), "mismatching_state", "state_missing"),
    ("unknown state", lambda a: a.with_(state="x" * 43), "mismatching_state", "state_unknown"),
    ("a state twice", lambda a: a.and_also("state", a["state"]), "parameter_invalid", "parameter_invalid"),
    ("an error and no state", lambda a: error(a).without("state"), "mismatching_state", "state_missing"),
    ("an error and a foreign state", lambda a: error(a).with_(state="x" * 43), "mismatching_state", "state_unknown"),
    ("an error", lambda a: error(a), "access_denied", "cancelled"),
    ("an error of the provider's", lambda a: error(a, "weird_error"), "weird_error", "provider_error"),
    ("an error that is no code", lambda a: error(a, "<script>\u202e"), "unprintable", "provider_error"),
    ("no code", lambda a: a.without("code"), "parameter_invalid", "parameter_invalid"),
    ("two codes", lambda a: a.and_also("code", "x"), "parameter_invalid", "parameter_invalid"),
    ("a code with a line break", lambda a: a.with_(code="a\nb"), "parameter_invalid", "parameter_invalid"),
    ("another issuer", lambda a: a.with_(iss="https://evil.example"), "iss_mismatch", "iss_mismatch"),
    ("no issuer, though promised", lambda a: a.without("iss"), "iss_mismatch", "iss_mismatch"),
    ("a code of nobody", lambda a: a.with_(code="x"), "invalid_grant", "code_refused"),
]


def error(answer: AuthorizationAnswer, code: str = "access_denied") -> AuthorizationAnswer:
    return answer.without("code").with_(error=code, error_description="said by nobody who can be believed")


@pytest.mark.parametrize(("change", "name", "code"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_answer_with(trip: Trip, op: Op, change: Change, name: str, code: str) -> None:
    answer = change(op.authorization_answer(trip.begin()))

    seen = refused(lambda: trip.end(answer), name, code)

    assert "believed" not in f"{seen}{seen.description}"
    assert seen.uri is None


def test_code_of_another_flow(trip: Trip, op: Op) -> None:
    """A code that an attacker got for themselves has another challenge (RFC 9700 4.5)."""
    stolen = op.authorization_answer(Trip(trip.client).begin())
    answer = op.authorization_answer(trip.begin())

    refused(lambda: trip.end(answer.with_(code=stolen["code"])), "invalid_grant", "code_refused")


def test_flow_of_another_client_of_the_site(trip: Trip, op: Op, register: Register) -> None:
    other = Trip(register("other"), trip)
    answer = op.authorization_answer(other.begin())

    refused(lambda: trip.end(answer), "mismatching_state", "provider_mismatch")
    refused(lambda: other.end(answer), "mismatching_state", "state_used")


def test_flow_of_a_sign_in_is_no_clients(op: Op, settings: Settings, register: Register) -> None:
    """Not even where a provider of OIDC_LOGIN_PROVIDERS has the client's name."""
    from oidc_login.registry import get_provider

    settings.ROOT_URLCONF = "tests.settings.urls"
    configure(settings, "own", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    trip, provider = Trip(register("own")), get_provider("own")
    request = trip.request("/")
    begun = create_flow(request, provider, purpose="login")
    response = trip.client.authorize_redirect(request, CALLBACK)
    response.cookies.clear()
    set_flow_cookie(request, response, begun, cross_site_post=False)
    trip.follow(response)
    attach_flow(request, begun)
    answer = op.authorization_answer(provider.get_authorization_url(request=request))

    refused(lambda: trip.end(answer), "mismatching_state", "provider_mismatch")


def test_flow_of_a_client_ends_no_sign_in(op: Op, settings: Settings, register: Register) -> None:
    from django.test import Client

    settings.ROOT_URLCONF = "tests.settings.urls"
    configure(settings, "own", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    trip, browser = Trip(register("own")), Client()
    answer = op.authorization_answer(trip.begin())
    for name, value in trip.cookies.items():
        browser.cookies[name] = value

    ended = browser.get(f"/oauth/own/callback/?{urlsplit(answer.url).query}")

    assert ended.status_code == 400
    assert ended.context["oauth_error"].code == "provider_mismatch"
    assert "token" not in op.asked()


def test_cache_that_cannot_remember_used_flows(trip: Trip, op: Op, settings: Settings) -> None:
    answer = op.authorization_answer(trip.begin())
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.BrokenCache"}}

    refused(lambda: trip.end(answer), "temporarily_unavailable", "site_unavailable")
    assert "token" not in op.asked()


def test_posted_answer(register: Register, op: Op) -> None:
    trip = Trip(register(client_kwargs={"response_mode": "form_post", "scope": "openid"}))

    assert trip.whole(op)["userinfo"]["sub"]


def test_query_of_a_posted_answer_is_not_looked_at(register: Register, op: Op) -> None:
    trip = Trip(register())
    answer = op.authorization_answer(trip.begin())
    request = trip.request(answer.url, {"nothing": ""})

    refused(lambda: trip.client.authorize_access_token(request), "mismatching_state", "state_missing")


def test_further_arguments_of_the_end(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin())

    with pytest.raises(ImproperlyConfigured, match="code_verifier belongs to the flow"):
        trip.end(answer, code_verifier="x" * 43)
    assert trip.end(answer, audience="https://api.example")
    assert next(request for request in op.requests if request.endpoint == "token").form["audience"]


# What a failure leaves.


@pytest.mark.parametrize("debug", [False, True], ids=["", "DEBUG"])
def test_reports_about_a_failure_show_nothing_secret(
    trip: Trip, op: Op, witness: Witness, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = op.authorization_answer(trip.begin())
    request = trip.back(answer.with_(iss="https://evil.example"))

    with pytest.raises(OAuthError) as caught:
        trip.client.authorize_access_token(request)

    assert dict(request.GET) == {}
    reporter = ExceptionReporter(request, type(caught.value), caught.value, caught.tb)
    told = reporter.get_traceback_html() + reporter.get_traceback_text() + repr(caught.value) + witness.caplog.text
    secret = {answer["code"], answer["state"], trip.begun["nonce"], trip.begun["code_challenge"], CLIENT_SECRET}
    assert [each for each in secret if each in told] == []


def test_error_of_the_provider_stays_in_the_request(trip: Trip, op: Op) -> None:
    """For pages that show it; the state goes."""
    request = trip.back(error(op.authorization_answer(trip.begin())))

    with pytest.raises(OAuthError):
        trip.client.authorize_access_token(request)

    assert set(request.GET) == {"error", "error_description"}
    assert "state" not in request.META["QUERY_STRING"]


def test_good_answer_stays_in_the_request(trip: Trip, op: Op) -> None:
    request = trip.back(op.authorization_answer(trip.begin()))
    trip.client.authorize_access_token(request)

    assert set(request.GET) == {"code", "state", "iss"}


def test_request_of_django_rest_framework(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(trip.begin())
    request = trip.back(answer)

    assert trip.client.authorize_access_token(Request(request))["userinfo"]["sub"]
    refused(lambda: trip.client.authorize_access_token(Request(request)), "mismatching_state", "state_used")
    assert dict(request.GET) == {}


# Flows that the session keeps.


def saved(trip: Trip, **changes: Any) -> str:
    """Do what `authorize_redirect` does in two steps."""
    data = trip.client.create_authorization_url(CALLBACK)
    trip.client.save_authorize_data(trip.request("/login"), **{"redirect_uri": CALLBACK, **data, **changes})
    return str(data["url"])


def test_flow_in_the_session(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(saved(trip))

    assert trip.end(answer)["userinfo"]["sub"]
    assert trip.session[KEYS["client_flows"]] == {}
    refused(lambda: trip.end(answer), "mismatching_state", "state_used")


def test_flow_in_the_session_of_another_browser(trip: Trip, op: Op) -> None:
    answer = op.authorization_answer(saved(trip))

    refused(lambda: Trip(trip.client).end(answer), "mismatching_state", "state_unknown")


def test_flow_in_the_session_of_another_client(trip: Trip, op: Op, register: Register) -> None:
    answer = op.authorization_answer(saved(trip))

    refused(lambda: Trip(register("other"), trip).end(answer), "mismatching_state", "provider_mismatch")
    assert trip.session[KEYS["client_flows"]] == {}


def test_flow_in_the_session_is_over_after_ten_minutes(trip: Trip, op: Op, later: Callable[[float], None]) -> None:
    answer = op.authorization_answer(saved(trip))
    later(601)

    refused(lambda: trip.end(answer), "mismatching_state", "state_expired")


def test_session_in_a_cookie_shows_nothing_of_the_flow(op: Op, settings: Settings, register: Register) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    trip = Trip(register())
    data = trip.client.create_authorization_url(CALLBACK)
    trip.client.save_authorize_data(trip.request("/login"), redirect_uri=CALLBACK, **data)
    trip.session.save()

    shown = json.dumps(signing.loads(trip.session.session_key, salt="django.contrib.sessions.backends.signed_cookies"))

    assert [name for name in ("state", "nonce", "code_verifier") if data[name] in shown] == []


def test_value_of_the_session_under_another_name(trip: Trip, op: Op) -> None:
    first, second = saved(trip), saved(trip)
    names, values = zip(*trip.session[KEYS["client_flows"]].items(), strict=True)
    trip.session[KEYS["client_flows"]] = dict(zip(names, reversed(values), strict=True))

    for url in (first, second):
        answer = op.authorization_answer(url)
        refused(lambda answer=answer: trip.end(answer), "mismatching_state", "state_unknown")  # type: ignore[misc]


def test_session_keeps_five_flows(trip: Trip, op: Op) -> None:
    urls = [saved(trip) for _ in range(6)]
    assert len(trip.session[KEYS["client_flows"]]) == 5

    refused(lambda: trip.end(op.authorization_answer(urls[0])), "mismatching_state", "state_unknown")
    assert trip.end(op.authorization_answer(urls[5]))


@pytest.mark.parametrize("missing", ["state", "nonce", "code_verifier"])
def test_saving_without(trip: Trip, op: Op, missing: str) -> None:
    with pytest.raises(RuntimeError, match=f"Missing {missing} value"):
        saved(trip, **{missing: None})


def test_saving_with_a_redirect_uri_that_nobody_can_be_sent_to(trip: Trip, op: Op) -> None:
    with pytest.raises(ImproperlyConfigured, match="build_absolute_uri"):
        saved(trip, redirect_uri="/authorize")


@pytest.mark.parametrize("weak", ["state", "nonce", "code_verifier"])
def test_saving_what_can_be_guessed(trip: Trip, op: Op, weak: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=weak):
        saved(trip, **{weak: "guess"})


def test_saved_max_age_is_held_against_the_answer(trip: Trip, op: Op) -> None:
    data = trip.client.create_authorization_url(CALLBACK, max_age=60)
    trip.client.save_authorize_data(trip.request("/login"), redirect_uri=CALLBACK, **data)
    answer = op.authorization_answer(data["url"], auth_time=1_000_000_000)

    refused(lambda: trip.end(answer), "invalid_claim", "id_token_invalid")


def test_what_is_returned_shows_no_value(trip: Trip, op: Op) -> None:
    data = trip.client.create_authorization_url(CALLBACK)

    assert str(data) == repr(data) == "<Discreet: code_verifier, nonce, state, url>"
    assert parse_qsl(urlsplit(data["url"]).query)


def test_oauth2_has_no_nonce(github: RecordingGitHub) -> None:
    client = OAuth().register("forge")
    trip = Trip(client)

    assert set(client.create_authorization_url(CALLBACK)) == {"url", "state", "code_verifier"}
    answer = github.authorization_answer(saved(trip), "bob")
    assert trip.end(answer)["access_token"]


def test_request_without_a_session(client: DjangoOAuth2App, op: Op) -> None:
    """A flow in a cookie needs none."""
    trip = Trip(client)
    answer = op.authorization_answer(trip.begin())
    request: HttpRequest = trip.back(answer)
    del request.session

    assert client.authorize_access_token(request)["userinfo"]["sub"]


# Whose flow it is.

MALLORY, VICTIM = User(pk=1, username="mallory"), User(pk=2, username="victim")
NOBODY = AnonymousUser()
by_cookie_or_session = pytest.mark.parametrize("in_session", [False, True], ids=["cookie", "session"])


def begun_by(user: Any, client: DjangoOAuth2App, *, in_session: bool = False) -> tuple[Trip, str]:
    trip = Trip(client)
    trip.user = user
    if not in_session:
        return trip, trip.begin()
    data = client.create_authorization_url(CALLBACK)
    client.save_authorize_data(trip.request("/login"), redirect_uri=CALLBACK, **data)
    return trip, data["url"]


@by_cookie_or_session
@pytest.mark.parametrize("user", [MALLORY, NOBODY], ids=str)
def test_flow_ends_for_the_user_who_began_it(client: DjangoOAuth2App, op: Op, user: Any, in_session: bool) -> None:
    trip, url = begun_by(user, client, in_session=in_session)

    assert trip.end(op.authorization_answer(url))["access_token"]


@by_cookie_or_session
@pytest.mark.parametrize(
    ("begins", "ends"), [(MALLORY, VICTIM), (MALLORY, NOBODY), (NOBODY, VICTIM)], ids=lambda user: str(user)
)
def test_flow_ends_for_nobody_else(client: DjangoOAuth2App, op: Op, begins: Any, ends: Any, in_session: bool) -> None:
    """The victim's page would go on to use the account that somebody else has at the provider."""
    trip, url = begun_by(begins, client, in_session=in_session)
    answer = op.authorization_answer(url)
    op.clear()
    trip.user = ends

    refused(lambda: trip.end(answer), "connect_user_changed", "connect_user_changed")
    trip.user = begins
    refused(lambda: trip.end(answer), "mismatching_state", "state_used")
    assert op.asked() == []


def test_posted_answer_comes_without_the_session(register: Register, op: Op) -> None:
    trip, url = begun_by(MALLORY, register(client_kwargs={"response_mode": "form_post", "scope": "openid"}))
    trip.user = NOBODY

    assert trip.end(op.authorization_answer(url))["access_token"]


def test_posted_answer_that_comes_with_another_users_session(register: Register, op: Op) -> None:
    trip, url = begun_by(MALLORY, register(client_kwargs={"response_mode": "form_post", "scope": "openid"}))
    trip.user = VICTIM

    refused(lambda: trip.end(op.authorization_answer(url)), "connect_user_changed", "connect_user_changed")


@pytest.mark.parametrize(("same_site", "is_withheld"), [("Strict", True), ("strict", True), ("Lax", False)])
def test_strict_session_is_withheld_from_an_answer(
    client: DjangoOAuth2App, op: Op, settings: Settings, same_site: str, is_withheld: bool
) -> None:
    settings.SESSION_COOKIE_SAMESITE = same_site
    trip, url = begun_by(MALLORY, client)
    trip.user = NOBODY

    if is_withheld:
        assert trip.end(op.authorization_answer(url))["access_token"]
    else:
        refused(lambda: trip.end(op.authorization_answer(url)), "connect_user_changed", "connect_user_changed")


def test_site_without_users_begins_and_ends_flows(client: DjangoOAuth2App, op: Op) -> None:
    trip = Trip(client)
    begun = trip.request("/login")
    del begun.user
    url = trip.follow(client.authorize_redirect(begun, CALLBACK))
    ended = trip.request(op.authorization_answer(url).url)
    del ended.user

    assert client.authorize_access_token(ended)["access_token"]
