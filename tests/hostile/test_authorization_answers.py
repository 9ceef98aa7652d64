"""The authorization response, by query and by form_post (RFC 6749 4.1.2, RFC 9207, Form Post Response Mode 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.testing import AuthorizationAnswer
from tests.hostile.rows import (
    BAD_ANSWER,
    UNAVAILABLE,
    Bends,
    Row,
    Seen,
    accepted,
    json_of,
    refused,
    response,
    source,
)
from tests.hostile.stage import Stage, landed, signed_in_browser
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ISS: Seen = (400, "iss_mismatch")
PROVIDER: Seen = (400, "provider_error")
CANCELLED: Seen = (302, "cancelled")
MISSING: Seen = (400, "state_missing")
UNKNOWN: Seen = (400, "state_unknown")

MODES = {"query": None, "form_post": "form_post"}
BASIC = "fapi2-security-profile-final-client-test-"


def without_flow(name: str, text: str, bends: Bends, seen: Seen) -> Row:
    return refused(name, text, bends, seen, uses_flow=False)


def error(code: str, **more: str) -> Bends:
    described = {
        "error_description": "<script>canary</script>\u202e" + "x" * 3000,
        "error_uri": "https://evil.example/canary",
    }
    return response(lambda answer: answer.without("code").with_(error=code, **described, **more))


NOT_PROMISED = json_of("discovery", authorization_response_iss_parameter_supported=False)

STATES = [
    without_flow(
        "state longer by a character",
        f"RFC 6749 10.12; {BASIC}ensure-authorization-response-with-invalid-state-fails",
        response(lambda a: a.with_(state=a["state"] + "1")),
        UNKNOWN,
    ),
    without_flow(
        "state missing",
        f"RFC 6749 10.12; {BASIC}ensure-authorization-response-with-invalid-missing-state-fails",
        response(lambda a: a.without("state")),
        MISSING,
    ),
    without_flow("state empty", "RFC 6749 10.12", response(lambda a: a.with_(state="")), MISSING),
    without_flow("last character changed", "RFC 6749 10.12", response(lambda a: a.with_(state=_tampered(a))), UNKNOWN),
    without_flow("state of NUL", "RFC 6749 A.5", response(lambda a: a.with_(state="\0")), UNKNOWN),
    without_flow(
        "state with NUL at its end", "RFC 6749 A.5", response(lambda a: a.with_(state=a["state"] + "\0")), UNKNOWN
    ),
    without_flow("state not ASCII", "RFC 6749 A.5", response(lambda a: a.with_(state="é" * 43)), UNKNOWN),
    without_flow("state of 9 kB", "RFC 6749 A.5", response(lambda a: a.with_(state="s" * 9000)), UNKNOWN),
    without_flow(
        "state twice, the wrong one first", "RFC 6749 3.1", response(lambda a: _first(a, "state", "x")), BAD_ANSWER
    ),
    without_flow(
        "state twice, the wrong one last", "RFC 6749 3.1", response(lambda a: a.and_also("state", "x")), BAD_ANSWER
    ),
    without_flow("nothing at all", "RFC 6749 4.1.2", response(lambda a: a.without("state", "code", "iss")), MISSING),
    without_flow(
        "an error of nobody", "Core 3.1.2.6", response(lambda a: a.without("state", "code").with_(error="x")), MISSING
    ),
]

ANSWERS = [
    refused("code twice", "RFC 6749 3.1", response(lambda a: a.and_also("code", a["code"])), BAD_ANSWER),
    refused("two codes", "RFC 6749 3.1", response(lambda a: _first(a, "code", "x")), BAD_ANSWER),
    refused("iss twice", "RFC 6749 3.1", response(lambda a: a.and_also("iss", a["iss"])), BAD_ANSWER),
    refused("code and error", "RFC 6749 4.1.2", response(lambda a: a.with_(error="access_denied")), BAD_ANSWER),
    refused("neither code nor error", "RFC 6749 4.1.2", response(lambda a: a.without("code")), BAD_ANSWER),
    refused("code empty", "RFC 6749 4.1.2", response(lambda a: a.with_(code="")), BAD_ANSWER),
    refused("code of 100 kB", "RFC 6749 A.11", response(lambda a: a.with_(code="c" * 9000)), BAD_ANSWER),
    refused("code with NUL", "RFC 6749 A.11", response(lambda a: a.with_(code=a["code"] + "\0")), BAD_ANSWER),
    refused("code with line breaks", "RFC 6749 A.11", response(lambda a: a.with_(code="a\r\nb")), BAD_ANSWER),
    refused("code not ASCII", "RFC 6749 A.11", response(lambda a: a.with_(code="é")), BAD_ANSWER),
    refused(
        "an implicit answer",
        "RFC 9700 2.1.2",
        response(lambda a: a.without("code").with_(access_token="x", id_token="y", token_type="Bearer")),
        BAD_ANSWER,
    ),
    refused(
        "a JWT answer that nobody asked for",
        "JARM 2.3",
        response(lambda a: a.without("code").with_(response="e.e.e")),
        BAD_ANSWER,
    ),
    refused("the code of nobody", "RFC 6749 4.1.2", response(lambda a: a.with_(code="guessed")), (400, "code_refused")),
]

ISSUERS = [
    refused(
        "iss of another provider",
        f"RFC 9207 2.4; {BASIC}invalid-authorization-response-iss",
        response(lambda a: a.with_(iss="https://evil.example")),
        ISS,
    ),
    refused(
        "iss missing where it is promised",
        f"RFC 9207 2.4; {BASIC}remove-authorization-response-iss",
        response(lambda a: a.without("iss")),
        ISS,
    ),
    refused("iss empty", "RFC 9207 2.4", response(lambda a: a.with_(iss="")), ISS),
    refused("iss with a slash", "RFC 9207 2.4", response(lambda a: a.with_(iss=a["iss"] + "/")), ISS),
    refused("iss in capitals", "RFC 9207 2.4", response(lambda a: a.with_(iss=a["iss"].upper())), ISS),
    refused(
        "iss of another provider where none is promised",
        "RFC 9207 2.4",
        {**NOT_PROMISED, **response(lambda a: a.with_(iss="https://evil.example"))},
        ISS,
    ),
    refused("an error of another provider", "RFC 9207 2.4", error("access_denied", iss="https://evil.example"), ISS),
    refused(
        "an error without the promised iss",
        "RFC 9207 2.4",
        response(lambda a: a.without("code", "iss").with_(error="access_denied")),
        ISS,
    ),
]

ERRORS = [
    *(
        refused(code, "RFC 6749 4.1.2.1, Core 3.1.2.6", error(code), CANCELLED)
        for code in ("access_denied", "interaction_required", "consent_required")
    ),
    refused("login_required", "Core 3.1.2.6; oidcc-client-test-form-post-error", error("login_required"), CANCELLED),
    *(
        refused(code, "RFC 6749 4.1.2.1", error(code), UNAVAILABLE)
        for code in ("temporarily_unavailable", "server_error")
    ),
    *(
        refused(code, "RFC 6749 4.1.2.1", error(code), PROVIDER)
        for code in (
            "invalid_request",
            "unauthorized_client",
            "invalid_scope",
            "unsupported_response_type",
            "something_new",
        )
    ),
    refused("an error with markup", "CWE-79", error("<script>alert(1)</script>"), PROVIDER),
    refused("an error with a line break", "CWE-117", error("x\nERROR forged"), PROVIDER),
    refused("an error in another script", "CWE-117", error("\u202eerror"), PROVIDER),
]


def _tampered(answer: AuthorizationAnswer) -> str:
    state = answer["state"]
    return state[:-1] + ("A" if state[-1] != "A" else "B")


def _first(answer: AuthorizationAnswer, name: str, value: str) -> AuthorizationAnswer:
    doubled = answer.and_also("", "")
    doubled.parameters = [(name, value), *answer.parameters]
    return doubled


def by_mode(rows: list[Row], *by_form_post: str) -> list[Any]:
    """Each row by query, and those that are named by form_post too: what was posted is judged by the same functions."""
    ways = [(row, mode) for row in rows for mode in MODES if mode == "query" or row.name in by_form_post]
    return [pytest.param(row, mode, id=f"{row}-{mode}") for row, mode in ways]


BAD = by_mode(
    [*STATES, *ANSWERS, *ISSUERS, *ERRORS],
    "state longer by a character",
    "state missing",
    "state twice, the wrong one first",
    "code and error",
    "code not ASCII",
    "the code of nobody",
    "iss of another provider",
    "iss missing where it is promised",
    "login_required",
    "server_error",
    "an error with markup",
)


@pytest.mark.parametrize(("row", "mode"), BAD)
def test_bad_authorization_answer(stage: Stage, row: Row, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    stage.configure(response_mode=MODES[mode])
    stage.keep_configuration()
    stage.refuse(row)
    assert "forged" not in caplog.text and "evil" not in caplog.text


GOOD = [
    accepted("iss promised and right", "RFC 9207 2.4"),
    accepted(
        "iss neither promised nor there", "RFC 9207 2.4", {**NOT_PROMISED, **response(lambda a: a.without("iss"))}
    ),
    accepted("iss not promised, and right", "RFC 9207 2.4", NOT_PROMISED),
    accepted(
        "parameters that nobody knows",
        "RFC 6749 4.1.2",
        response(lambda a: a.with_(session_state="x", scope="openid", authuser="0", hd="x", prompt="none")),
    ),
    accepted("unknown parameters twice", "RFC 6749 3.1", response(lambda a: a.and_also("x", "1").and_also("x", "2"))),
    accepted("a fragment's names beside the code", "RFC 9700 2.1.2", response(lambda a: a.with_(id_token="x"))),
]


@pytest.mark.parametrize(("row", "mode"), by_mode(GOOD, "iss promised and right", "unknown parameters twice"))
def test_good_authorization_answer(stage: Stage, row: Row, mode: str) -> None:
    stage.configure(response_mode=MODES[mode])
    stage.accept(row)


# By form_post over https, where the flow's cookie comes with the post and the session's does not.


@source("Form Post Response Mode 1.0, RFC 6265bis 5.6.7")
@pytest.mark.parametrize("https", [True, False])
def test_form_post_needs_one_bounce_at_most(stage: Stage, https: bool) -> None:
    stage.configure(response_mode="form_post")
    browser = Browser(https=https)
    answer = browser.authorize(stage.op, browser.begin(next="/next/"))

    posted = browser.end(answer)
    ended = landed(browser, posted)

    assert (posted.status_code, ended.status_code, ended["Location"]) == (303, 302, "/next/")
    assert answer["code"] not in posted["Location"] and answer["state"] not in posted["Location"]
    assert "no-store" in posted["Cache-Control"]
    assert browser.user is not None


@source("Form Post Response Mode 1.0; RFC 6749 10.12")
def test_form_post_in_a_browser_that_began_nothing(stage: Stage) -> None:
    stage.configure(response_mode="form_post")
    attacker, victim = Browser(https=True), Browser(https=True)
    victim.log_in(get_user_model().objects.create_user("victim"))
    answer = attacker.authorize(stage.op, attacker.begin())
    stage.op.clear()

    with stage.witness.nothing_changed(victim, uses_flow=False) as failure:
        failure.response = landed(victim, victim.end(answer))

    assert failure.seen == UNKNOWN
    assert stage.op.asked() == []


@source("Form Post Response Mode 1.0")
@pytest.mark.parametrize(
    "data", [{}, {"code": "c"}, {"error": "access_denied"}, {"state": ""}, {"state": "x", "code": "c"}]
)
def test_cross_site_post_leaves_the_session_alone(stage: Stage, data: dict[str, str]) -> None:
    """It arrives without the session's cookie: a new one set in the answer would sign the person out."""
    stage.configure(response_mode="form_post")
    browser = signed_in_browser()
    with stage.witness.nothing_changed(browser, uses_flow=False) as failure:
        posted = browser.request("POST", "/oauth/op/callback/", data, cross_site=True, headers={"origin": "null"})
        assert "sessionid" not in posted.cookies and "csrftoken" not in posted.cookies
        failure.response = landed(browser, posted)
    assert failure.status == 400
    assert browser.user.username == "somebody"


