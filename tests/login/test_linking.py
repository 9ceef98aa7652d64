"""Whose account an identity is: every row of the linking rules, with status, code and what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, BOB, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ADDRESS = ALICE.email


def make_user(username: str = "existing", email: str = ADDRESS, **fields: Any) -> User:
    user: User = get_user_model().objects.create_user(username, email, "password", **fields)
    return user


# Rule 2: a known identity.


def test_known_identity_of_an_inactive_user(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(op)
    get_user_model().objects.update(is_active=False)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "inactive")


def test_known_identity_signs_in_where_signup_and_linking_are_off(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    Browser().sign_in(op)
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"

    assert browser.sign_in(op).status_code == 302
    assert browser.user.username == "alice"


# Rule 3e: linked by verified address.


def test_verified_address_links_to_its_one_user(op: OpenIDProvider, browser: Browser) -> None:
    user = make_user()

    response = browser.sign_in(op)

    assert response.status_code == 302
    assert browser.user == user
    connection = OAuthConnection.objects.get()
    assert (connection.user, connection.link_reason) == (user, "verified_email")
    assert get_user_model().objects.count() == 1
    user.refresh_from_db()
    assert user.check_password("password")


@pytest.mark.parametrize("local", ["ALICE.CANARY@EXAMPLE.ORG", "Alice.Canary@example.org", "alice.canary@Example.ORG"])
def test_case_of_ascii_letters_makes_no_difference(op: OpenIDProvider, browser: Browser, local: str) -> None:
    user = make_user(email=local)

    browser.sign_in(op)

    assert browser.user == user


def test_inactive_users_do_not_count_beside_an_active_one(op: OpenIDProvider, browser: Browser) -> None:
    make_user("gone", is_active=False)
    user = make_user()

    browser.sign_in(op)

    assert browser.user == user


def test_providers_own_word_overrides_the_sites(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    configure(settings, "op", link_by_email="verified")
    user = make_user()

    browser.sign_in(op)

    assert browser.user == user


@pytest.mark.parametrize("privilege", ["is_staff", "is_superuser"])
def test_staff_are_linked_where_the_provider_is_trusted_with_it(
    op: OpenIDProvider, browser: Browser, settings: Settings, privilege: str
) -> None:
    configure(settings, "op", link_by_email="verified")
    user = make_user("existing", ADDRESS, **{privilege: True})

    browser.sign_in(op)

    assert browser.user == user


def test_identity_of_another_provider_is_no_conflict(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser
) -> None:
    Browser().sign_in(github, "github")

    browser.sign_in(op)

    assert get_user_model().objects.count() == 1
    assert {c.provider_key for c in OAuthConnection.objects.filter(user=browser.user)} == {"op", "github"}


def test_trusted_providers_address_counts_where_it_says_nothing(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", trust_email=True)
    _states(op, None)
    user = make_user()

    browser.sign_in(op)

    assert browser.user == user


def _states(op: OpenIDProvider, verified: Any) -> None:
    """Let the provider say this of Alice's address; `None`: nothing."""

    def change(answer: Any) -> Any:
        answer.json = {name: value for name, value in answer.json.items() if name != "email_verified"}
        if verified is not None:
            answer.json["email_verified"] = verified
        return answer

    op.bend("userinfo", change)


# Refusals.

