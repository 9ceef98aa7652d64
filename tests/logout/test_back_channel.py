"""A provider says by a request of its own that somebody has signed out there (Back-Channel Logout 1.0)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connections
from django.test import Client

from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.testing import Answer, GitHubStyleProvider, UnsignedToken
from oidc_login.testing.signing import base64url
from tests.hostile.forging import PUBLIC_FORMS, encrypted, private_jwk, stranger
from tests.hostile.rows import ABSENT, source
from tests.logout.notices import logout_token, notify, post_body, sid_of
from tests.support.browser import Browser
from tests.support.databases import failing
from tests.support.invariant import Witness
from tests.support.served import ALICE, CLIENT_SECRET, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

URL = "/oauth/op/backchannel-logout/"
ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]

Op = RecordingOpenIDProvider
Later = Callable[[float], None]


def signed_in(op: Op, user: str = "alice", key: str = "op") -> tuple[Browser, str]:
    """A browser of somebody who is signed in, and the name of that session at the provider."""
    browser = Browser()
    browser.sign_in(op, key, user=user)
    assert shown(browser) == user
    return browser, sid_of(op)


def shown(browser: Browser) -> str:
    """Who is signed in, as a page of the site says it."""
    return str(browser.get("/").content.decode())


# Whose session ends.


@pytest.fixture(params=[*ENGINES, "db, without the middleware", "cache, without the middleware"])
def engine(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Each session engine with the middleware, and those where most sites could do without."""
    name, _, without = request.param.partition(",")
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    if not without:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionLogout"]
    return str(name)


@source("oidcc-client-test-rp-backchannel-rpinitlogout")
def test_sid_ends_that_session_alone(op: Op, engine: str) -> None:
    one, sid = signed_in(op)
    other, _ = signed_in(op)
    bob, _ = signed_in(op, "bob")

    response = notify(op.logout_token(user="alice", sid=sid))

    assert (response.status_code, response.content) == (200, b"")
    assert [shown(browser) for browser in (one, other, bob)] == ["", "alice", "bob"]


def test_sid_alone_is_enough(op: Op, engine: str) -> None:
    one, sid = signed_in(op)
    other, _ = signed_in(op)

    assert notify(op.logout_token(sid=sid)).status_code == 200
    assert [shown(browser) for browser in (one, other)] == ["", "alice"]


def test_sub_ends_all_sessions_of_the_person_there(op: Op, engine: str) -> None:
    own = [signed_in(op)[0] for _ in range(3)]
    bob, _ = signed_in(op, "bob")

    assert notify(op.logout_token(user="alice")).status_code == 200
    assert [shown(browser) for browser in (*own, bob)] == ["", "", "", "bob"]


def test_sid_of_somebody_else_ends_nothing(op: Op) -> None:
    """Both are named, and they do not belong together."""
    alice, _ = signed_in(op)
    bob, sid = signed_in(op, "bob")

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert [shown(browser) for browser in (alice, bob)] == ["alice", "bob"]


def test_session_whose_sid_was_never_told_ends_with_its_person(op: Op) -> None:
    """A provider that names sessions in logout tokens alone: better signed out than forgotten."""
    with op.bend("id_token", _without("sid")):
        browser, sid = signed_in(op)

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert shown(browser) == ""


@pytest.mark.parametrize("sid", [None, 1, ["a"], {"a": 1}, "", "s" * 256, "a\0b"], ids=repr)
def test_sid_that_cannot_be_kept_is_as_if_it_was_not_told(op: Op, sid: object) -> None:
    with op.bend("id_token", _claims(sid=sid)):
        browser, _ = signed_in(op)
    assert SignedInSession.objects.get().sid == ""

    notify(op.logout_token(user="alice", sid="told now"))

    assert shown(browser) == ""


def test_session_whose_key_cannot_be_read_any_more_ends_by_the_middleware(
    op: Op, with_middleware: None, settings: Settings
) -> None:
    browser, sid = signed_in(op)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["a new secret, and the old one is lost " * 2]

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert shown(browser) == ""


def test_same_person_under_another_issuer_stays_signed_in(op: Op) -> None:
    """A provider may have an issuer for each tenant: a subject is of its issuer (Core 5.7)."""
    browser, sid = signed_in(op)
    SignedInSession.objects.update(issuer=op.issuer + "/another-tenant")

    notify(op.logout_token(user="alice"))
    notify(op.logout_token(sid=sid))

    assert shown(browser) == "alice"