@source("Form Post Response Mode 1.0")
def test_post_where_the_provider_answers_by_query(stage: Stage) -> None:
    response = Browser().request("POST", "/oauth/op/callback/", {"state": "x", "code": "c"}, cross_site=True)
    assert response.status_code == 405


@source("Form Post Response Mode 1.0")
@pytest.mark.parametrize("answer", ["x", "", "AAAA" * 30, "é", "\0", "=" * 40, "a" * 20_000])
def test_made_up_answer_is_refused(
    op: RecordingOpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, answer: str
) -> None:
    """What the bounce carries is sealed by the site itself."""
    browser.begin()
    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.get("/oauth/op/callback/", {"answer": answer, "code": "c"})
    assert failure.seen == BAD_ANSWER


@source("Form Post Response Mode 1.0")
def test_handed_over_answer_is_good_for_two_minutes_and_one_provider(
    stage: Stage, github: RecordingGitHub, settings: Settings
) -> None:
    stage.configure(response_mode="form_post")
    browser = Browser()
    posted = browser.end(browser.authorize(stage.op, browser.begin()))
    query = posted["Location"].partition("?")[2]
    stage.op.clear()

    with stage.witness.nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.get(f"/oauth/github/callback/?{query}")
    assert failure.seen == BAD_ANSWER
    stage.later(121)
    with stage.witness.nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.get(posted["Location"])
    assert failure.seen == BAD_ANSWER
    assert stage.op.asked() == github.asked() == []


