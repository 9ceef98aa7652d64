"""Which addresses are the same: the table of docs/linking.md, on the database that the suite runs on."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db

SAME = [
    ("alice@example.org", "alice@example.org"),
    ("Alice@Example.ORG", "aLICE@example.org"),
    ("alice+news@example.org", "ALICE+news@example.org"),
    ("a.l.i.c.e@example.org", "A.L.I.C.E@example.org"),
]
DIFFERENT = [
    pytest.param("alice+news@example.org", "alice@example.org", id="plus"),
    pytest.param("alice@example.org", "alice+news@example.org", id="plus, the other way"),
    pytest.param("a.lice@example.org", "alice@example.org", id="dot"),
    pytest.param("alice@example.org.", "alice@example.org", id="trailing dot"),
    pytest.param("alice@example.org ", "alice@example.org", id="trailing space"),
    pytest.param(" alice@example.org", "alice@example.org", id="leading space"),
    pytest.param("al\u0131ce@example.org", "alice@example.org", id="dotless i"),
    pytest.param("\u0130lse@example.org", "ilse@example.org", id="dotted I"),
    pytest.param("mi\u212ae@example.org", "mike@example.org", id="Kelvin sign"),
    pytest.param("\u017fam@example.org", "sam@example.org", id="long s"),
    pytest.param("str\u00dfe@example.org", "strsse@example.org", id="sharp s"),
    pytest.param("\uff41lice@example.org", "alice@example.org", id="full width"),
    pytest.param("\u0430lice@example.org", "alice@example.org", id="Cyrillic a"),
    pytest.param("ren\u00e9@example.org", "ren\u00c9@example.org", id="case of other letters"),
    pytest.param("rene\u0301@example.org", "ren\u00e9@example.org", id="normal forms"),
    pytest.param("alice@ex\u0101mple.org", "alice@example.org", id="domain"),
    pytest.param("alice@xn--exmple-cua.org", "alice@ex\u00e4mple.org", id="punycode"),
    pytest.param("al%ce@example.org", "alice@example.org", id="wildcard of LIKE"),
    pytest.param("al_ce@example.org", "alice@example.org", id="wildcard of one letter"),
]


@pytest.mark.parametrize(("local", "given"), SAME)
def test_same_address(op: OpenIDProvider, browser: Browser, local: str, given: str) -> None:
    user = get_user_model().objects.create(username="existing", email=local)
    op.users.change("alice", email=given)

    browser.sign_in(op)

    assert browser.user == user


@pytest.mark.parametrize(("local", "given"), DIFFERENT)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_different_address(op: OpenIDProvider, browser: Browser, local: str, given: str, turned: bool) -> None:
    if turned:
        local, given = given, local
    user = get_user_model().objects.create(username="existing", email=local)
    op.users.change("alice", email=given)

    assert browser.sign_in(op).status_code == 302

    assert browser.user != user
    assert OAuthConnection.objects.get().link_reason == "signed_up"


def test_domain_in_its_own_letters(op: OpenIDProvider, browser: Browser) -> None:
    user = get_user_model().objects.create(username="existing", email="Alice@ex\u00e4mple.org")
    op.users.change("alice", email="alice@ex\u00e4mple.ORG")

    browser.sign_in(op)

    assert browser.user == user


def test_name_in_other_letters_is_no_address(op: OpenIDProvider, browser: Browser) -> None:
    """Django's own validator takes none, so no form field of the site would have."""
    get_user_model().objects.create(username="existing", email="ren\u00e9@example.org")
    op.users.change("alice", email="ren\u00e9@example.org")

    browser.sign_in(op)

    connection = OAuthConnection.objects.get()
    assert (connection.link_reason, connection.email, browser.user.email) == ("signed_up", "", "")