def test_sub_that_differs_by_case_is_somebody_else(op: Op) -> None:
    browser, _ = signed_in(op)

    assert notify(logout_token(op, sub=ALICE.sub.upper())).status_code == 200
    assert notify(logout_token(op, sub=ALICE.sub + " ")).status_code == 200
    assert shown(browser) == "alice"


@pytest.mark.parametrize("claims", [{"sub": "nobody"}, {"sid": "unknown"}, {"sub": ALICE.sub, "sid": "unknown"}])
def test_unknown_session_is_ended_already(op: Op, claims: dict[str, str]) -> None:
    browser, _ = signed_in(op)

    assert notify(logout_token(op, **claims)).status_code == 200
    assert shown(browser) == "alice"


def test_session_that_has_ended_here_is_ended_already(op: Op) -> None:
    """The order of a logout that begins here: the provider's word comes after the local logout."""
    browser, sid = signed_in(op)
    browser.post("/oauth/logout/")

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200


def test_same_person_by_another_provider_stays_signed_in(op: Op, settings: Settings) -> None:
    """A logout is about the sessions of its issuer and client (X-135)."""
    configure(settings, "second", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    one, _ = signed_in(op)
    other = Browser()
    other.sign_in(op, "second")

    notify(op.logout_token(user="alice"))

    assert shown(one) == ""
    assert other.user is not None


def test_password_session_of_the_same_user_stays(op: Op) -> None:
    browser, _ = signed_in(op)
    by_password = Browser()
    by_password.log_in(browser.user)

    notify(op.logout_token(user="alice"))

    assert [shown(browser), shown(by_password)] == ["", "alice"]


def test_next_sign_in_after_a_logout_stands(op: Op, engine: str) -> None:
    _, sid = signed_in(op)
    notify(op.logout_token(user="alice", sid=sid))
    notify(op.logout_token(user="alice"))

    browser, _ = signed_in(op)

    assert shown(browser) == "alice"


def test_answer_is_not_stored_and_sets_no_cookie(op: Op) -> None:
    _, sid = signed_in(op)

    for response in (notify(op.logout_token(user="alice", sid=sid)), notify("garbage"), Client().get(URL)):
        assert "no-store" in response["Cache-Control"]
        assert not response.cookies


# The session's key may have changed since.


def test_session_with_a_new_key_ends_too(op: Op, with_middleware: None) -> None:
    browser, sid = signed_in(op)
    old, session = browser.session_key, browser.session
    session.cycle_key()
    session.save()
    browser.jar["sessionid"].set("sessionid", str(session.session_key), str(session.session_key))
    assert (shown(browser), browser.session_key == old) == ("alice", False)

    notify(op.logout_token(user="alice", sid=sid))

    assert shown(browser) == ""


def test_session_of_a_changed_password_ends_too(op: Op, with_middleware: None) -> None:
    from django.contrib.auth import update_session_auth_hash
    from django.test import RequestFactory

    browser, sid = signed_in(op)
    request = RequestFactory().post("/")
    user = browser.user
    request.session, request.user = browser.session, user
    user.set_password("new")
    user.save()
    update_session_auth_hash(request, user)
    request.session.save()
    browser.jar["sessionid"].set("sessionid", str(request.session.session_key), str(request.session.session_key))
    assert shown(browser) == "alice"

    notify(op.logout_token(user="alice", sid=sid))

    assert shown(browser) == ""


def test_copy_of_a_cookie_session_is_refused_too(op: Op, with_middleware: None, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser, sid = signed_in(op)
    copied = browser.jar["sessionid"].value
    notify(op.logout_token(user="alice", sid=sid))
    assert shown(browser) == ""

    browser.jar["sessionid"] = _cookie(copied)

    assert shown(browser) == ""


def test_older_cookie_of_a_browser_that_signed_in_again_is_refused(
    op: Op, with_middleware: None, settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser, _ = signed_in(op)
    copied = browser.jar["sessionid"].value
    browser.sign_in(op)
    assert shown(browser) == "alice"

    browser.jar["sessionid"] = _cookie(copied)

    assert shown(browser) == ""
    assert SignedInSession.objects.count() == 1


# What is refused: nobody is signed out.


def _without(*names: str) -> Callable[[UnsignedToken], UnsignedToken]:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = {name: value for name, value in token.claims.items() if name not in names}
        return token

    return change


def _claims(**claims: Any) -> Callable[[UnsignedToken], Any]:
    def change(token: UnsignedToken) -> UnsignedToken:
        kept = {name: value for name, value in token.claims.items() if claims.get(name) is not ABSENT}
        token.claims = {**kept, **{name: value for name, value in claims.items() if value is not ABSENT}}
        return token

    return change


def _unsigned(token: UnsignedToken) -> UnsignedToken:
    token.alg, token.header["alg"] = "none", "none"
    return token


def _signed_by_stranger(token: UnsignedToken) -> UnsignedToken:
    token.key = stranger()
    return token


def _mac(key: bytes) -> Callable[[UnsignedToken], UnsignedToken]:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.alg = token.header["alg"] = "HS256"
        token.key = key
        return token

    return change


def _mac_with_public_key(token: UnsignedToken) -> UnsignedToken:
    return _mac(PUBLIC_FORMS["PEM"](token.key.private_key.public_key()))(token)  # type: ignore[union-attr]


REFUSED = [
    pytest.param(_unsigned, id="alg none (…-alg-none)"),
    pytest.param(_signed_by_stranger, id="signed by somebody else"),
    pytest.param(_mac(CLIENT_SECRET.encode()), id="HS256 with the client secret"),
    pytest.param(_mac_with_public_key, id="HS256 with the public key"),
    pytest.param(_claims(iss="http://localhost/INVALID"), id="iss (…-wrong-iss)"),
    pytest.param(_claims(aud="clientINVALID"), id="aud (…-wrong-aud)"),
    pytest.param(_claims(aud=["another"]), id="aud as a list without us"),
    pytest.param(_claims(events=ABSENT), id="no events (…-no-event)"),
    pytest.param(_claims(events={"http://schemas.openid.net/event/foobar": {}}), id="another event (…-wrong-event)"),
    pytest.param(_claims(events={"http://schemas.openid.net/event/backchannel-logout": []}), id="event as a list"),
    pytest.param(_claims(nonce="n"), id="nonce (…-with-nonce)"),
    pytest.param(_claims(jti=ABSENT), id="no jti"),
    pytest.param(_claims(sub=ABSENT, sid=ABSENT), id="neither sub nor sid"),
    pytest.param(_claims(iat=ABSENT), id="no iat"),
    pytest.param(_claims(exp=ABSENT), id="no exp"),
    pytest.param(_claims(exp=1), id="expired"),
    pytest.param(lambda token: token.signed()[:-8], id="signature cut off"),
    pytest.param(lambda token: "garbage", id="garbage"),
    pytest.param(lambda token: "a.b.c.d.e", id="encrypted, or so it says"),
    pytest.param(lambda token: "", id="empty"),
]

MODULES = "oidcc-client-test-rp-backchannel-rpinitlogout"


@source(
    f"{MODULES}-alg-none {MODULES}-wrong-iss {MODULES}-wrong-aud {MODULES}-no-event {MODULES}-wrong-event "
    f"{MODULES}-with-nonce"
)
@pytest.mark.parametrize("change", REFUSED)
def test_bad_token_ends_nothing(op: Op, witness: Witness, change: Callable[[UnsignedToken], Any]) -> None:
    browser, sid = signed_in(op)
    with op.bend("logout_token", change):
        token = op.logout_token(user="alice", sid=sid)

    response = notify(token)

    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})
    assert "no-store" in response["Cache-Control"]
    assert shown(browser) == "alice"
    witness.assert_no_secrets(browser, response)
    assert sid not in witness.caplog.text and str(token or "nothing") not in witness.caplog.text


@source(f"{MODULES}-wrong-alg")
def test_algorithm_that_was_not_agreed_on_ends_nothing(op: Op, settings: Settings) -> None:
    """A good signature by a published key is not enough (2.6, rule 3)."""
    configure(settings, "op", id_token_signing_algs=["RS256"])
    browser, sid = signed_in(op)
    op.signing_alg = "ES256"

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 400
    assert shown(browser) == "alice"
    op.signing_alg = "RS256"
    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "HS256"])
