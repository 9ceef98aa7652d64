"""Sign-in with OAuth 1.0a, over real HTTP with a provider that verifies every signature."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from oidc_login.flow.pending import Flow, unseal_flow
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, AuthorizationAnswer, serve, sign_in
from oidc_login.testing.oauth1_signature import read_request
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.markup import Markup
from tests.support.oauth1 import CLIENT_SECRET, RecordingOAuth1, configure_photos
from tests.support.rsa_key import PRIVATE_KEY
from tests.support.served import ALICE, BOB, RecordingGitHub
from tests.support.signing import ids

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CREDENTIALS = "oauth_token=canary-token&oauth_token_secret=canary-secret"


def begin(
    browser: Browser, provider: RecordingOAuth1, user: str | None = "alice", **options: Any
) -> AuthorizationAnswer:
    return browser.authorize(provider, browser.begin("photos", **options), user)


def sealed_flow(browser: Browser) -> Flow:
    ((name, value),) = browser.flow_cookies.items()
    return unseal_flow(name, value)


# A good sign-in


def test_sign_up_and_sign_in_again(photos: RecordingOAuth1, browser: Browser, witness: Witness) -> None:
    response = browser.sign_in(photos, "photos", next="/next/")

    assert (response.status_code, response["Location"]) == (302, "/next/")
    assert photos.asked() == ["request_token", "access_token", "resource"]
    assert (browser.user.username, browser.user.email) == ("alice", "")
    connection = OAuthConnection.objects.get()
    assert connection.provider_user_id == str(ALICE.numeric_id)
    assert (connection.issuer, connection.link_reason, connection.status) == (photos.base_url, "signed_up", "ok")
    witness.assert_no_secrets(browser, response)

    again = Browser()
    assert again.sign_in(photos, "photos").status_code == 302
    assert again.user == browser.user
    assert OAuthConnection.objects.count() == 1


def test_token_and_secret_are_stored_encrypted_and_nothing_else_is_kept(
    photos: RecordingOAuth1, browser: Browser
) -> None:
    browser.sign_in(photos, "photos")

    connection = OAuthConnection.objects.get()
    ((token, credentials),) = photos.access_tokens.items()
    stored = OAuthConnection.objects.values_list("access_token", flat=True).get()
    assert dict(parse_qsl(connection.access_token)) == {"oauth_token": token, "oauth_token_secret": credentials.secret}
    assert token not in stored and credentials.secret not in stored
    assert (connection.refresh_token, connection.access_token_expires_at) == ("", None)
    assert not browser.flow_cookies
    for name, value in browser.session.items():
        assert not [secret for secret in photos.secrets() if len(secret) > 5 and secret in f"{name}{value}"]


def test_renamed_account_is_the_same_person(photos: RecordingOAuth1, browser: Browser) -> None:
    browser.sign_in(photos, "photos")
    number = ALICE.numeric_id
    photos.users.change("alice", preferred_username="renamed", github_id=number)
    photos.users.change("bob", preferred_username="alice")
    renamed, other = Browser(), Browser()

    renamed.sign_in(photos, "photos", user="renamed")
    other.sign_in(photos, "photos", user="alice")

    assert renamed.user == browser.user != other.user


def test_person_named_by_the_access_token(photos: RecordingOAuth1, settings: Settings, browser: Browser) -> None:
    configure_photos(settings, photos, **{"class": "tests.support.oauth1.NamedByTokenProvider"})
    photos.token_extras = lambda person: {"user_id": str(person.numeric_id), "screen_name": person.username}

    browser.sign_in(photos, "photos")

    assert photos.asked() == ["request_token", "access_token"]
    assert OAuthConnection.objects.get().provider_user_id == str(ALICE.numeric_id)
    assert browser.user.username == "alice"


@pytest.mark.parametrize(
    ("method", "place"),
    [
        *itertools.product(["HMAC-SHA1", "RSA-SHA1"], ["HEADER", "QUERY", "BODY"]),
        *itertools.product(["PLAINTEXT"], ["HEADER", "BODY"]),
    ],
)
def test_every_way_to_sign(
    photos: RecordingOAuth1, settings: Settings, browser: Browser, witness: Witness, method: str, place: str
) -> None:
    key = {"client_key": PRIVATE_KEY, "client_secret": ""} if method == "RSA-SHA1" else {}
    if method == "RSA-SHA1":
        photos.client_secret = ""
    configure_photos(settings, photos, signature_method=method, signature_type=place, realm="Photos", **key)
    photos.signature_methods = [method]

    response = browser.sign_in(photos, "photos")

    assert response.status_code == 302 and browser.user is not None
    places = [read_request(request, photos.base_url).place for request in photos.requests]
    assert places == [place, place, "HEADER" if place == "BODY" else place]
    witness.assert_no_secrets(browser, response)


def test_connect(photos: RecordingOAuth1, browser: Browser) -> None:
    user = get_user_model().objects.create_user("somebody")
    browser.log_in(user)

    response = browser.connect(photos, "photos")

    connection = OAuthConnection.objects.get()
    assert (response.status_code, connection.user, connection.link_reason) == (302, user, "connected")


def test_connect_of_somebody_elses_identity(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(photos, "photos")
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = begin(browser, photos, view="connect")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_taken")


def test_address_that_nobody_vouches_for_links_nothing(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    get_user_model().objects.create_user("existing", "victim@example.org")
    profile = {"id": 7, "screen_name": "x", "name": "x", "email": "victim@example.org", "email_verified": True}
    photos.resources = {"/user": lambda person, request: profile}
    answer = begin(browser, photos)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "email_not_verified")


def test_sign_in_of_the_testing_package(photos: RecordingOAuth1, client: Client) -> None:
    assert sign_in(client, photos, "photos", user="bob")["Location"] == "/"
    assert OAuthConnection.objects.get().provider_user_id == str(BOB.numeric_id)


# What is sent, and where


def test_browser_is_sent_away_with_the_request_token_alone(photos: RecordingOAuth1, browser: Browser) -> None:
    location = urlsplit(browser.begin("photos")["Location"])

    ((token, _),) = photos.request_tokens.items()
    assert location._replace(query="").geturl() == photos.authorization_endpoint
    assert parse_qsl(location.query) == [("oauth_token", token)]


def test_callback_has_the_state_of_the_flow(photos: RecordingOAuth1, browser: Browser) -> None:
    browser.begin("photos")

    asked = read_request(photos.requests[0], photos.base_url)
    flow = sealed_flow(browser)
    assert asked["oauth_callback"] == f"http://testserver/oauth/photos/callback/?state={flow.state}"
    assert asked["oauth_token"] == ""
    assert asked.others == [("access", "read only")], "a parameter of the class's own"


def test_secret_of_the_request_token_is_sealed(photos: RecordingOAuth1, browser: Browser) -> None:
    begun = browser.begin("photos")

    ((token, credentials),) = photos.request_tokens.items()
    assert sealed_flow(browser).private == {"oauth_token": token, "oauth_token_secret": credentials.secret}
    assert token not in repr(sealed_flow(browser)) and credentials.secret not in repr(sealed_flow(browser))
    assert credentials.secret not in f"{begun.headers}{browser.flow_cookies}"
    assert browser.session_key is None


@pytest.mark.parametrize("next_url", ["/" + "a" * 999, "/" + "é" * 499])
def test_longest_request_token_fits_into_the_cookie(photos: RecordingOAuth1, browser: Browser, next_url: str) -> None:
    """A browser drops a cookie of more than 4 kB, and the flow with it."""
    longest = f"oauth_token={'t' * 512}&oauth_token_secret={'s' * 512}&oauth_callback_confirmed=true"

    with photos.bend("request_token", form(longest)):
        browser.begin("photos", next=next_url)

    ((name, value),) = browser.flow_cookies.items()
    assert len(name) + len(value) <= 4096
    assert sealed_flow(browser).next == next_url


def test_access_token_is_asked_for_with_both_halves(photos: RecordingOAuth1, browser: Browser) -> None:
    answer = begin(browser, photos)
    ((token, credentials),) = photos.request_tokens.items()
    browser.end(answer)

    asked = read_request(photos.requests[1], photos.base_url)
    assert (asked["oauth_token"], asked["oauth_verifier"], asked["oauth_callback"]) == (token, credentials.verifier, "")
    asked.check_signature(client_secret=CLIENT_SECRET, token_secret=credentials.secret, public_key="")


def test_each_request_has_its_own_nonce(photos: RecordingOAuth1) -> None:
    for _ in range(3):
        Browser().sign_in(photos, "photos")

    nonces = [read_request(request, photos.base_url)["oauth_nonce"] for request in photos.requests]
    assert len(set(nonces)) == len(nonces) == 9


def test_tabs_do_not_meet(photos: RecordingOAuth1, browser: Browser) -> None:
    first = browser.authorize(photos, browser.begin("photos", next="/first/"))
    second = browser.authorize(photos, browser.begin("photos", next="/second/"))

    assert [browser.end(answer)["Location"] for answer in (second, first)] == ["/second/", "/first/"]


def test_strict_session_bounces_a_connect_once(photos: RecordingOAuth1, settings: Settings, browser: Browser) -> None:
    """The parameters of OAuth 1.0 have to come along."""
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    user = get_user_model().objects.create_user("somebody")
    browser.log_in(user)

    first = browser.connect(photos, "photos")
    second = browser.get(Markup(first.content.decode()).links["Continue"])

    assert (first.status_code, second.status_code) == (200, 200)
    assert OAuthConnection.objects.get().user == user


def test_strict_session_and_a_provider_that_is_gone(
    photos: RecordingOAuth1, settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = begin(browser, photos, view="connect")
    settings.OIDC_LOGIN_PROVIDERS = {}
    first = browser.end(answer)

    with assert_nothing_changed(browser) as failure:
        browser.named = [answer["state"]]
        failure.response = browser.get(Markup(first.content.decode()).links["Continue"])

    assert failure.seen == (404, "provider_unknown")


# The person says no


@pytest.mark.parametrize(
    "pair", [("denied", "the request token"), ("oauth_problem", "user_refused"), ("oauth_problem", "permission_denied")]
)
def test_cancelled(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged, pair: tuple[str, str]
) -> None:
    photos.bend("authorize", lambda good: good.without("denied").and_also(*pair))
    answer = begin(browser, photos, None, next="/next/")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (302, "cancelled")
    assert failure.response["Location"] == "/oauth/?next=%2Fnext%2F"
    assert photos.asked() == ["request_token"]


def test_cancelled_connect(photos: RecordingOAuth1, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.connect(photos, "photos", user=None)["Location"] == "/oauth/connections/"


# Answers of the browser that are not good


ANSWERS: list[tuple[str, Callable[[AuthorizationAnswer], AuthorizationAnswer], tuple[int, str]]] = [
    ("forged token", lambda good: good.with_(oauth_token="forged"), (400, "parameter_invalid")),
    ("no token", lambda good: good.without("oauth_token"), (400, "parameter_invalid")),
    ("empty token", lambda good: good.with_(oauth_token=""), (400, "parameter_invalid")),
    ("token twice", lambda good: good.and_also("oauth_token", good["oauth_token"]), (400, "parameter_invalid")),
    ("no verifier", lambda good: good.without("oauth_verifier"), (400, "parameter_invalid")),
    ("verifier twice", lambda good: good.and_also("oauth_verifier", "x"), (400, "parameter_invalid")),
    ("verifier and refusal", lambda good: good.and_also("denied", "x"), (400, "parameter_invalid")),
    ("verifier with a line", lambda good: good.with_(oauth_verifier="a\nb"), (400, "parameter_invalid")),
    ("oversized", lambda good: good.with_(oauth_verifier="v" * 8193), (400, "parameter_invalid")),
    ("a code instead", lambda good: good.without("oauth_verifier").and_also("code", "x"), (400, "parameter_invalid")),
    ("a problem", lambda good: good.without("oauth_verifier").and_also("oauth_problem", "x"), (400, "provider_error")),
    ("forged verifier", lambda good: good.with_(oauth_verifier="forged"), (400, "code_refused")),
]


@pytest.mark.parametrize(("change", "seen"), [row[1:] for row in ANSWERS], ids=ids(ANSWERS))
def test_bad_answer(
    photos: RecordingOAuth1,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    change: Callable[[AuthorizationAnswer], AuthorizationAnswer],
    seen: tuple[int, str],
) -> None:
    answer = begin(browser, photos)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(change(answer))

    assert failure.seen == seen
    assert photos.asked().count("access_token") == (1 if seen[1] == "code_refused" else 0)


@pytest.mark.parametrize("state", [None, "", "forged"])
def test_answer_without_our_state(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged, state: str | None
) -> None:
    """The older protocol had none: whoever knew a request token could finish the sign-in of another (RFC 5849 4.13)."""
    answer = begin(browser, photos)
    changed = answer.without("state") if state is None else answer.with_(state=state)

    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.end(changed)

    assert failure.seen == (400, "state_unknown" if state else "state_missing")
    assert photos.asked() == ["request_token"]


def test_request_token_of_another_flow(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    """An attacker's own approval, brought to the victim's flow: it would sign the victim in as the attacker."""
    theirs = begin(Browser(), photos, "bob")
    answer = begin(browser, photos)
    mixed = answer.with_(oauth_token=theirs["oauth_token"], oauth_verifier=theirs["oauth_verifier"])

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(mixed)

    assert failure.seen == (400, "parameter_invalid")
    assert "access_token" not in photos.asked()


def test_whole_answer_of_another_browser(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    theirs = begin(Browser(), photos, "bob")

    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.end(theirs)

    assert failure.seen == (400, "state_unknown")


def test_replayed_answer(photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged) -> None:
    answer = begin(browser, photos)
    kept = dict(browser.jar)
    browser.end(answer)
    thief = Browser()
    thief.jar = {name: morsel for name, morsel in kept.items() if "flow" in name}
    photos.clear()

    with assert_nothing_changed(thief) as failure:
        failure.response = thief.end(answer)

    assert failure.seen == (400, "state_used")
    assert photos.asked() == []


def test_answer_that_comes_too_late(
    photos: RecordingOAuth1, browser: Browser, assert_nothing_changed: NothingChanged, later: Callable[[float], None]
) -> None:
    answer = begin(browser, photos)
    later(601)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "state_expired")


def test_answer_at_the_callback_of_another_provider(
    photos: RecordingOAuth1, github: RecordingGitHub, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = begin(browser, photos)
    answer.redirect_uri = answer.redirect_uri.replace("photos", "github")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "provider_mismatch")
    assert "access_token" not in photos.asked() and github.asked() == []


def test_answer_of_another_provider_at_our_callback(
    photos: RecordingOAuth1, github: RecordingGitHub, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(github, browser.begin("github"))
    answer.redirect_uri = answer.redirect_uri.replace("github", "photos")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "provider_mismatch")
    assert photos.asked() == github.asked() == []


def test_flow_that_began_before_the_provider_spoke_oauth_1(
    photos: RecordingOAuth1,
    github: RecordingGitHub,
    settings: Settings,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
) -> None:
    """Such a flow has no request token to compare with; the answer names none."""
    answer = browser.authorize(github, browser.begin("github"))
    configure_photos(settings, photos, "github")
    settings.OIDC_LOGIN_PROVIDERS["github"].pop("base_url")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer.with_(oauth_verifier="v", oauth_token=""))

    assert failure.seen == (400, "parameter_invalid")
    assert photos.asked() == []


# Answers of the provider that are not good


def form(body: str, status: int = 200) -> Callable[[Answer], Answer]:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return lambda good: Answer(status=status, headers=headers, body=body.encode())


AT_BEGIN: list[tuple[str, Callable[[Answer], Answer], tuple[int, str]]] = [
    ("callback not confirmed", form(CREDENTIALS), (502, "token_response_invalid")),
    ("callback refused", form(f"{CREDENTIALS}&oauth_callback_confirmed=false"), (502, "token_response_invalid")),
    ("no secret", form("oauth_token=canary&oauth_callback_confirmed=true"), (502, "token_response_invalid")),
    (
        "token too long",
        form(f"{CREDENTIALS}{'x' * 600}&oauth_callback_confirmed=true"),
        (502, "token_response_invalid"),
    ),
    ("a page", form("<html>canary</html>"), (502, "token_response_invalid")),
    ("nothing", form(""), (502, "token_response_invalid")),
    (
        "too large",
        form(f"{CREDENTIALS}&oauth_callback_confirmed=true&x={'x' * 20_000}"),
        (502, "token_response_invalid"),
    ),
    ("client unknown", form("oauth_problem=consumer_key_unknown", 401), (502, "client_refused")),
    ("callback not registered", form("<error>canary</error>", 403), (502, "client_refused")),
    ("bad request", form("oauth_problem=parameter_absent", 400), (502, "client_refused")),
    ("not found", form("canary", 404), (502, "token_response_invalid")),
    ("redirect", lambda good: Answer.redirect("http://localhost:1/canary"), (502, "token_response_invalid")),
    ("broken", form("canary", 500), (503, "provider_unavailable")),
    ("busy", form("canary", 429), (503, "provider_unavailable")),
]


@pytest.mark.parametrize(("change", "seen"), [row[1:] for row in AT_BEGIN], ids=ids(AT_BEGIN))
@pytest.mark.parametrize("view", ["login", "connect"])
def test_request_token_that_is_not_given(
    photos: RecordingOAuth1,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    change: Callable[[Answer], Answer],
    seen: tuple[int, str],
    view: str,
) -> None:
    if view == "connect":
        browser.log_in(get_user_model().objects.create_user("somebody"))

    with photos.bend("request_token", change), assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("photos", view=view)

    assert failure.seen == seen
    assert (failure.status == 503) is ("Retry-After" in failure.response)
    assert not browser.flow_cookies
    assert "Location" not in failure.response
    assert photos.asked() == ["request_token"]


AT_END: list[tuple[str, str, Callable[[Answer], Answer], tuple[int, str]]] = [
    ("verifier refused", "access_token", form("oauth_problem=verifier_invalid", 401), (400, "code_refused")),
    ("token expired", "access_token", form("canary", 400), (400, "code_refused")),
    ("forbidden", "access_token", form("canary", 403), (400, "code_refused")),
    ("no token", "access_token", form("user_id=canary"), (502, "token_response_invalid")),
    ("no secret", "access_token", form("oauth_token=canary"), (502, "token_response_invalid")),
    ("token twice", "access_token", form(f"oauth_token=canary&{CREDENTIALS}"), (502, "token_response_invalid")),
    ("JSON", "access_token", lambda good: Answer.of_json({"oauth_token": "canary"}), (502, "token_response_invalid")),
    ("an error inside 200", "access_token", form("oauth_problem=x&canary=1"), (502, "token_response_invalid")),
    ("redirect", "access_token", lambda good: Answer.redirect("http://localhost:1/"), (502, "token_response_invalid")),
    ("token endpoint broken", "access_token", form("canary", 502), (503, "provider_unavailable")),
    ("another token's secret", "access_token", lambda good: wrong_secret(good), (502, "userinfo_invalid")),
    ("not signed well", "resource", lambda good: Answer(status=401, body=b"canary"), (502, "userinfo_invalid")),
    ("no JSON", "resource", lambda good: Answer(status=200, body=b"canary"), (502, "userinfo_invalid")),
    ("no object", "resource", lambda good: Answer.of_json(["canary"]), (502, "token_response_invalid")),
    ("nobody", "resource", lambda good: Answer.of_json({**good.json, "id": ""}), (502, "userinfo_invalid")),
    ("API broken", "resource", lambda good: Answer(status=500, body=b"canary"), (503, "provider_unavailable")),
]


def wrong_secret(good: Answer) -> Answer:
    good.json = {**good.json, "oauth_token_secret": "canary"}
    return good


@pytest.mark.parametrize(("endpoint", "change", "seen"), [row[1:] for row in AT_END], ids=ids(AT_END))
def test_answer_of_the_provider_that_is_not_good(
    photos: RecordingOAuth1,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    endpoint: str,
    change: Callable[[Answer], Answer],
    seen: tuple[int, str],
) -> None:
    answer = begin(browser, photos)

    with photos.bend(endpoint, change), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == seen
    assert (failure.status == 503) is ("Retry-After" in failure.response)
    assert photos.asked().count("access_token") == 1


def test_wrong_client_secret_is_refused(
    photos: RecordingOAuth1, settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    configure_photos(settings, photos, client_secret="another secret than the provider's")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("photos")

    assert failure.seen == (502, "client_refused")
    assert photos.asked() == ["request_token"]


def test_next_secret_of_a_rotation(photos: RecordingOAuth1, settings: Settings, browser: Browser) -> None:
    configure_photos(settings, photos, client_secret=["the new one, not in force yet", CLIENT_SECRET])

    browser.sign_in(photos, "photos")

    assert browser.user is not None
    assert photos.asked() == ["request_token", "request_token", "access_token", "resource"]


def test_secret_that_changes_between_the_steps(photos: RecordingOAuth1, settings: Settings, browser: Browser) -> None:
    """Nothing is exchanged by a request that the provider refuses."""
    configure_photos(settings, photos, client_secret=[CLIENT_SECRET, "the next one"])
    answer = begin(browser, photos)
    photos.client_secret = "the next one"

    browser.end(answer)

    assert browser.user is not None
    assert photos.asked() == ["request_token", "access_token", "access_token", "resource"]


@pytest.mark.parametrize("endpoint", ["request_token", "access_token", "resource"])
def test_slow_answer_is_given_up(
    photos: RecordingOAuth1,
    settings: Settings,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    endpoint: str,
) -> None:
    configure_photos(settings, photos, timeout=0.2)
    answer = begin(browser, photos) if endpoint != "request_token" else None

    def slowly(good: Answer) -> Answer:
        good.delay = 0.6
        return good

    with photos.bend(endpoint, slowly), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer) if answer else browser.begin("photos")

    assert failure.seen == (503, "provider_unavailable")


def test_provider_that_is_not_there(
    settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    gone = RecordingOAuth1()
    with serve(gone):
        configure_photos(settings, gone)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("photos")

    assert failure.seen == (503, "provider_unavailable")


def test_breaker_lets_nobody_wait_for_a_provider_that_is_down(
    settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    gone = RecordingOAuth1()
    with serve(gone):
        configure_photos(settings, gone)
    for _ in range(5):
        Browser().begin("photos")
    browser = Browser()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("photos")

    assert failure.errors[0].reason == "circuit_open"


def test_endpoint_in_clear_is_not_asked(
    photos: RecordingOAuth1, settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    """PLAINTEXT would send the client's secret to whoever listens."""
    configure_photos(settings, photos, site="http://photos.example", signature_method="PLAINTEXT")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("photos")

    assert failure.seen == (502, "metadata_invalid")


def test_redirect_of_the_token_request_is_not_followed(photos: RecordingOAuth1, browser: Browser) -> None:
    other = RecordingOAuth1()
    with serve(other):
        photos.bend(
            "request_token", lambda good: Answer(status=307, headers={"Location": other.request_token_endpoint})
        )
        browser.begin("photos")

    assert other.requests == []