# Two providers, and one of them is the attacker's (RFC 9700 4.4).


@source("RFC 9700 4.4.1; RFC 9207")
@pytest.mark.parametrize("says_who", [True, False], ids=["with iss", "without iss"])
@pytest.mark.parametrize("where", ["attacker", "op"])
def test_mix_up(
    op: RecordingOpenIDProvider,
    evil: RecordingOpenIDProvider,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    settings: Settings,
    says_who: bool,
    where: str,
) -> None:
    """The attacker's authorization endpoint passes the person on to the honest provider, as the honest client."""
    begun = browser.begin("attacker")
    honest_url = begun["Location"].replace(evil.authorization_endpoint, op.authorization_endpoint)
    answer = op.authorization_answer(honest_url, "alice")
    browser.codes.append(answer["code"])
    answer.redirect_uri = answer.redirect_uri.replace("/attacker/", f"/{where}/")
    if not says_who:
        answer = answer.without("iss")
    op.clear()
    evil.clear()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    expected = ISS if where == "attacker" else (400, "provider_mismatch")
    assert failure.seen == expected
    assert op.asked() == evil.asked() == []


@source("RFC 9700 4.5, RFC 7636 1")
def test_code_of_another_persons_flow(op: RecordingOpenIDProvider, assert_nothing_changed: NothingChanged) -> None:
    """A stolen code in the thief's own flow: the verifier does not fit."""
    victim, thief = Browser(), Browser()
    stolen = victim.authorize(op, victim.begin())
    own = thief.authorize(op, thief.begin(), "bob")

    with assert_nothing_changed(thief) as failure:
        failure.response = thief.end(own.with_(code=stolen["code"]))

    assert failure.seen == (400, "code_refused")


