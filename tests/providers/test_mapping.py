"""Dotted paths into an answer, and the person that they make of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers import OAuth2Provider, OAuthToken, OAuthUser
from oidc_login.providers.mapping import NAMES, text_at, value_at
from tests.support.signing import ids

ANSWER = {
    "id": 7,
    "data": {"user": {"id": "u-1", "names": ["Ada", "Byron"], "7": "seven"}},
    "emails": [{"address": "a@example.org", "checked": True}, {"address": "b@example.org"}],
    "": "nameless",
}

PATHS: list[tuple[str, str, Any]] = [
    ("a member", "id", 7),
    ("a member of a member", "data.user.id", "u-1"),
    ("a place in a list", "data.user.names.1", "Byron"),
    ("a member of what is in a list", "emails.0.checked", True),
    ("a member with a number for a name", "data.user.7", "seven"),
    ("a whole object", "data.user.names", ["Ada", "Byron"]),
    ("no such member", "data.person.id", None),
    ("a member of text", "data.user.id.length", None),
    ("a member of a number", "id.real", None),
    ("behind the end of a list", "emails.2.address", None),
    ("a name in a list", "emails.first", None),
    ("not the last but one", "emails.-1.address", None),
    ("another kind of digit", "emails.²", None),
    ("nothing", "", None),
    ("nothing in between", "data..id", None),
]


@pytest.mark.parametrize(("path", "value"), [row[1:] for row in PATHS], ids=ids(PATHS))
def test_path_leads_to_a_value_or_to_nothing(path: str, value: Any) -> None:
    assert value_at(ANSWER, path) == value


@pytest.mark.parametrize("document", [None, True, 7, 1.5, "text", [], {}])
def test_nothing_is_in_other_documents(document: Any) -> None:
    assert value_at(document, "id") is None
    assert value_at(document, "") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(document=JSON, path=st.from_regex(r"[ab0-9.]{0,6}", fullmatch=True))
def test_no_document_and_no_path_is_a_crash(document: Any, path: str) -> None:
    assert isinstance(text_at(document, path), str)


# The person.


def person(answer: Any, **mapping: str) -> OAuthUser:
    provider = OAuth2Provider(provider_key="forge", client_id="client", mapping={"user_id": "id", **mapping})
    return provider.user_from_userinfo(answer, oauth_token=OAuthToken(access_token="a"))


@pytest.mark.parametrize(("value", "subject"), [("u-1", "u-1"), (7, "7"), (0, "0"), (10**30, "1" + "0" * 30)])
def test_identity_is_text_or_a_whole_number(value: Any, subject: str) -> None:
    assert person({"id": value}).as_claims()["sub"] == subject


@pytest.mark.parametrize("value", [None, "", True, False, 7.0, 1.5, [], ["7"], {}, {"id": 7}], ids=repr)
def test_anything_else_identifies_nobody(value: Any) -> None:
    with pytest.raises(UserInfoInvalid, match="user_id"):
        person({"id": value})


@pytest.mark.parametrize("answer", [{}, [], None, "7", 7, [{"id": 7}]], ids=repr)
def test_answer_without_it_is_about_nobody(answer: Any) -> None:
    with pytest.raises(UserInfoInvalid, match="user_id"):
        person(answer)


@pytest.mark.parametrize("name", ["username", "name", "picture", "email"])
@pytest.mark.parametrize("value", [None, True, 7, [], {}], ids=repr)
def test_what_is_no_text_is_left_out(name: str, value: Any) -> None:
    assert getattr(person({"id": 7, "x": value}, **{name: "x"}), name) == ""


@pytest.mark.parametrize(
    ("stated", "verified"),
    [(True, True), (False, False), (None, False), ("true", False), (1, False), ("yes", False), ([True], False)],
    ids=repr,
)
def test_address_is_verified_by_the_json_value_true_alone(stated: Any, verified: bool) -> None:
    user = person({"id": 7, "mail": "a@example.org", "ok": stated}, email="mail", email_verified="ok")
    assert user.email_verified is verified
    assert OAuth2Provider(provider_key="x", client_id="c").is_email_verified(user.as_claims()) is verified


@pytest.mark.parametrize(("stated", "trusted"), [(None, True), (False, False), ("no", False), (0, False)], ids=repr)
def test_trust_stands_in_for_silence_and_never_for_a_no(stated: Any, trusted: bool) -> None:
    user = person({"id": 7, "mail": "a@example.org", "ok": stated}, email="mail", email_verified="ok")
    provider = OAuth2Provider(provider_key="x", client_id="c", trust_email=True)
    assert provider.is_email_verified(user.as_claims()) is trusted


def test_statement_about_no_address_says_nothing() -> None:
    assert "email_verified" not in person({"id": 7, "ok": True}, email_verified="ok").as_claims()


def test_answer_cannot_say_by_standard_names_what_the_mapping_does_not() -> None:
    """An answer of an OAuth 2.0 provider is no statement of OpenID Connect: its `email_verified` may mean anything."""
    answer = {"id": 7, "sub": "another", "email": "victim@example.org", "email_verified": True, "name": {"first": "A"}}
    assert person(answer).as_claims() == {"id": 7, "sub": "7"}


def test_other_members_reach_hooks_under_their_names() -> None:
    claims = person({"id": 7, "roles": ["editor"], "locale": "en"}).as_claims()
    assert claims == {"id": 7, "roles": ["editor"], "locale": "en", "sub": "7"}


def test_settings_complete_what_a_class_declares() -> None:
    class Forge(OAuth2Provider):
        mapping = {"user_id": "id", "name": "title"}

    provider = Forge(provider_key="forge", client_id="client", mapping={"name": "label"})
    assert provider.mapping == {"user_id": "id", "name": "label"}
    assert Forge.mapping == {"user_id": "id", "name": "title"}


def test_names_are_those_that_the_checks_know() -> None:
    assert NAMES == ("user_id", "email", "email_verified", "username", "name", "picture")
