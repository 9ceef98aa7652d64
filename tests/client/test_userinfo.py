"""`UserInfo`: a dictionary, its standard claims as attributes, and no claim in its text."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from oidc_login.client import UserInfo
from oidc_login.client.userinfo import CLAIMS

ALL = UserInfo({name: f"CANARY {name}" for name in (*CLAIMS, "groups", "iss")})


def test_standard_claims_are_attributes() -> None:
    assert len(CLAIMS) == 20
    for name in CLAIMS:
        assert getattr(ALL, name) == ALL[name]
        assert getattr(UserInfo(), name) is None


@pytest.mark.parametrize("name", ["groups", "iss", "nickname_", "__deepcopy__"])
def test_other_claims_are_not(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(ALL, name)


SCOPES = [
    ("openid", {"sub"}),
    ("email", {"email", "email_verified"}),
    ("address", {"address"}),
    ("phone", {"phone_number", "phone_number_verified"}),
    ("groups unknown", set()),
    ("", set()),
    ("openid  email", {"sub", "email", "email_verified"}),
]


@pytest.mark.parametrize(("scope", "names"), SCOPES)
def test_claims_of_a_scope(scope: str, names: set[str]) -> None:
    found = ALL.filter(scope)

    assert type(found) is UserInfo
    assert set(found) == names == set(ALL.filter(scope.split()))


def test_profile_is_the_rest() -> None:
    rest = set(CLAIMS) - {"sub", "email", "email_verified", "address", "phone_number", "phone_number_verified"}

    assert set(ALL.filter("profile")) == rest
    assert len(rest) == 14


@pytest.mark.parametrize("locale", ["en", "en-US", "zh-Hant-TW", "de-CH-1996"])
def test_locale(locale: str) -> None:
    UserInfo(locale=locale).validate_locale()
    UserInfo().validate_locale()


@pytest.mark.parametrize("locale", ["", "e", "en_US", "en-", "<script>", 7, "english-"])
def test_locale_that_is_none(locale: object) -> None:
    with pytest.raises(ValueError, match="not a language tag"):
        UserInfo(locale=locale).validate_locale()


def test_text_names_claims_and_shows_none() -> None:
    assert "CANARY" not in f"{ALL}{ALL!r}{[ALL]}"
    assert repr(UserInfo(sub="x", email="y")) == "<UserInfo: email, sub>"


def test_it_can_be_stored() -> None:
    assert json.loads(json.dumps(ALL)) == ALL
    assert pickle.loads(pickle.dumps(ALL)) == ALL
    assert copy.deepcopy(ALL) == ALL
