"""Each OAuth 2.0 provider of the table, from the button to the API, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from oidc_login import providers
from oidc_login.exceptions import NeedsReauth, OAuthError
from oidc_login.models import OAuthConnection, Status
from oidc_login.providers import OAuth2Provider
from oidc_login.registry import get_provider
from oidc_login.testing import Answer, AuthorizationRefused
from tests.providers.oauth2_rows import MISSING, Row
from tests.providers.oauth2_service import OAuth2Service, oauth2_service
from tests.providers.oauth2_table import TABLE
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import CLIENT_SECRET

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

WITH_EMAIL = [row for row in TABLE if row.email]
WITH_REFRESH = [row for row in TABLE if row.provider_class.refresh_strategy != "none"]
FAULTS = [("code", 400, "code_refused"), ("client", 502, "client_refused")]


def ids(row: Any) -> str | None:
    return row.id if isinstance(row, Row) else None


def rows(chosen: Any = TABLE) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", chosen, ids=ids)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture
def service(row: Row, settings: Settings, witness: Witness) -> Iterator[OAuth2Service]:
    with oauth2_service(row, settings) as made:
        witness.providers.append(made.op)
        yield made


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_every_class_has_a_row() -> None:
    """GitHub has a provider of its own in `oidc_login.testing`, and tests of its own; PayPal is in the other table."""
    shipped = {getattr(providers, name) for name in providers.__all__ if name.endswith("Provider")}
    spoken = {cls for cls in shipped if issubclass(cls, OAuth2Provider) and not issubclass(cls, providers.OIDCProvider)}
    assert {row.provider_class for row in TABLE} == spoken - {
        OAuth2Provider,
        providers.GitHubProvider,
        providers.PayPalProvider,
    }


# Signing in.


@rows()
def test_signs_up_and_keeps_what_the_provider_said(
    service: OAuth2Service,
    row: Row,
    browser: Browser,
    witness: Witness,
) -> None:
    response = service.sign_in(browser)

    assert (response.status_code, response["Location"]) == (302, "/")
    connection = OAuthConnection.objects.get()
    assert (connection.provider_key, connection.provider_user_id) == ("it", row.identity)
    assert connection.issuer == service.op.base_url, "the settings name another server than the class"
    assert (connection.email, connection.email_verified) == (row.email, row.vouches)
    said = {"preferred_username": row.username, "name": row.name, "picture": row.picture}
    assert {name: connection.claims.get(name, "") for name in said} == said
    assert service.op.grants.of_access_token(connection.access_token) is not None
    assert connection.user == browser.user
    assert browser.user.email == (row.email if row.vouches else "")
    witness.assert_no_secrets(browser, response)


@rows()
def test_no_secret_and_no_code_is_in_an_address(service: OAuth2Service, row: Row) -> None:
    """RFC 6749 2.3.1 and RFC 6750 2.3; what Instagram wants for tokens of sixty days is an exception, and off."""
    if isinstance(get_provider("it"), providers.InstagramProvider):
        service.configure(long_lived_tokens=False)
    connection = service.signed_in()

    for request in service.op.requests:
        assert not {CLIENT_SECRET, connection.access_token} & set(dict(request.query_pairs).values())
        assert "code" not in dict(request.query_pairs)


@rows()
def test_same_person_after_everything_that_can_change_has_changed(
    service: OAuth2Service, row: Row, browser: Browser
) -> None:
    first = service.signed_in()
    service.change(row.renamed)

    assert service.sign_in(browser).status_code == 302

    assert browser.user == first.user
    assert OAuthConnection.objects.get().provider_user_id == row.identity


@rows()
def test_cancelling_is_no_error(service: OAuth2Service, row: Row, browser: Browser) -> None:
    def in_its_own_words(answer: Any) -> Any:
        return answer.with_(error=row.cancellation)

    with service.op.bend("authorize", in_its_own_words):
        response = service.sign_in(browser, user=None)

    assert (response.status_code, response["Location"]) == (302, "/oauth/")
    assert service.op.requests == []


# The address.


@rows(WITH_EMAIL)
def test_account_without_an_address_signs_up(service: OAuth2Service, row: Row, browser: Browser) -> None:
    service.change(row.without_email)

    assert service.sign_in(browser).status_code == 302

    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified, browser.user.email) == ("", False, "")


@rows(WITH_EMAIL)
def test_address_links_only_where_the_provider_vouches_for_it(
    service: OAuth2Service, row: Row, browser: Browser
) -> None:
    existing = get_user_model().objects.create_user("existing", row.email)

    response = service.sign_in(browser)

    assert response.status_code == (302 if row.vouches else 409)
    assert browser.user == (existing if row.vouches else None)


@rows([row for row in TABLE if row.unverified])
def test_unverified_address_links_nobody(service: OAuth2Service, row: Row, browser: Browser) -> None:
    existing = get_user_model().objects.create_user("existing", row.email)
    service.change(row.unverified)

    service.sign_in(browser)

    assert browser.user != existing
    assert not OAuthConnection.objects.filter(user=existing).exists()


@rows([row for row in TABLE if row.unverified])
def test_trust_does_not_overrule_a_provider_that_says_no(service: OAuth2Service, row: Row) -> None:
    service.configure(trust_email=True)
    service.change(row.unverified)

    connection = service.signed_in()

    assert not connection.email_verified


# Answers that are not good.


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS, ids=[row[0] for row in FAULTS])
@rows()
def test_error_in_its_own_style(
    service: OAuth2Service,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    fault: str,
    status: int,
    code: str,
) -> None:
    answer = browser.authorize(service.op, browser.begin("it"), "ada")

    with assert_nothing_changed(browser) as failure, service.refusing(fault):
        failure.response = browser.end(answer)

    assert failure.seen == (status, code)


@rows()
def test_code_works_once(service: OAuth2Service, browser: Browser) -> None:
    """The provider's own judgement, not a bent one."""
    answer = browser.authorize(service.op, browser.begin("it"), "ada")
    service.op.grants.redeem_code(answer["code"])

    assert browser.end(answer).status_code == 400