REFUSALS: list[Any] = [
    pytest.param([{"is_active": False}], {}, {}, True, 403, "inactive", id="all inactive"),
    pytest.param([{"is_active": False}] * 2, {}, {}, True, 403, "inactive", id="several, all inactive"),
    pytest.param([{}, {}], {}, {}, True, 409, "email_ambiguous", id="several"),
    pytest.param([{}, {"email": ADDRESS.upper()}], {}, {}, True, 409, "email_ambiguous", id="several but for case"),
    pytest.param([{}, {}], {}, {}, False, 409, "email_ambiguous", id="several, not verified"),
    pytest.param([{}], {}, {}, False, 409, "email_not_verified", id="not verified"),
    pytest.param([{}], {}, {}, None, 409, "email_not_verified", id="says nothing"),
    pytest.param([{}], {}, {}, "true", 409, "email_not_verified", id="verified as a string"),
    pytest.param([{}], {}, {}, 1, 409, "email_not_verified", id="verified as a number"),
    pytest.param([{}], {}, {}, [True], 409, "email_not_verified", id="verified as a list"),
    pytest.param([{}], {"trust_email": True}, {}, False, 409, "email_not_verified", id="trusted, but says no"),
    pytest.param([{}], {"trust_email": True}, {}, "no", 409, "email_not_verified", id="trusted, but says nonsense"),
    pytest.param([{}], {}, {"EMAIL_LINKING": "never"}, True, 409, "email_linking_off", id="off"),
    pytest.param([{}], {"link_by_email": "never"}, {}, True, 409, "email_linking_off", id="off for the provider"),
    pytest.param([{"is_staff": True}], {}, {}, True, 409, "staff_linking_off", id="staff"),
    pytest.param([{"is_superuser": True}], {}, {}, True, 409, "staff_linking_off", id="superuser"),
    pytest.param(
        [{"is_staff": True}], {}, {"EMAIL_LINKING": "verified"}, True, 409, "staff_linking_off", id="staff, site-wide"
    ),
    pytest.param(
        [{"is_staff": True}],
        {"link_by_email": "verified"},
        {},
        False,
        409,
        "email_not_verified",
        id="staff, unverified",
    ),
    pytest.param([], {}, {"ALLOW_SIGNUP": False}, True, 403, "signup_closed", id="sign-up closed"),
    pytest.param([], {"allow_signup": False}, {}, True, 403, "signup_closed", id="closed for the provider"),
    pytest.param([], {"allowed_email_domains": ["corp.example"]}, {}, True, 403, "domain_not_allowed", id="domain"),
    pytest.param(
        [], {"allowed_email_domains": [".corp.example", "org"]}, {}, True, 403, "domain_not_allowed", id="subdomain"
    ),
    pytest.param(
        [], {"allowed_email_domains": ["example.org"]}, {}, False, 403, "domain_not_allowed", id="domain, unverified"
    ),
    pytest.param(
        [{}],
        {"allowed_email_domains": ["corp.example"]},
        {},
        True,
        403,
        "domain_not_allowed",
        id="domain before linking",
    ),
]


@pytest.mark.parametrize(("users", "arguments", "site", "verified", "status", "code"), REFUSALS)
def test_refused(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    users: list[dict[str, Any]],
    arguments: dict[str, Any],
    site: dict[str, Any],
    verified: Any,
    status: int,
    code: str,
) -> None:
    for number, fields in enumerate(users):
        make_user(f"user{number}", **fields)
    for name, value in site.items():
        setattr(settings, f"OIDC_LOGIN_{name}", value)
    configure(settings, "op", **arguments)
    _states(op, verified)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (status, code)


@pytest.mark.parametrize("privilege", [{}, {"is_staff": True}])
def test_address_that_was_given_to_somebody_else(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    privilege: dict[str, Any],
) -> None:
    """The account has another identity of this provider: the address has a new owner there."""
    Browser().sign_in(op)
    get_user_model().objects.update(**{"is_active": True, **privilege})
    configure(settings, "op", link_by_email="verified")
    op.users.remove("alice")
    op.users.change("bob", email=ADDRESS, email_verified=True)
    answer = browser.authorize(op, browser.begin(), "bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_conflict")


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        ({"provider_key": "another key"}, True),
        ({"issuer": "https://another-workspace.example"}, True),
        ({"provider_key": "another key", "issuer": "https://another.example"}, False),
        ({"issuer": "https://before-it-moved.example", "provider_user_id": BOB.sub}, False),
    ],
    ids=["the issuer under another key", "another issuer of the key", "another provider", "the same identity before"],
)
def test_one_provider_is_one_key_or_one_issuer(
    op: OpenIDProvider, browser: Browser, before: dict[str, str], refused: bool
) -> None:
    """A provider may have an issuer for each workspace, and a site two keys for one issuer."""
    Browser().sign_in(op)
    OAuthConnection.objects.update(**before)
    op.users.remove("alice")
    op.users.change("bob", email=ADDRESS, email_verified=True)

    response = browser.sign_in(op, user="bob")

    assert response.status_code == (409 if refused else 302)
    assert (browser.user is None) is refused