def test_good_token_of_each_algorithm(op: Op, settings: Settings, alg: str) -> None:
    configure(settings, "op", id_token_signing_algs=[alg])
    op.signing_alg = alg
    browser, sid = signed_in(op)

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert shown(browser) == ""


def test_encrypted_token(op: Op, settings: Settings) -> None:
    """As ID tokens are, a logout token may be encrypted to the site (2.4)."""
    configure(settings, "op", client_key=private_jwk())
    browser, sid = signed_in(op)

    assert notify(encrypted(str(op.logout_token(user="alice", sid=sid)))).status_code == 200
    assert shown(browser) == ""


def test_id_token_is_no_logout_token(op: Op) -> None:
    browser, _ = signed_in(op)

    assert notify(op.answered[-1]["id_token"]).status_code == 400
    assert shown(browser) == "alice"


def test_logout_token_of_another_provider(op: Op, settings: Settings) -> None:
    configure(settings, "second", issuer=op.issuer, client_id="another", client_secret=CLIENT_SECRET)
    browser, sid = signed_in(op)

    assert notify(op.logout_token(user="alice", sid=sid), key="second").status_code == 400
    assert shown(browser) == "alice"


def test_unknown_provider_and_one_without_openid_connect(op: Op, github: GitHubStyleProvider) -> None:
    browser, sid = signed_in(op)
    token = op.logout_token(user="alice", sid=sid)

    assert notify(token, key="unknown").status_code == 404
    assert notify(token, key="github").status_code == 400
    assert shown(browser) == "alice"