NOBODY = [MISSING, None, "", True, False, 1.5, [], ["7"], {}, {"id": 7}]


@rows()
def test_answer_about_nobody_is_refused(
    service: OAuth2Service,
    row: Row,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
) -> None:
    for value in NOBODY:
        service.change({row.identity_at: value})
        answer = browser.authorize(service.op, browser.begin("it"), "ada")

        with assert_nothing_changed(browser) as failure:
            failure.response = browser.end(answer)

        assert failure.seen == (502, "userinfo_invalid"), value


ODD_ANSWERS: tuple[Callable[[Answer], Answer], ...] = (
    lambda good: Answer.of_json({"message": "401: Unauthorized", "code": 0}, status=401),
    lambda good: Answer.of_json({"error": {"code": "access_token_invalid", "message": ""}}),
    lambda good: Answer.of_page("<p>Hello</p>"),
    lambda good: Answer.of_json([good.json]),
    lambda good: Answer.of_json("ada"),
    lambda good: Answer.of_json(None),
)


@rows()
def test_odd_user_info_is_refused(
    service: OAuth2Service,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
) -> None:
    for odd in ODD_ANSWERS:
        answer = browser.authorize(service.op, browser.begin("it"), "ada")

        with assert_nothing_changed(browser) as failure, service.op.bend("user", odd):
            failure.response = browser.end(answer)

        assert failure.seen == (502, "userinfo_invalid")


ODD_MEMBERS = [None, True, "text", [None], {"a": 1}]


@rows()
def test_no_form_of_a_member_is_a_crash(service: OAuth2Service, row: Row) -> None:
    """Whatever stands where something else is expected: a person or a refusal, and never a 500."""
    for name, (_, document) in row.answers.items():
        for member in document:
            for odd in ODD_MEMBERS:
                service.change({f"{name}/{member}": odd})
                assert service.sign_in(Browser()).status_code in (302, 409, 502)
    for odd in ODD_MEMBERS:
        for answer in (
            {"error": odd},
            {"error": {"code": odd, "error_subcode": odd, "message": odd}},
            {"error": "invalid_request", "error_description": odd},
            {"error_type": odd, "error_message": odd},
            {"code": odd},
            {"errors": odd},
            {"errors": [{"resource": odd}]},
            {"data": [odd], "scopes": odd, "permissions": odd},
        ):
            with service.op.bend("token", partial(answering, answer)):
                assert service.sign_in(Browser()).status_code in (400, 502)


def answering(answer: Any, good: Answer) -> Answer:
    return Answer.of_json(answer, status=400)


@rows([row for row in TABLE if row.refused])
def test_account_that_the_provider_has_blocked_is_refused(service: OAuth2Service, row: Row, browser: Browser) -> None:
    service.change(row.refused)

    assert service.sign_in(browser).status_code == 502


