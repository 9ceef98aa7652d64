"""Access tokens for other APIs in exchange for that of a connection: RFC 8693, and Entra's on-behalf-of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.exceptions import ClientRefused, ExchangeRefused, Inactive, NeedsReauth, OAuthError, ProviderUnavailable
from oidc_login.models import OAuthConnection
from oidc_login.protocol.token_exchange import ACCESS_TOKEN, TOKEN_EXCHANGE
from oidc_login.testing import Answer
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider, configure
from tests.tokens.conftest import Connect

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
BILLING = "https://billing.example"
TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
EXCHANGED = {
    "access_token": "for-billing-1",
    "issued_token_type": ACCESS_TOKEN,
    "token_type": "Bearer",
    "expires_in": 300,
    "refresh_token": "never-kept",
}


@pytest.fixture
def connection(op: RecordingOpenIDProvider, settings: Settings, connect: Connect) -> OAuthConnection:
    """Somebody at a provider that offers token exchange and issues numbered tokens."""
    cache.clear()
    configure(settings, "op", metadata={"grant_types_supported": ["authorization_code", TOKEN_EXCHANGE]})
    issued = iter(range(1, 100))
    op.bend("token", lambda good: Answer.of_json({**EXCHANGED, "access_token": f"for-billing-{next(issued)}"}))
    return connect()


def forms(op: RecordingOpenIDProvider) -> list[dict[str, str]]:
    return [request.form for request in op.requests if request.path == "/token"]


def test_exchange_is_the_request_of_rfc_8693(op: RecordingOpenIDProvider, connection: OAuthConnection) -> None:
    token = connection.exchange(audience=BILLING, scope="invoices.read")

    assert (token.access_token, token.scope, token.refresh_token) == ("for-billing-1", "invoices.read", "")
    assert forms(op) == [
        {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": connection.access_token,
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": BILLING,
            "scope": "invoices.read",
        }
    ]
    assert "for-billing-1" not in repr(token)


def test_token_is_kept_encrypted_for_its_life(op: RecordingOpenIDProvider, connection: OAuthConnection) -> None:
    first = connection.exchange(audience=BILLING)

    again = OAuthConnection.objects.get().exchange(audience=BILLING)

    assert (again.access_token, again.scope) == (first.access_token, first.scope)
    assert again.access_token_expires_at == first.access_token_expires_at
    assert len(forms(op)) == 1
    kept = repr(getattr(cache, "_cache", {}))
    assert "oidc_login.exchanged" in kept
    assert "for-billing-1" not in kept and "never-kept" not in kept and connection.access_token not in kept


def changed_token(connection: OAuthConnection, op: RecordingOpenIDProvider) -> dict[str, str]:
    connection.access_token = "of a later sign-in"
    connection.save()
    return {"audience": BILLING}


OTHERS: dict[str, Callable[[OAuthConnection, RecordingOpenIDProvider], dict[str, str]]] = {
    "another audience": lambda connection, op: {"audience": "https://other.example"},
    "another scope": lambda connection, op: {"audience": BILLING, "scope": "invoices.write"},
    "another token": changed_token,
}


@pytest.mark.parametrize("case", list(OTHERS))
def test_token_from_the_cache_is_for_the_same_thing(
    op: RecordingOpenIDProvider, connection: OAuthConnection, case: str
) -> None:
    connection.exchange(audience=BILLING)
    wanted = OTHERS[case](connection, op)

    assert connection.exchange(**wanted).access_token == "for-billing-2"


@pytest.mark.parametrize("lifetime", [None, 20])
def test_token_without_a_known_life_is_not_kept(
    op: RecordingOpenIDProvider, connection: OAuthConnection, lifetime: int | None
) -> None:
    op.bend("token", lambda good: Answer.of_json({**EXCHANGED, "expires_in": lifetime}))
    for _time in range(2):
        connection.exchange(audience=BILLING)

    assert len(forms(op)) == 2


def test_keys_that_are_gone_only_cost_a_request(
    op: RecordingOpenIDProvider, connection: OAuthConnection, settings: Settings
) -> None:
    token = connection.access_token
    connection.exchange(audience=BILLING)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["x" * 50]
    connection.access_token = token
    connection.save()

    assert connection.exchange(audience=BILLING).access_token == "for-billing-2"


def test_provider_that_offers_none_is_not_asked(
    op: RecordingOpenIDProvider, connection: OAuthConnection, settings: Settings
) -> None:
    configure(settings, "op", metadata={})

    with pytest.raises(ExchangeRefused) as raised:
        connection.exchange(audience=BILLING)

    assert (raised.value.code, raised.value.reason, forms(op)) == ("exchange_refused", "grant_types_supported", [])


ANSWERS: list[tuple[Answer, type[OAuthError]]] = [
    (Answer.of_json({"error": "invalid_target"}, status=400), ExchangeRefused),
    (Answer.of_json({"error": "invalid_scope"}, status=400), ExchangeRefused),
    (Answer.of_json({"error": "invalid_grant"}, status=400), NeedsReauth),
    (Answer.of_json({"error": "interaction_required"}, status=400), NeedsReauth),
    (Answer.of_json({"error": "invalid_client"}, status=401), ClientRefused),
    (Answer(status=503, headers={}, body=b""), ProviderUnavailable),
    (Answer.of_json({**EXCHANGED, "issued_token_type": "urn:ietf:params:oauth:token-type:id_token"}), OAuthError),
    (Answer.of_json({**EXCHANGED, "token_type": "N_A"}), OAuthError),
]


@pytest.mark.parametrize(("answer", "error"), ANSWERS)
def test_exchange_that_is_refused(
    op: RecordingOpenIDProvider, connection: OAuthConnection, answer: Answer, error: type[OAuthError]
) -> None:
    op.bend("token", lambda good: answer)

    with pytest.raises(error) as raised:
        connection.exchange(audience=BILLING)

    assert "for-billing" not in repr(raised.value) + str(raised.value)
    assert OAuthConnection.objects.get().status == "ok"


def test_tokens_of_inactive_users_are_not_exchanged(op: RecordingOpenIDProvider, connection: OAuthConnection) -> None:
    connection.exchange(audience=BILLING)
    get_user_model().objects.update(is_active=False)

    with pytest.raises(Inactive):
        OAuthConnection.objects.get().exchange(audience=BILLING)
    assert len(forms(op)) == 1


def test_exchange_says_what_it_is_for(connection: OAuthConnection) -> None:
    with pytest.raises(ValueError, match="audience"):
        connection.exchange()


@pytest.mark.parametrize(
    ("wanted", "scope"),
    [
        ({"audience": "api://billing"}, "api://billing/.default"),
        ({"scope": "api://billing/invoices.read"}, "api://billing/invoices.read"),
    ],
)
def test_entra_acts_on_behalf_of_the_person(
    op: RecordingOpenIDProvider, connection: OAuthConnection, settings: Settings, wanted: Any, scope: str
) -> None:
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    settings.OIDC_LOGIN_PROVIDERS = {
        "op": {
            "class": "oidc_login.providers.MicrosoftProvider",
            "tenant": TENANT,
            "client_id": "client",
            "client_secret": CLIENT_SECRET,
            "metadata": {
                "issuer": issuer,
                "authorization_endpoint": op.authorization_endpoint,
                "token_endpoint": op.token_endpoint,
                "jwks_uri": f"{op.base_url}/jwks",
            },
        }
    }
    token = connection.access_token  # bound to the issuer of before
    connection.issuer = issuer
    connection.access_token = token
    op.clear()

    assert connection.exchange(**wanted).access_token.startswith("for-billing-")
    assert [{**form, "client_id": "", "client_secret": ""} for form in forms(op)] == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": token,
            "requested_token_use": "on_behalf_of",
            "scope": scope,
            "client_id": "",
            "client_secret": "",
        }
    ]
