"""The authorization request's URL and the response that comes back through the browser (RFC 6749 4.1, RFC 9207)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_login.protocol.authorization import (
    MAX_FURTHER_LENGTH,
    MAX_PARAMETER_LENGTH,
    MAX_STATE_LENGTH,
    PARAMETERS,
    AuthorizationResponse,
    authorization_url,
    code_challenge,
    read_state,
)
from oidc_login.protocol.errors import AuthorizationErrorResponse, AuthorizationResponseInvalid, IssuerMismatch
from tests.support.signing import ids

ISSUER = "https://op.example"
Pairs = list[tuple[str, str]]


def parse(*pairs: tuple[str, str]) -> AuthorizationResponse:
    return AuthorizationResponse.parse(pairs)


def refusal(*pairs: tuple[str, str]) -> str:
    """The reason for which a response is refused, while it is read or while its form is checked."""
    with pytest.raises(AuthorizationResponseInvalid) as caught:
        parse(*pairs).check_form()
    return caught.value.reason


# The request


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_parameters_are_encoded() -> None:
    given = {"scope": "openid email", "redirect_uri": "https://site.example/?a=b&c", "login_hint": "ü\r\nX: y#"}
    url = authorization_url("https://op.example/authorize", given)
    assert dict(parse_qsl(urlsplit(url).query)) == given
    assert url.isascii()
    assert not set("\r\n #+") & set(url)


def test_the_query_of_the_endpoint_is_kept() -> None:
    """RFC 6749 3.1; its fragment is not."""
    assert authorization_url("https://op.example/a?tenant=x#f", {"state": "s"}) == (
        "https://op.example/a?tenant=x&state=s"
    )


@pytest.mark.parametrize(("value", "sent"), [(None, False), ("", False), (0, True), ("0", True)])
def test_a_parameter_without_a_value_is_left_out(value: Any, sent: bool) -> None:
    """RFC 6749 3.1: an empty one counts as absent; `max_age=0` is a value."""
    url = authorization_url("https://op.example/a", {"state": "s", "max_age": value})
    assert ("max_age=0" in url) is sent


# The response as it is read


def test_reads_the_parameters_of_a_response() -> None:
    response = parse(("code", "c"), ("state", "s"), ("iss", ISSUER), ("session_state", "x"), ("scope", "openid"))
    assert (response.code, response.state, response.iss, response.error) == ("c", "s", ISSUER, "")
    response.check_form()
    response.check_error()


REPEATED: list[tuple[str, Pairs]] = [
    ("code", [("code", "a"), ("code", "b"), ("state", "s")]),
    ("the same code", [("code", "a"), ("code", "a"), ("state", "s")]),
    ("state", [("code", "a"), ("state", "bogus"), ("state", "s")]),
    ("iss", [("code", "a"), ("state", "s"), ("iss", ISSUER), ("iss", "https://evil.example")]),
    ("error", [("error", "a"), ("error", "b"), ("state", "s")]),
    ("an empty one", [("code", "a"), ("state", "s"), ("state", "")]),
]


@pytest.mark.parametrize("pairs", [row[1] for row in REPEATED], ids=ids(REPEATED))
def test_a_repeated_parameter_is_refused(pairs: Pairs) -> None:
    """RFC 6749 3.1."""
    assert refusal(*pairs) == "repeated"


def test_unknown_parameters_are_ignored_even_when_repeated_or_long() -> None:
    many = [("utm", "x"), ("utm", "y"), ("CODE", "z"), ("error_description", "d" * 100_000)]
    assert parse(("code", "c"), ("state", "s"), *many).code == "c"


def test_parameters_of_the_providers_own_are_read_where_its_class_names_them() -> None:
    pairs = [("code", "c"), ("state", "s"), ("user", "Ada"), ("utm", "x")]
    assert parse(*pairs).further == {}
    response = AuthorizationResponse.parse(pairs, names=(*PARAMETERS, "user", "other"))
    assert (response.code, response.further) == ("c", {"user": "Ada"})
    assert "Ada" not in repr(response)


def test_parameters_of_the_providers_own_are_there_once_and_short() -> None:
    for value, reason in (("x" * MAX_FURTHER_LENGTH, ""), ("x" * (MAX_FURTHER_LENGTH + 1), "oversized")):
        if not reason:
            assert AuthorizationResponse.parse([("user", value)], names=("user",)).further == {"user": value}
            continue
        with pytest.raises(AuthorizationResponseInvalid, match=reason):
            AuthorizationResponse.parse([("user", value)], names=("user",))
    with pytest.raises(AuthorizationResponseInvalid, match="repeated"):
        AuthorizationResponse.parse([("user", "a"), ("user", "a")], names=("user",))


SIZES: list[tuple[str, str, int]] = [
    ("code", "code", MAX_PARAMETER_LENGTH),
    ("error", "error", MAX_PARAMETER_LENGTH),
    ("iss", "iss", MAX_PARAMETER_LENGTH),
    ("state", "state", MAX_STATE_LENGTH),
]


@pytest.mark.parametrize(("name", "limit"), [row[1:] for row in SIZES], ids=ids(SIZES))
def test_an_oversized_parameter_is_refused(name: str, limit: int) -> None:
    assert getattr(parse((name, "x" * limit)), name) == "x" * limit
    assert refusal((name, "x" * (limit + 1))) == "oversized"


def test_the_one_state_is_found_before_anything_else_is_judged() -> None:
    assert read_state([("code", "a"), ("code", "b"), ("state", "s")]) == "s"
    assert read_state([("code", "a")]) == ""
    for pairs in ([("state", "a"), ("state", "b")], [("state", "a"), ("state", "a")], [("state", ""), ("state", "a")]):
        with pytest.raises(AuthorizationResponseInvalid, match="repeated"):
            read_state(pairs)


# Its form


FORMS: list[tuple[str, Pairs, str]] = [
    ("neither code nor error", [], "code_or_error"),
    ("both", [("code", "c"), ("error", "access_denied")], "code_or_error"),
    ("empty code", [("code", "")], "code_or_error"),
    ("both empty", [("code", ""), ("error", "")], "code_or_error"),
    ("tokens of the implicit flow", [("id_token", "x"), ("access_token", "y")], "code_or_error"),
    ("a response object", [("response", "x.y.z")], "code_or_error"),
    ("code with NUL", [("code", "a\0b")], "code"),
    ("code with a line feed", [("code", "a\n")], "code"),
    ("code that is not ASCII", [("code", "ü")], "code"),
]


@pytest.mark.parametrize(("pairs", "reason"), [row[1:] for row in FORMS], ids=ids(FORMS))
def test_a_response_is_either_a_code_or_an_error(pairs: Pairs, reason: str) -> None:
    """RFC 6749 4.1.2, appendix A.11."""
    assert refusal(("state", "s"), *pairs) == reason


# Its issuer (RFC 9207 2.4)

RESPONSE_ISSUERS: list[tuple[str, str | None, bool, bool]] = [
    ("the one that was asked", ISSUER, True, True),
    ("the one that was asked, though never promised", ISSUER, False, True),
    ("missing, never promised", None, False, True),
    ("missing in spite of the promise", None, True, False),
    ("another", "https://evil.example", True, False),
    ("another, though never promised", "https://evil.example", False, False),
    ("closing slash", ISSUER + "/", False, False),
    ("other case", "https://OP.example", False, False),
    ("empty", "", False, False),
]


@pytest.mark.parametrize(
    ("iss", "promised", "accepted"), [row[1:] for row in RESPONSE_ISSUERS], ids=ids(RESPONSE_ISSUERS)
)
@pytest.mark.parametrize("answer", [("code", "c"), ("error", "access_denied")], ids=["code", "error"])
def test_the_response_comes_from_the_issuer_that_was_asked(
    iss: str | None, promised: bool, accepted: bool, answer: tuple[str, str]
) -> None:
    response = parse(answer, ("state", "s"), *([("iss", iss)] if iss is not None else []))
    if accepted:
        response.check_issuer(issuer=ISSUER, required=promised)
        return
    with pytest.raises(IssuerMismatch, match="iss"):
        response.check_issuer(issuer=ISSUER, required=promised)


def test_a_provider_without_an_issuer_has_none_to_compare() -> None:
    parse(("code", "c"), ("iss", "https://anything.example")).check_issuer(issuer="", required=False)


# Its error

ERRORS: list[tuple[str, str, str]] = [
    ("of the specification", "access_denied", "access_denied"),
    ("of an extension", "interaction_required", "interaction_required"),
    ("with a quote", 'a"b', "unprintable"),
    ("with a backslash", "a\\b", "unprintable"),
    ("with a line feed", "access_denied\n", "unprintable"),
    ("not ASCII", "verbotenä", "unprintable"),
    ("of 64 characters", "e" * 64, "e" * 64),
    ("of 65 characters", "e" * 65, "unprintable"),
]


@pytest.mark.parametrize(("error", "told"), [row[1:] for row in ERRORS], ids=ids(ERRORS))
def test_an_error_is_told_by_its_code_alone(error: str, told: str) -> None:
    """RFC 6749 4.1.2.1; what the provider writes beside it is not believed and not kept."""
    response = parse(("error", error), ("error_description", "<b>CANARY</b>"), ("error_uri", "CANARY"), ("state", "s"))
    response.check_form()
    with pytest.raises(AuthorizationErrorResponse) as caught:
        response.check_error()
    assert caught.value.reason == told
    assert "CANARY" not in repr(response)


def test_code_and_state_are_not_shown() -> None:
    assert "CANARY" not in repr(parse(("code", "CANARY"), ("state", "CANARY")))


@pytest.mark.parametrize(
    ("error", "told"),
    [("user_cancelled", "access_denied"), ("User_cancelled", "User_cancelled"), ("access_denied", "access_denied")],
)
def test_a_provider_has_its_own_word_for_a_person_who_cancels(error: str, told: str) -> None:
    with pytest.raises(AuthorizationErrorResponse) as caught:
        parse(("error", error), ("state", "s")).check_error(cancellations=("user_cancelled",))
    assert caught.value.reason == told
