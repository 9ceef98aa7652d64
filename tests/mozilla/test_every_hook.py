"""Sites with every hook overridden, through the move; and what no hook can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from tests.mozilla import backends
from tests.mozilla.conftest import ALICE, BOB, SECRET, Change, LegacyProvider, sign_in_after, sign_in_before
from tests.support.browser import Browser
from tests.support.invariant import Witness

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db


def path_of(backend: type) -> str:
    return f"{backend.__module__}.{backend.__name__}"


@pytest.fixture
def existing(before: Change, legacy_op: LegacyProvider) -> Any:
    """Somebody who has an account from before."""
    before()
    sign_in_before(Browser(), legacy_op)
    return get_user_model().objects.get()


WAYS = [backends.AskingBase, backends.DoingItself, backends.FindingItself]
ways = pytest.mark.parametrize("backend", WAYS, ids=[way.__name__ for way in WAYS])


@ways
def test_existing_user_is_found_and_connected(
    legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change, witness: Witness, backend: type
) -> None:
    after(path_of(backend))

    response = sign_in_after(browser, legacy_op)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user == existing
    connection = OAuthConnection.objects.get()
    assert (connection.user, connection.provider_user_id) == (existing, ALICE.sub)
    assert connection.issuer == legacy_op.issuer
    assert connection.access_token
    witness.assert_no_secrets(browser, response)

    assert sign_in_after(Browser(), legacy_op).status_code == 302, "and once more, by the connection"
    assert OAuthConnection.objects.count() == 1


@ways
def test_new_person_signs_up(legacy_op: LegacyProvider, browser: Browser, after: Change, backend: type) -> None:
    after(path_of(backend))

    assert sign_in_after(browser, legacy_op, BOB.sub).status_code == 302
    assert browser.user.email == BOB.email
    assert OAuthConnection.objects.get().user == browser.user


def test_hooks_are_asked_in_upstreams_order(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    asked = backends.AskingBase.asked
    asked.clear()
    after(path_of(backends.AskingBase))
    sign_in_after(browser, legacy_op)

    begun = ["authenticate", "get_token", "verify_token", "get_or_create_user", "get_userinfo", "verify_claims"]
    assert asked == [*begun, "filter_users_by_claims", "create_user", "get_username", "store_tokens"]
    assert browser.session["kept by the site"] is True, "in the session that the sign-in made"

    asked.clear()
    sign_in_after(browser, legacy_op)
    assert asked == [*begun, "filter_users_by_claims", "update_user", "store_tokens"]

    asked.clear()
    settings.OIDC_CREATE_USER = False
    sign_in_after(browser, legacy_op, BOB.sub)
    assert asked == [*begun, "filter_users_by_claims", "describe_user_by_claims"]


def test_own_way_runs_to_its_end(legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change) -> None:
    after(path_of(backends.DoingItself))

    sign_in_after(browser, legacy_op)

    existing.refresh_from_db()
    assert existing.first_name == "updated"
    assert legacy_op.asked().count("token") == 2, "one of upstream, one of ours: a code is posted once"
    sign_in_after(browser, legacy_op, BOB.sub)
    assert browser.user.get_username() == "BOB@EXAMPLE.ORG"


def test_lifetime_of_tokens_that_the_site_asked_for(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after(path_of(backends.DoingItself))

    sign_in_after(browser, legacy_op)

    assert OAuthConnection.objects.get().access_token_expires_at is not None


@pytest.mark.parametrize("scope", ["openid email", None])
def test_scope_of_tokens_that_the_site_asked_for(
    legacy_op: LegacyProvider, browser: Browser, after: Change, scope: str | None
) -> None:
    def bend(good: Answer) -> Answer:
        good.json = {**good.json, "scope": scope}
        return good

    after(path_of(backends.DoingItself))
    legacy_op.bend("token", bend)

    sign_in_after(browser, legacy_op)

    assert OAuthConnection.objects.get().scope == (scope or "")


def test_verify_token_that_says_nothing(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after(path_of(backends.SayingNothing))

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert OAuthConnection.objects.get().provider_user_id == ALICE.sub


# What no hook can do.


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"nonce": "another"},
        {"exp": 1},
        {"sub": ""},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_verify_token_that_verifies_nothing(
    legacy_op: LegacyProvider, browser: Browser, after: Change, witness: Witness, claims: dict[str, Any]
) -> None:
    def bend(token: Any) -> Any:
        token.claims.update(claims)
        return token

    after(path_of(backends.DoingItself))
    legacy_op.bend("id_token", bend)

    response = sign_in_after(browser, legacy_op)

    assert response.status_code == 502
    assert browser.user is None
    assert not get_user_model().objects.exists()
    witness.assert_no_secrets(browser, response)


def test_verify_token_that_verifies_nothing_and_a_signature_of_somebody_else(
    legacy_op: LegacyProvider, browser: Browser, after: Change
) -> None:
    after(path_of(backends.DoingItself))
    published = list(legacy_op.published_keys)
    legacy_op.rotate_keys(keep_old=False)
    legacy_op.published_keys = published

    assert sign_in_after(browser, legacy_op).status_code == 502
    assert browser.user is None


def test_verify_token_cannot_make_another_identity(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after(path_of(backends.AnotherSubject))

    sign_in_after(browser, legacy_op)

    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.issuer) == (ALICE.sub, legacy_op.issuer)


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"access_token": 5}, {"access_token": "a", "token_type": "mac"}])
def test_get_token_that_gives_something_else(
    legacy_op: LegacyProvider, browser: Browser, after: Change, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(backends.GivingTokens, "answer", answer)
    after(path_of(backends.GivingTokens))

    assert sign_in_after(browser, legacy_op).status_code == 502
    assert browser.user is None


@pytest.mark.parametrize(("status", "seen"), [(400, 502), (401, 502), (500, 503), (429, 503)])
def test_request_of_the_site_that_fails(
    legacy_op: LegacyProvider, browser: Browser, after: Change, witness: Witness, status: int, seen: int
) -> None:
    """Upstream's own error quotes the answer; neither page nor log does."""
    after(path_of(backends.DoingItself))
    legacy_op.bend("token", lambda good: Answer.of_json({"error": "canary of the provider"}, status=status))

    response = sign_in_after(browser, legacy_op)

    assert response.status_code == seen
    witness.assert_no_secrets(browser, response)