@rows()
def test_provider_that_is_down_can_be_tried_later(
    service: OAuth2Service,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
) -> None:
    answer = browser.authorize(service.op, browser.begin("it"), "ada")

    with assert_nothing_changed(browser) as failure, service.op.bend("user", lambda good: Answer(status=503, body=b"")):
        failure.response = browser.end(answer)

    assert failure.seen == (503, "provider_unavailable")


# Tokens for APIs.


@rows()
def test_token_opens_the_api(service: OAuth2Service) -> None:
    connection = service.signed_in()

    response = connection.session().get("things")

    assert (response.status_code, response.json()) == (200, {"things": []})
    assert list(connection.user.oauth_connections.filter(provider_key="it")) == [connection]


@rows()
def test_person_connects_for_the_api_alone(service: OAuth2Service, row: Row, browser: Browser) -> None:
    """Whoever is signed in already: the provider's address plays no part, and nobody signs up."""
    service.configure(allow_signup=False)
    owner = get_user_model().objects.create_user("owner", "owner@example.org")
    browser.log_in(owner)

    response = browser.connect(service.op, "it", user="ada")

    assert response.status_code == 302
    connection = owner.oauth_connections.get(provider_key="it")
    assert (connection.provider_user_id, connection.link_reason) == (row.identity, "connected")
    assert connection.session().get("things").status_code == 200


@rows([row for row in TABLE if row.shape.refresh_token_lifetime])
def test_expired_token_is_refreshed_before_the_api_is_called(service: OAuth2Service) -> None:
    token = service.signed_in().access_token
    an_hour_ago = timezone.now() - timedelta(hours=1)
    OAuthConnection.objects.update(access_token_expires_at=an_hour_ago, last_login_at=an_hour_ago)
    connection = OAuthConnection.objects.select_related("user").get()

    assert connection.session().get("things").status_code == 200

    assert connection.access_token != token
    assert service.op.asked()[-2:] == ["token", "things"]


@rows()
def test_granted_scope_is_known(service: OAuth2Service, row: Row) -> None:
    """By the names that it was asked for, however the provider writes them."""
    connection = service.signed_in()

    provider = get_provider("it")
    assert connection.has_scopes(*provider.get_scope().split())


@rows(WITH_REFRESH)
def test_tokens_are_refreshed_the_way_the_provider_wants(service: OAuth2Service, row: Row) -> None:
    connection = service.signed_in()
    before = connection.access_token, connection.refresh_token

    connection.refresh_access_token()

    connection.refresh_from_db()
    assert connection.access_token != before[0]
    assert service.op.grants.of_access_token(connection.access_token) is not None
    rotated = row.shape.refresh_token_lifetime is not None and row.shape.rotates_refresh_tokens
    assert (connection.refresh_token != before[1]) is rotated
    assert bool(connection.refresh_token) is (row.provider_class.refresh_strategy == "standard")
    assert connection.session().get("/things").status_code == 200


@rows(WITH_REFRESH)
def test_ended_grant_needs_its_person(service: OAuth2Service) -> None:
    """The provider's refusal is understood in whatever form it comes."""
    connection = service.signed_in()
    service.op.grants.revoke_user("ada")

    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    connection.refresh_from_db()
    assert connection.status == Status.NEEDS_REAUTH


@rows([row for row in TABLE if row.provider_class.refresh_strategy == "none"])
def test_provider_without_refresh_is_not_asked(service: OAuth2Service) -> None:
    connection = service.signed_in()
    asked = len(service.op.requests)

    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    assert len(service.op.requests) == asked
    assert connection.session().get("things").status_code == 200


@rows([row for row in TABLE if row.provider_class.refresh_strategy == "exchange_self"])
def test_token_that_expired_cannot_be_exchanged(service: OAuth2Service) -> None:
    connection = service.signed_in()
    OAuthConnection.objects.update(access_token_expires_at=timezone.now())
    asked = len(service.op.requests)

    with pytest.raises(NeedsReauth):
        OAuthConnection.objects.get().refresh_access_token()

    assert len(service.op.requests) == asked
    connection.refresh_from_db()
    assert connection.status == Status.NEEDS_REAUTH


@rows()
def test_tokens_are_taken_back_where_the_provider_offers_it(service: OAuth2Service, row: Row) -> None:
    connection = service.signed_in()
    token = connection.access_token

    connection.revoke()

    offered = bool(row.shape.revocation_path)
    assert (service.op.grants.of_access_token(token) is None) is (offered and not connection.refresh_token)
    assert ("revocation" in service.op.asked()) is offered
    assert (connection.status, connection.access_token) == (Status.REVOKED, "")