def test_unconfirmed_account_does_not_keep_the_confirmed_owner_out(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """Somebody opened an account with the address of a person who has one, and never confirmed it."""
    make_user("unconfirmed")
    confirmed = make_user("confirmed")
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.is_confirmed"

    browser.sign_in(op)

    assert browser.user == confirmed


@pytest.mark.parametrize("names", [("unconfirmed", "another"), ("confirmed", "confirmed too", "unconfirmed")])
def test_several_accounts_of_which_none_or_two_are_confirmed_are_refused(
    op: OpenIDProvider, browser: Browser, settings: Settings, names: tuple[str, ...]
) -> None:
    for name in names:
        make_user(name)
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.is_confirmed"

    response = browser.sign_in(op)

    assert response.status_code == 409
    assert response.context["oauth_error"].code == "email_ambiguous"
    assert get_user_model().objects.count() == len(names)


def is_confirmed(user: Any) -> bool:
    return bool(user.username.startswith("confirmed"))


def test_what_is_refused_looks_the_same_for_every_reason(
    op: OpenIDProvider, settings: Settings, browser: Browser
) -> None:
    """The page does not tell who is staff."""
    user = make_user()
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    plain = browser.sign_in(op).context["oauth_error"].message
    settings.OIDC_LOGIN_EMAIL_LINKING = "verified"
    user.is_staff = True
    user.save()

    assert browser.sign_in(op).context["oauth_error"].message == plain


# Look-alikes.


@pytest.mark.parametrize(
    ("local", "given"),
    [
        ("mike@example.org", "m\u0131ke@example.org"),  # dotless i
        ("mike@example.org", "mi\u212ae@example.org"),  # Kelvin sign
        ("sam@example.org", "\u017fam@example.org"),  # long s
        ("m\u0131ke@example.org", "mike@example.org"),
        ("mi\u212ae@example.org", "mike@example.org"),
        ("jos\u00e9@example.org", "jose\u0301@example.org"),
        ("mike@example.org", "mike@ex\u0430mple.org"),  # Cyrillic a
        ("stra\u00dfe@example.org", "strasse@example.org"),
        ("mike@example.org", "mi.ke@example.org"),
        ("mike@example.org", "mike+x@example.org"),
        ("mike@example.org", "mike@example.org."),
        ("mike@example.org", " mike@example.org"),
    ],
)
def test_look_alike_address_is_somebody_else(op: OpenIDProvider, browser: Browser, local: str, given: str) -> None:
    existing = make_user(email=local)
    op.users.change("alice", email=given)

    browser.sign_in(op)

    assert browser.user is not None and browser.user != existing
    assert not existing.oauth_connections.exists()


@pytest.mark.parametrize(
    "given",
    [
        "evil@evil.example@example.org",
        f"{ADDRESS},evil@evil.example",
        f'"Alice" <{ADDRESS}>',
        f"{ADDRESS}\n",
        f"{ADDRESS}\x00",
        f"{ADDRESS} ",
        f"\u202e{ADDRESS}",
        [ADDRESS],
        {"email": ADDRESS},
        True,
        "a" * 250 + "@example.org",
    ],
    ids=repr,
)
def test_what_is_not_one_address_is_none(op: OpenIDProvider, browser: Browser, given: Any) -> None:
    existing = make_user()
    op.bend("userinfo", _with(email=given))

    browser.sign_in(op)

    assert browser.user is not None and browser.user != existing
    assert browser.user.email == OAuthConnection.objects.get().email == ""


def _with(**claims: Any) -> Any:
    def change(answer: Any) -> Any:
        answer.json |= claims
        return answer

    return change


def test_address_and_its_verification_come_from_one_source(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """The ID token's own address is verified, userinfo's is another one (threat of mixing them)."""
    existing = make_user(email="victim@example.org")
    configure(settings, "op", userinfo="always")
    op.bend("id_token", _claims(email="mine@example.org", email_verified=True))
    op.bend("userinfo", _with(email="victim@example.org", email_verified=False))

    browser.sign_in(op)

    assert browser.user != existing
    assert browser.user.email == "mine@example.org"


def test_verification_in_the_id_token_is_not_for_userinfos_address(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    make_user(email="victim@example.org")
    op.bend("id_token", _claims(email_verified=True))
    _states(op, None)
    op.users.change("alice", email="victim@example.org")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "email_not_verified")


def _claims(**claims: Any) -> Any:
    def change(token: Any) -> Any:
        token.claims |= claims
        return token

    return change


# Domains.


@pytest.mark.parametrize(
    ("domains", "address", "allowed"),
    [
        (["example.org"], "a@example.org", True),
        (["Example.ORG"], "a@example.org", True),
        (["example.org"], "a@EXAMPLE.org", True),
        (["example.org"], "a@sub.example.org", False),
        ([".example.org"], "a@sub.example.org", True),
        ([".example.org"], "a@deep.sub.example.org", True),
        ([".example.org"], "a@example.org", True),
        ([".example.org"], "a@badexample.org", False),
        (["example.org"], "a@badexample.org", False),
        (["example.org"], "a@example.org.evil.example", False),
        (["example.org"], "", False),
        (["other.example", "example.org"], "a@example.org", True),
    ],
)
def test_allowed_email_domains(
    op: OpenIDProvider, browser: Browser, settings: Settings, domains: list[str], address: str, allowed: bool
) -> None:
    configure(settings, "op", allowed_email_domains=domains)
    op.users.change("alice", email=address)

    assert (browser.sign_in(op).status_code == 302) is allowed
    assert get_user_model().objects.exists() is allowed


def test_known_identity_whose_address_left_the_domain_is_refused(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    """Userinfo is asked at each sign-in where domains are listed and the ID token names no address."""
    Browser().sign_in(op)
    configure(settings, "op", allowed_email_domains=["example.org"])
    op.users.change("alice", email="alice@left.example")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "domain_not_allowed")


# Sign-up.


def test_providers_own_word_on_sign_up_overrides_the_sites(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False
    configure(settings, "op", allow_signup=True)

    assert browser.sign_in(op).status_code == 302


def test_linking_still_works_where_sign_up_is_closed(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False
    user = make_user()

    browser.sign_in(op)

    assert browser.user == user


@pytest.mark.parametrize(
    ("claims", "username"),
    [
        ({"preferred_username": "ann"}, "ann"),
        ({"preferred_username": "Jos\u00e9 P\u00e9rez"}, "jose-perez"),
        ({"preferred_username": "victim@example.org"}, "victim"),
        ({"preferred_username": ".."}, "user"),
        ({"preferred_username": "<script>"}, "script"),
        ({"preferred_username": "\u202eevil"}, "evil"),
        ({"preferred_username": ["x"], "name": {"a": 1}}, "user"),
        ({"preferred_username": "n" * 500}, "n" * 143),
        ({"preferred_username": "\u674e"}, "user"),
        ({"nickname": "Nick"}, "nick"),
        ({"name": "Ann Other"}, "ann-other"),
        ({}, "user"),
    ],
    ids=repr,
)
def test_username_is_made_of_the_claims(
    op: OpenIDProvider, browser: Browser, claims: dict[str, Any], username: str
) -> None:
    op.bend("userinfo", _only(claims))

    browser.sign_in(op)

    assert browser.user.username == username


@pytest.mark.parametrize("taken", ["ann", "user"])
def test_username_that_somebody_has_gets_a_suffix_and_finds_nobody(
    op: OpenIDProvider, browser: Browser, taken: str
) -> None:
    existing = make_user(taken, email="root@example.org", is_superuser=True)
    op.bend("userinfo", _only({"preferred_username": taken} if taken != "user" else {}))

    browser.sign_in(op)

    assert browser.user != existing
    assert browser.user.username.startswith(f"{taken}-")
    assert not browser.user.is_superuser


def test_username_like_somebodys_address_finds_nobody(op: OpenIDProvider, browser: Browser) -> None:
    existing = make_user("victim@example.org", email="victim@example.org")
    op.bend("userinfo", _only({"preferred_username": "victim@example.org"}))

    browser.sign_in(op)

    assert browser.user != existing
    assert browser.user.username == "victim"


def _only(claims: dict[str, Any]) -> Any:
    def change(answer: Any) -> Any:
        answer.json = {"sub": answer.json["sub"], **claims}
        return answer

    return change
