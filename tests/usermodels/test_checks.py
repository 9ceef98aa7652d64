"""The system checks name the fields that nobody fills, and are silent where the site fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks

from oidc_login.exceptions import EmailRequired
from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuthProvider, OAuthToken, OAuthUser
from tests.usermodels.models import WithAddress
from tests.usermodels.support import UseModel

if TYPE_CHECKING:
    from pytest_django import Settings

ENTRY = {"issuer": "https://op.example", "client_id": "client", "client_secret": "a secret of thirty-two bytes or more"}


def found(settings: Settings, **arguments: Any) -> list[tuple[str, str]]:
    """Return the number of each message, and the field that it names."""
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**ENTRY, **arguments}}
    messages = run_checks(tags=["oidc_login"], databases=[])
    return [(str(message.id).removeprefix("oidc_login."), message.msg.split("'")[1]) for message in messages]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("WithBirthday", [("W200", "birthday")]),
        ("Employee", [("W200", "company")]),
        ("WithPhone", [("W201", "phone")]),
        ("Validated", []),
        ("WithTenant", []),
        ("Filled", []),
    ],
)
def test_field_that_nobody_fills(
    settings: Settings, use_model: UseModel, model: str, expected: list[tuple[str, str]]
) -> None:
    use_model(model)

    assert found(settings) == expected


@pytest.mark.parametrize("allow_signup", [False, None])
def test_nothing_to_fill_where_nobody_signs_up(
    settings: Settings, use_model: UseModel, allow_signup: bool | None
) -> None:
    use_model("WithBirthday")
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False

    assert found(settings, allow_signup=allow_signup) == []
    assert found(settings, allow_signup=True) == [("W200", "birthday")]


@pytest.mark.parametrize("name", ["TakingHandles", "DoingAll"])
def test_backend_that_makes_its_users_itself(settings: Settings, use_model: UseModel, name: str) -> None:
    use_model("WithBirthday")
    settings.AUTHENTICATION_BACKENDS = [f"tests.usermodels.backends.{name}"]

    assert found(settings) == []


def test_providers_of_a_loader_open_accounts_too(settings: Settings, use_model: UseModel) -> None:
    use_model("WithBirthday")
    settings.OIDC_LOGIN_PROVIDERS = {}
    settings.OIDC_LOGIN_PROVIDER_LOADER = "tests.linking.accounts.says_yes"

    assert "oidc_login.W200" in [message.id for message in run_checks(tags=["oidc_login"], databases=[])]


class Forge(OAuthProvider):
    authorization_url = "https://forge.example/authorize"

    def get_oauth_token(self, *, code: str, request: Any) -> OAuthToken:
        return OAuthToken("access")

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(id=7, email="jo@example.org", username="jo")


@pytest.mark.django_db
def test_unique_address_needs_a_word_about_the_provider(settings: Settings, use_model: UseModel) -> None:
    """Without it nobody could sign up, and with it they can."""

    def told(**arguments: Any) -> bool:
        entry = {"class": f"{__name__}.Forge", "client_id": "client", "client_secret": "the secret", **arguments}
        settings.OIDC_LOGIN_PROVIDERS = {"forge": entry}
        return "oidc_login.W152" in [message.id for message in run_checks(tags=["oidc_login"], databases=[])]

    jo: dict[str, Any] = {
        "provider_key": "forge",
        "oauth_token": OAuthToken("access"),
        "oauth_user": OAuthUser(7, "jo@example.org"),
    }
    assert not told(), "the usual user model needs no address"
    use_model("WithAddress")
    assert not told(trust_email=False)
    assert not told(allow_signup=False)

    assert told()
    with pytest.raises(EmailRequired):
        OAuthConnection.get_or_createuser(**jo)

    assert not told(trust_email=True)
    OAuthConnection.get_or_createuser(**jo)
    assert WithAddress.objects.get().address == "jo@example.org"