# What a class overrides.

# Looks, addresses and words; and what has tests of its own in test_oauth2_quirks and tests/login/test_servers.
DECLARATIONS = {
    "display_name", "brand_color", "monogram", "default_scope", "mapping", "api_base_url", "unused_arguments",
    "home", "refresh_ahead", "refresh_interval", "response_parameters", "narrowed_scope",
}  # fmt: skip


def overrides(row: Row) -> list[str]:
    """What the class of a row has in place of what OAuth 2.0 providers have."""
    own: dict[str, Any] = {}
    for base in row.provider_class.__mro__[: row.provider_class.__mro__.index(OAuth2Provider)]:
        own = {**vars(base), **own}
    inherited = {name for name in own if hasattr(OAuth2Provider, name) and not name.startswith("__")}
    return sorted(name for name in inherited - DECLARATIONS if not name.endswith("_endpoint"))


OVERRIDES = [(row, name) for row in TABLE for name in overrides(row)]


class Life:
    """Everything that happens between a site and a provider, as it went."""

    def __init__(self, service: OAuth2Service) -> None:
        self.service = service
        self.seen: list[Any] = []

    def run(self) -> list[Any]:
        row = self.service.row
        for change in (row.unverified, row.refused, {}):
            self.note(self.change, change)
        self.note(self.sign_in)
        self.note(self.call)
        self.note(self.refresh)
        self.note(self.revoke)
        for fault in ("code", "client"):
            self.note(self.fail, fault)
        self.note(self.cancel)
        self.note(self.sign_in)
        self.service.op.grants.revoke_user("ada")
        self.note(self.refresh)
        return self.seen

    def note(self, step: Callable[..., Any], *arguments: Any) -> None:
        try:
            self.seen.append(step(*arguments))
        except (OAuthError, AssertionError, AuthorizationRefused, OAuthConnection.DoesNotExist) as error:
            self.seen.append(type(error).__name__)

    def connection(self) -> OAuthConnection:
        return OAuthConnection.objects.select_related("user").get()

    def change(self, change: Any) -> Any:
        self.service.change(change)
        return self.service.sign_in(Browser()).status_code, self.connection().email_verified

    def sign_in(self) -> Any:
        browser = Browser()
        status = self.service.sign_in(browser).status_code
        connection = self.connection()
        told = {**connection.claims, "id": connection.provider_user_id, "verified": connection.email_verified}
        moments = (connection.access_token_expires_at, connection.refresh_token_expires_at)
        days = [moment and (moment - timezone.now()).days for moment in moments]
        scopes = connection.scope, connection.has_scopes(*get_provider("it").get_scope().split())
        return status, "code_challenge" in browser.begun[0], told, scopes, days

    def call(self) -> Any:
        return self.connection().session().get("things").status_code

    def refresh(self) -> Any:
        connection = self.connection()
        connection.refresh_access_token()
        return bool(connection.access_token), bool(connection.refresh_token), connection.scope

    def revoke(self) -> Any:
        connection = self.connection()
        token = connection.access_token
        connection.revoke()
        return self.service.op.grants.of_access_token(token) is None

    def fail(self, fault: str) -> Any:
        with self.service.refusing(fault):
            response = self.service.sign_in(Browser())
        return response.status_code, response.context["oauth_error"].code

    def cancel(self) -> Any:
        with self.service.op.bend("authorize", lambda answer: answer.with_(error=self.service.row.cancellation)):
            return self.service.sign_in(Browser(), user=None).status_code


@pytest.mark.parametrize(("row", "name"), OVERRIDES, ids=[f"{row.id}-{name}" for row, name in OVERRIDES])
def test_every_override_is_needed(row: Row, name: str, settings: Settings) -> None:
    """Without it something of what the provider does would go another way."""
    if (row.id, name) == ("Mastodon", "refresh_strategy"):
        pytest.skip("there are no refresh tokens anyway: it is declared to be told")

    with oauth2_service(row, settings) as service:
        good = Life(service).run()
    get_user_model().objects.all().delete()
    with oauth2_service(row, settings, without(row, name)) as service:
        assert Life(service).run() != good


def without(row: Row, name: str) -> type[OAuth2Provider]:
    """The class of a row with what it would inherit."""
    lineage = row.provider_class.__mro__
    own = next(position for position, base in enumerate(lineage) if name in vars(base))
    inherited = next(vars(base)[name] for base in lineage[own + 1 :] if name in vars(base))
    return type("Without", (row.provider_class,), {name: inherited})