def test_new_key_of_the_provider_is_fetched(op: Op) -> None:
    browser, sid = signed_in(op)
    op.rotate_keys()

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert shown(browser) == ""


# The request.


def test_other_methods_end_nothing(op: Op) -> None:
    browser, sid = signed_in(op)
    token = op.logout_token(user="alice", sid=sid)

    for method in ("get", "head", "put", "delete", "options"):
        response = getattr(Client(), method)(f"{URL}?{urlencode({'logout_token': token})}")
        assert response.status_code == 405
        assert "no-store" in response["Cache-Control"]
    assert shown(browser) == "alice"


BODIES = [
    pytest.param(lambda token: post_body(""), id="empty"),
    pytest.param(lambda token: post_body("token=x"), id="without logout_token"),
    pytest.param(
        lambda token: post_body(urlencode({"logout_token": token}) + f"&logout_token={token}"), id="logout_token twice"
    ),
    pytest.param(lambda token: post_body(f'{{"logout_token": "{token}"}}', content_type="application/json"), id="JSON"),
    pytest.param(lambda token: Client().post(URL, {"logout_token": token}), id="multipart"),
    pytest.param(lambda token: post_body(f"logout_token={token}", content_type="text/plain"), id="text"),
    pytest.param(
        lambda token: post_body(
            f"logout_token={token}", content_type="application/x-www-form-urlencoded; charset=utf-16"
        ),
        id="another charset",
    ),
    pytest.param(lambda token: post_body(f"logout_token={token}&" + "a&" * 5000), id="thousands of parameters"),
    pytest.param(lambda token: post_body(f"logout_token={token}&" + "a&" * 20), id="too many parameters"),
    pytest.param(lambda token: post_body(f"logout_token={token}&a=" + "%41" * 1001), id="too many escapes"),
    pytest.param(lambda token: post_body(f"logout_token={token}&a=" + "a" * 10**6), id="a megabyte"),
    pytest.param(lambda token: post_body(f"logout_token={token}", CONTENT_LENGTH="-1"), id="a length that is none"),
    pytest.param(lambda token: post_body(f"logout_token={token}", CONTENT_LENGTH="x"), id="a length in letters"),
    pytest.param(lambda token: Client().post(f"{URL}?logout_token={token}"), id="in the query"),
    pytest.param(lambda token: post_body(b"logout_token=\xff\xfe\x00"), id="bytes"),
]


@pytest.mark.parametrize("post", BODIES)
def test_body_that_is_no_form_with_one_token(op: Op, post: Callable[[str], Any]) -> None:
    browser, sid = signed_in(op)

    response = post(str(op.logout_token(user="alice", sid=sid)))

    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})
    assert "no-store" in response["Cache-Control"]
    assert shown(browser) == "alice"


