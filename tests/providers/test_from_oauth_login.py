"""Provider classes written for django-oauth-login: what works unchanged, and what `check` says of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks

from oidc_login.exceptions import OAuthError
from oidc_login.providers import OAuthProvider, OAuthToken, OAuthUser, get_provider
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

TEXT = "A verified primary <address> is required on Forge"


class ForgeProvider(OAuthProvider):
    authorization_url = "https://forge.example/authorize"

    def get_oauth_token(self, *, code: str, request: Any) -> OAuthToken:
        return OAuthToken(access_token=f"token for {self.client_secret}")

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        raise OAuthError(TEXT)


class OldForgeProvider(ForgeProvider):
    def generate_state(self) -> str:
        return "always the same"

    def handle_login_request(self, *, request: Any) -> None: ...

    def get_login_redirect_url(self, *, request: Any) -> str:
        return "/"


def entry(provider_class: type) -> dict[str, Any]:
    path = f"{provider_class.__module__}.{provider_class.__name__}"
    return {"forge": {"class": path, "client_id": "client", "client_secret": "the secret"}}


def found() -> dict[str, Any]:
    return {str(message.id).partition(".")[2]: message for message in run_checks(tags=["oidc_login"])}


def test_secret_is_an_attribute(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(ForgeProvider)
    assert getattr(get_provider("forge"), "client_secret") == "the secret"  # noqa: B009

    settings.OIDC_LOGIN_PROVIDERS["forge"]["client_secret"] = ["new", "old"]
    assert getattr(get_provider("forge"), "client_secret") == "new"  # noqa: B009


@pytest.mark.django_db
def test_person_sees_the_sites_own_text(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(ForgeProvider)
    browser = Browser()
    state = dict(pair.split("=") for pair in browser.begin("forge")["Location"].partition("?")[2].split("&"))["state"]

    response = browser.get(f"/oauth/forge/callback/?code=x&state={state}", cross_site=True)

    assert response.status_code == 400
    assert "A verified primary &lt;address&gt; is required on Forge" in response.content.decode()


def test_text_of_the_packages_own_errors_is_fixed() -> None:
    class OwnError(OAuthError):
        message = "Fixed."

    assert str(OwnError("a reason for the log")) == "Fixed."
    assert str(OAuthError()) == "Signing in did not work. Please try again."


def test_overrides_that_are_never_called(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(OldForgeProvider)
    message = found()["W151"]

    assert "'generate_state', 'handle_login_request'" in message.msg
    assert "'get_login_redirect_url'" in message.msg
    assert "get_authorization_url_params" in message.hint
    assert "LOGIN_REDIRECT_URL" in message.hint

    settings.OIDC_LOGIN_PROVIDERS = entry(ForgeProvider)
    assert "W151" not in found()


def test_leftover_setting(settings: Settings) -> None:
    assert "W150" not in found()
    settings.OAUTH_LOGIN_PROVIDERS = {"forge": {"class": "x", "kwargs": {}}}
    assert "W150" in found()