@source("RFC 9700 4.5.3, Core 15.5.2")
def test_code_of_another_persons_flow_at_a_provider_without_pkce(
    op: RecordingOpenIDProvider, assert_nothing_changed: NothingChanged
) -> None:
    """The nonce alone refuses it, where the provider ignores the challenge."""
    op.require_pkce = False
    victim, thief = Browser(), Browser()
    location = victim.begin()["Location"]
    kept = "&".join(part for part in location.split("&") if not part.startswith("code_challenge"))
    stolen = op.authorization_answer(kept, "alice")
    own = thief.authorize(op, thief.begin(), "bob")

    with assert_nothing_changed(thief) as failure:
        failure.response = thief.end(own.with_(code=stolen["code"]))

    assert failure.seen[0] in (400, 502)
    assert failure.code in ("code_refused", "id_token_invalid")


@pytest.fixture
def evil(settings: Settings, witness: Any, op: RecordingOpenIDProvider) -> Any:
    """The attacker's own provider, configured beside the honest one."""
    from oidc_login.testing import serve

    provider = RecordingOpenIDProvider()
    with serve(provider):
        configure(
            settings, "attacker", issuer=provider.issuer, client_id="client", client_secret="the attacker's secret"
        )
        yield provider


@source("RFC 9700 4.4.2, Core 5.7")
def test_two_providers_with_one_subject_are_two_people(
    op: RecordingOpenIDProvider, evil: RecordingOpenIDProvider
) -> None:
    evil.client_secret = "the attacker's secret"
    one, other = Browser(), Browser()

    assert one.sign_in(op, user="carol").status_code == 302
    assert other.sign_in(evil, "attacker", user="carol").status_code == 302

    assert one.user.pk != other.user.pk


@source("Core 5.7")
def test_attackers_provider_cannot_name_another_issuer(
    op: RecordingOpenIDProvider, evil: RecordingOpenIDProvider, assert_nothing_changed: NothingChanged
) -> None:
    """Its tokens are its own, whatever they say."""
    evil.client_secret = "the attacker's secret"
    browser = Browser()
    answer = browser.authorize(evil, browser.begin("attacker"))

    def claim_to_be_honest(token: Any) -> Any:
        token.claims["iss"] = op.issuer
        return token

    evil.bend("id_token", claim_to_be_honest)
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (502, "id_token_invalid")


@source("Form Post Response Mode 1.0")
@pytest.mark.parametrize("name", ["x", "code", "error_description", "user"])
def test_posted_answer_that_fits_no_url(stage: Stage, name: str) -> None:
    """Django refuses a redirect above 16 kB; the flow ends all the same, and unknown parameters do not matter."""
    stage.configure(response_mode="form_post")
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin()).with_(**{name: "x" * 20_000})

    if name != "code":
        assert landed(browser, browser.end(answer)).status_code == 302
        return
    with stage.witness.nothing_changed(browser) as failure:
        failure.response = landed(browser, browser.end(answer))
    assert failure.seen == BAD_ANSWER
