"""The system checks name the fields that nobody fills, and are silent where the site fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks

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