def test_body_that_is_too_long_is_not_read(op: Op) -> None:
    class Unread:
        def read(self, *args: Any) -> bytes:
            raise AssertionError("it was read")

        readline = read

    unread: Any = {"wsgi.input": Unread()}
    response = post_body("", CONTENT_LENGTH=str(2**40), **unread)

    assert response.status_code == 400


def test_parameters_that_nobody_knows_are_ignored(op: Op) -> None:
    """2.5."""
    browser, sid = signed_in(op)

    assert post_body(f"logout_token={op.logout_token(user='alice', sid=sid)}" + "&a=1" * 20).status_code == 200
    assert shown(browser) == ""


def test_no_body_costs_much(op: Op, settings: Settings) -> None:
    """Anybody may post a logout token, so 100 kB of anything are cheap to refuse: 10 ms of CPU, and here some more."""
    configure(settings, "op", client_key=private_jwk())
    nested = base64url(b'{"alg":"RSA-OAEP","enc":"A128GCM","a":[' + b"[]," * 22_000 + b"0]}")
    recipients = [{"encrypted_key": base64url(b"\0" + b"\x55" * 255)}] * 270
    header = base64url(b'{"alg":"RSA-OAEP","enc":"A128GCM" }')
    general = {"protected": header, "recipients": recipients, "iv": "A" * 16, "ciphertext": "AAAA", "tag": "A" * 22}
    bodies = [
        "  {" + f'"{header}.a.b.c.d":0,' + json.dumps(general)[1:],
        f"{nested}.AAAA.AAAA.AAAA.AAAA",
        f"{nested}.AAAA.AAAA",
        f"{header}.{'A' * 95_000}.AAAA.AAAA.AAAA",
        f"{header}.AAAA.AAAA.{'A' * 95_000}.AAAA",
        str(op.logout_token(user="alice"))[:-8] + "A" * 60_000,
    ]
    notify("a.b.c")

    for raw in bodies:
        assert cost_of(lambda raw=raw: notify(raw)) < 0.05  # type: ignore[misc]
    for body in ("&".join(["a=" + "%41" * 30] * 990), "logout_token=" + "%41" * 33_000):
        assert cost_of(lambda body=body: post_body(body)) < 0.05  # type: ignore[misc]