def test_request_of_the_site_without_an_answer(
    legacy_op: LegacyProvider, browser: Browser, after: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends.MakingRequests, "url", "http://127.0.0.1:1/")
    after(path_of(backends.MakingRequests))

    assert sign_in_after(browser, legacy_op).status_code == 503


# What an overridden `get_or_create_user` answers is judged, and nothing is left of what is refused.


@pytest.mark.parametrize(
    ("backend", "status"),
    [
        (backends.FindingNobody, 403),
        (backends.FindingInactive, 403),
        (backends.FindingAnother, 403),
        (backends.CollidingNames, 503),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_answer_that_is_refused_leaves_nothing(
    legacy_op: LegacyProvider, browser: Browser, after: Change, backend: type, status: int
) -> None:
    after(path_of(backend))

    assert sign_in_after(browser, legacy_op).status_code == status
    assert not get_user_model().objects.exists()
    assert not OAuthConnection.objects.exists()
    assert browser.user is None


def test_account_of_another_identity_is_not_given_away(
    legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change
) -> None:
    after(path_of(backends.FindingFirst))
    assert sign_in_after(Browser(), legacy_op).status_code == 302

    assert sign_in_after(browser, legacy_op, BOB.sub).status_code == 409
    assert OAuthConnection.objects.get().provider_user_id == ALICE.sub


def test_answer_that_differs_from_the_connection(
    legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change
) -> None:
    after()
    sign_in_after(Browser(), legacy_op)
    get_user_model().objects.filter(pk=existing.pk).update(email="moved@example.org")
    after(path_of(backends.DoingItself))

    assert sign_in_after(browser, legacy_op).status_code == 403, "the site's rule gives somebody new"
    assert get_user_model().objects.count() == 1


def test_domains_hold_whatever_the_site_finds(
    legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change, settings: Settings
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": {"allowed_email_domains": ["elsewhere.example"]}}
    after(path_of(backends.DoingItself))

    assert sign_in_after(browser, legacy_op).status_code == 403


def test_connecting_is_not_finding(legacy_op: LegacyProvider, browser: Browser, existing: Any, after: Change) -> None:
    """Upstream knew no connecting: its hook would make another account."""
    after(path_of(backends.DoingItself))
    sign_in_after(browser, legacy_op)

    begun = browser.begin("oidc", view="connect")
    browser.end(browser.authorize(legacy_op, begun, BOB.sub))

    assert get_user_model().objects.count() == 1
    assert OAuthConnection.objects.filter(user=existing).count() == 2


# The attributes that upstream's constructor sets.


def test_attributes_come_from_the_provider(legacy_op: LegacyProvider, after: Change) -> None:
    after()
    backend = OIDCLoginBackend()

    assert legacy_op.token_endpoint == backend.OIDC_OP_TOKEN_ENDPOINT
    assert f"{legacy_op.base_url}/userinfo" == backend.OIDC_OP_USER_ENDPOINT
    assert f"{legacy_op.base_url}/jwks" == backend.OIDC_OP_JWKS_ENDPOINT
    assert (backend.OIDC_RP_CLIENT_ID, backend.OIDC_RP_CLIENT_SECRET) == ("the site", SECRET)
    assert (backend.OIDC_RP_SIGN_ALGO, backend.OIDC_RP_IDP_SIGN_KEY) == ("RS256", None)
    assert legacy_op.requests == [], "the settings state them"


def test_what_the_site_says_of_attributes_wins(legacy_op: LegacyProvider, after: Change) -> None:
    after()
    backend = backends.AskingBase()

    assert backend.OIDC_RP_SIGN_ALGO == "assigned by the site"
    assert backend.OIDC_OP_USER_ENDPOINT == "https://directory.example/userinfo"
    assert f"{legacy_op.base_url}/jwks" == backend.OIDC_OP_JWKS_ENDPOINT


def test_backend_is_made_without_asking_anybody(
    legacy_op: LegacyProvider, after: Change, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    after()

    with django_assert_num_queries(0):
        OIDCLoginBackend()
        backends.AskingBase()

    assert legacy_op.requests == []


def test_attributes_without_upstreams_settings(settings: Settings) -> None:
    forge = {"class": "oidc_login.providers.GitHubProvider", "client_id": "forge", "client_secret": "x"}
    settings.OIDC_LOGIN_PROVIDERS = {"forge": forge}
    assert OIDCLoginBackend().OIDC_RP_CLIENT_ID == "forge"
    assert OIDCLoginBackend().OIDC_OP_JWKS_ENDPOINT is None
    assert OIDCLoginBackend().OIDC_RP_SIGN_ALGO is None

    settings.OIDC_LOGIN_PROVIDERS = {"forge": forge, "other": {**forge, "client_id": "other"}}
    with pytest.raises(ImproperlyConfigured, match="OIDC_RP_CLIENT_ID differs"):
        _ = OIDCLoginBackend().OIDC_RP_CLIENT_ID