def cost_of(post: Callable[[], Any]) -> float:
    """The CPU seconds of a refused request, the least of three."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        assert post().status_code == 400
        costs.append(time.process_time() - began)
    return min(costs)


# Used once.


def test_token_works_once(op: Op) -> None:
    first, sid = signed_in(op)
    token = op.logout_token(user="alice")
    assert notify(token).status_code == 200
    second, _ = signed_in(op)

    assert notify(token).status_code == 400
    assert [shown(first), shown(second)] == ["", "alice"]


def test_identifier_is_of_its_provider_alone(op: Op, settings: Settings) -> None:
    configure(settings, "second", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)

    assert notify(logout_token(op, sub="x", jti="the same")).status_code == 200
    assert notify(logout_token(op, sub="x", jti="the same"), key="second").status_code == 200
    assert notify(logout_token(op, sub="x", jti="the same")).status_code == 400


def test_forged_token_uses_no_identifier_up(op: Op) -> None:
    browser, _ = signed_in(op)
    with op.bend("logout_token", lambda token: _signed_by_stranger(_claims(jti="guessed")(token))):
        assert notify(op.logout_token(user="alice")).status_code == 400

    assert notify(logout_token(op, sub=ALICE.sub, jti="guessed")).status_code == 200
    assert shown(browser) == ""


def test_use_is_remembered_as_long_as_the_token_is_good(op: Op, later: Later) -> None:
    token = op.logout_token(user="alice")
    notify(token)

    for seconds in (60, 119, 149, 1000):
        later(seconds)
        assert notify(token).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_token_that_comes_many_times_at_once_works_once(op: Op) -> None:
    signed_in(op)
    token, answers = op.logout_token(user="alice"), []
    start = threading.Barrier(8)

    def post() -> None:
        start.wait()
        try:
            answers.append(notify(token).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, *[400] * 7]


def test_cache_that_fails_refuses(op: Op, settings: Settings) -> None:
    browser, sid = signed_in(op)
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.BrokenCache"}}

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 400
    assert shown(browser) == "alice"


@pytest.mark.parametrize("table", ["oidc_login_signedinsession", "django_session", "oidc_login_oauthconnection"])
def test_logout_that_fails_here_may_come_again(op: Op, table: str) -> None:
    """2.8: a failure is told, and the provider may try once more with the same token."""
    op.always_refresh_token = True
    browser, sid = signed_in(op)
    token = op.logout_token(user="alice", sid=sid)
    with failing(table):
        assert notify(token).status_code == 400

    assert notify(token).status_code == 200
    assert (shown(browser), OAuthConnection.objects.get().refresh_token) == ("", "")


# Tokens of the connection (2.7).


def refresh_token() -> str:
    return str(OAuthConnection.objects.get().refresh_token)


def test_refresh_token_of_the_session_is_dropped(op: Op) -> None:
    op.always_refresh_token = True
    _, sid = signed_in(op)
    assert refresh_token()

    notify(op.logout_token(user="alice", sid=sid))

    connection = OAuthConnection.objects.get()
    assert (connection.refresh_token, connection.refresh_token_expires_at, connection.nonce_hash) == ("", None, "")
    assert connection.access_token


def test_refresh_token_for_offline_access_is_kept(op: Op, settings: Settings) -> None:
    configure(settings, "op", scope="openid email profile offline_access")
    _, sid = signed_in(op)
    kept = refresh_token()

    notify(op.logout_token(user="alice", sid=sid))
    notify(op.logout_token(user="alice"))

    assert refresh_token() == kept != ""


def test_refresh_token_of_another_session_is_kept(op: Op) -> None:
    op.always_refresh_token = True
    _, first = signed_in(op)
    signed_in(op)
    kept = refresh_token()

    notify(op.logout_token(user="alice", sid=first))

    assert refresh_token() == kept != ""


def test_session_without_a_refresh_token_drops_none(op: Op) -> None:
    op.always_refresh_token = True
    signed_in(op)
    kept = refresh_token()
    op.always_refresh_token = False
    _, later_sid = signed_in(op)

    notify(op.logout_token(user="alice", sid=later_sid))

    assert refresh_token() == kept != ""


def test_logout_of_a_person_drops_their_refresh_token_whoever_has_it(op: Op) -> None:
    op.always_refresh_token = True
    browser, _ = signed_in(op)
    browser.post("/oauth/logout/")
    bob, _ = signed_in(op, "bob")

    notify(op.logout_token(user="alice"))

    tokens = dict(OAuthConnection.objects.values_list("provider_user_id", "refresh_token"))
    assert tokens.pop(ALICE.sub) == ""
    assert "" not in tokens.values()


def test_refresh_that_is_under_way_brings_nothing_back(op: Op) -> None:
    """The lease is gone with the token that it was for."""
    op.always_refresh_token = True
    _, sid = signed_in(op)
    OAuthConnection.objects.update(refresh_lease="somebody", refresh_lease_until="2999-01-01T00:00:00Z")

    notify(op.logout_token(user="alice", sid=sid))

    connection = OAuthConnection.objects.get()
    assert (connection.refresh_lease, connection.refresh_lease_until) == ("", None)


# A sign-in that is under way.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [("user",), ("sid",), ("user", "sid")], ids=" and ".join)
def test_logout_that_overtakes_a_sign_in_ends_it(op: Op, names: tuple[str, ...], witness: Witness) -> None:
    browser = Browser()
    answer = browser.authorize(op, browser.begin())
    named = {name: value for name, value in (("user", "alice"), ("sid", sid_of(op))) if name in names}

    def sign_out_meanwhile(token: Answer) -> Answer:
        statuses.append(op.logout_notices.post(op.logout_token(**named)))
        return token

    statuses: list[int] = []
    with served_site(op), op.bend("token", sign_out_meanwhile):
        response = browser.end(answer)

    assert statuses == [200]
    assert (response.status_code, witness.errors[-1].code) == (400, "code_refused")
    assert browser.user is None
    assert not SignedInSession.objects.exists()
    assert shown(signed_in(op)[0]) == "alice"


@pytest.mark.django_db(transaction=True)
def test_logout_that_overtakes_a_sign_in_without_a_sid_ends_it(op: Op, witness: Witness) -> None:
    """The provider names sessions in its logout tokens alone."""
    browser = Browser()
    answer = browser.authorize(op, browser.begin())

    def sign_out_meanwhile(token: Answer) -> Answer:
        op.logout_notices.post(op.logout_token(user="alice", sid=sid_of(op)))
        return token

    with served_site(op), op.bend("id_token", _without("sid")), op.bend("token", sign_out_meanwhile):
        response = browser.end(answer)

    assert (response.status_code, witness.errors[-1].code) == (400, "code_refused")
    assert browser.user is None


@contextmanager
def served_site(op: Op) -> Iterator[None]:
    from django.core.handlers.wsgi import WSGIHandler

    from oidc_login.testing import serve

    with serve(WSGIHandler(), host="127.0.0.1") as site:
        op.backchannel_logout_uri = site + URL
        yield
    connections.close_all()


def test_logout_of_before_does_not_end_a_new_sign_in(op: Op, later: Later) -> None:
    """However little later: what counts is when it came here."""
    begun = Browser()
    answer = begun.authorize(op, begun.begin())
    notify(op.logout_token(user="alice"))

    assert begun.end(answer).status_code == 302
    assert shown(begun) == "alice"


# Floods.


def test_flood_of_unknown_keys_causes_one_fetch(op: Op, capsys: pytest.CaptureFixture[str]) -> None:
    browser, sid = signed_in(op)
    tokens = [str(op.logout_token(user="alice", sid=sid)) for _ in range(200)]
    forged = [_renamed(token, f"key-{number}") for number, token in enumerate(tokens)]
    op.clear()

    begun = time.perf_counter()
    assert {notify(token).status_code for token in forged} == {400}
    seconds = time.perf_counter() - begun

    assert op.asked() == ["jwks"]
    assert shown(browser) == "alice"
    with capsys.disabled():
        print(f" [{len(forged)} unknown keys: 1 fetch, {seconds / len(forged) * 1e3:.2f} ms each]", end="")


def _renamed(token: str, kid: str) -> str:
    """The same token under the name of another key."""
    import json
    from base64 import urlsafe_b64decode

    from oidc_login.testing.signing import base64url

    head, _, rest = token.partition(".")
    header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return f"{base64url(json.dumps({**header, 'kid': kid}).encode())}.{rest}"


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
def test_flood_while_the_provider_is_down_does_not_reach_it(
    op: Op, settings: Settings, endpoint: str, later: Later
) -> None:
    """In a process that has just started, and knows no key yet."""
    browser, sid = signed_in(op)
    tokens = [op.logout_token(user="alice", sid=sid) for _ in range(50)]
    cache.clear()
    configure(settings, "op", label=f"a new process: {endpoint}")
    op.clear()
    with op.bend(endpoint, lambda answer: Answer.of_json({}, status=500)):
        assert {notify(token).status_code for token in tokens} == {400}
        assert op.asked().count(endpoint) == 1
    assert shown(browser) == "alice"

    later(6)

    assert notify(op.logout_token(user="alice", sid=sid)).status_code == 200
    assert shown(browser) == ""


def test_refused_token_asks_the_database_nothing(op: Op, django_assert_num_queries: Any) -> None:
    signed_in(op)
    good = op.logout_token(user="alice")
    with op.bend("logout_token", _signed_by_stranger):
        forged = op.logout_token(user="alice")
    notify(good)

    with django_assert_num_queries(0):
        assert notify(forged).status_code == 400
        assert notify(good).status_code == 400


def test_log_tells_the_rule_and_no_value(op: Op, caplog: pytest.LogCaptureFixture) -> None:
    notify(logout_token(op, sub="x", exp=1))
    notify("garbage", key="unknown\nkey")

    records = [record for record in caplog.records if "refused" in record.getMessage()]
    assert [(record.levelname, record.reason, record.provider) for record in records] == [  # type: ignore[attr-defined]
        ("WARNING", "exp", "op"),
        ("WARNING", "", ""),
    ]


def _cookie(value: str) -> Any:
    from http.cookies import SimpleCookie

    return SimpleCookie({"sessionid": value})["sessionid"]


def test_removed_user_leaves_no_row(op: Op) -> None:
    signed_in(op)

    get_user_model().objects.all().delete()

    assert not SignedInSession.objects.exists()
