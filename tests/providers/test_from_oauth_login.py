"""Provider classes written for django-oauth-login: what works unchanged, and what `check` says of the rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.checks import run_checks

from oidc_login.exceptions import (
    ConfirmLink,
    ConnectUserChanged,
    EmailNotVerified,
    IdentityTaken,
    OAuthError,
    RefusedBySite,
    UserInfoInvalid,
)
from oidc_login.models import OAuthConnection
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


class ForgeError(OAuthError):
    """A site's own subclass, as django-oauth-login's sites have them."""


class ForgeWithOwnError(ForgeProvider):
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        raise ForgeError(TEXT)


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
@pytest.mark.parametrize("provider_class", [ForgeProvider, ForgeWithOwnError])
def test_person_sees_the_sites_own_text(settings: Settings, provider_class: type) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(provider_class)
    browser = Browser()
    state = dict(pair.split("=") for pair in browser.begin("forge")["Location"].partition("?")[2].split("&"))["state"]

    response = browser.get(f"/oauth/forge/callback/?code=x&state={state}", cross_site=True)

    assert response.status_code == 400
    assert "A verified primary &lt;address&gt; is required on Forge" in response.content.decode()


def test_text_of_the_packages_own_errors_is_fixed() -> None:
    class OwnError(OAuthError):
        message = "Fixed."

    assert str(OwnError("a reason for the log")) == "Fixed."
    assert str(RefusedBySite("a reason for the log")) == str(RefusedBySite())
    assert str(type("Inner", (RefusedBySite,), {})("a reason for the log")) == str(RefusedBySite())
    assert str(type("Inner", (OAuthError,), {"__module__": "oidc_login.inner"})("for the log")) == str(OAuthError())
    assert str(OAuthError()) == "Signing in did not work. Please try again."


@pytest.mark.django_db  # newer versions of Django check the database too
def test_overrides_that_are_never_called(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(OldForgeProvider)
    message = found()["W151"]

    assert "'generate_state', 'handle_login_request'" in message.msg
    assert "'get_login_redirect_url'" in message.msg
    assert "get_authorization_url_params" in message.hint
    assert "LOGIN_REDIRECT_URL" in message.hint

    settings.OIDC_LOGIN_PROVIDERS = entry(ForgeProvider)
    assert "W151" not in found()


@pytest.mark.django_db  # newer versions of Django check the database too
def test_attributes_that_no_override_makes_callable(settings: Settings) -> None:
    """What could be called in the place of the method is named; a value of the site's own is not."""
    called = {"generate_state": staticmethod(lambda: "always the same"), "login": partial(print, "in")}
    settings.OIDC_LOGIN_PROVIDERS = entry(stated(type("OldForge", (ForgeProvider,), called)))
    assert "'generate_state', 'login'" in found()["W151"].msg

    settings.OIDC_LOGIN_PROVIDERS = entry(
        stated(type("OldForge", (ForgeProvider,), {"login": "https://forge.example"}))
    )
    assert "W151" not in found()


def stated(provider_class: type) -> type:
    """Let the settings find a class by its path."""
    provider_class.__module__ = __name__
    globals()[provider_class.__name__] = provider_class
    return provider_class


@pytest.mark.django_db  # newer versions of Django check the database too
def test_leftover_setting(settings: Settings) -> None:
    assert "W150" not in found()
    settings.OAUTH_LOGIN_PROVIDERS = {"forge": {"class": "x", "kwargs": {}}}
    assert "W150" in found()


# The methods of the model.

PERSON = OAuthUser(id=7, email="jo@example.org", username="jo")


def arguments(person: OAuthUser = PERSON, token: str = "first", refresh_token: str = "") -> dict[str, Any]:
    return {
        "provider_key": "forge",
        "oauth_token": OAuthToken(token, refresh_token=refresh_token),
        "oauth_user": person,
    }


@pytest.fixture
def forge(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = entry(ForgeProvider)


@pytest.mark.django_db
def test_get_or_createuser_signs_up_and_finds_again(forge: None) -> None:
    made = OAuthConnection.get_or_createuser(**arguments(refresh_token="refreshing"))
    again = OAuthConnection.get_or_createuser(**arguments(token="second"))

    assert again == made == OAuthConnection.objects.get()
    assert (made.user.get_username(), made.link_reason) == ("jo", "signed_up")
    assert (made.provider_user_id, made.email, made.email_verified) == ("7", PERSON.email, False)
    stored = OAuthConnection.objects.get()
    assert (stored.access_token, stored.refresh_token) == ("second", "refreshing")
    assert "second" not in str(OAuthConnection.objects.values_list("access_token").get())
    assert get_user_model()._default_manager.get().email == "", "nobody vouches for the address"


@pytest.mark.django_db
def test_get_or_createuser_links_only_a_verified_address(forge: None, settings: Settings) -> None:
    jo = get_user_model().objects.create_user("the other jo", PERSON.email)
    with pytest.raises(EmailNotVerified):
        OAuthConnection.get_or_createuser(**arguments())
    assert not OAuthConnection.objects.exists()

    settings.OIDC_LOGIN_PROVIDERS["forge"] = {**settings.OIDC_LOGIN_PROVIDERS["forge"], "trust_email": True}
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.gate.entrances.is_unconfirmed"
    with pytest.raises(ConfirmLink):
        OAuthConnection.get_or_createuser(**arguments())
    assert not OAuthConnection.objects.exists()

    del settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED
    assert OAuthConnection.get_or_createuser(**arguments()).user == jo


@pytest.mark.django_db
def test_connect_gives_nobody_the_identity_of_another(forge: None) -> None:
    jo, ann = (get_user_model().objects.create_user(name) for name in ("jo", "ann"))
    made = OAuthConnection.connect(user=jo, **arguments())
    assert (made.user, made.link_reason, made.access_token) == (jo, "hook", "first")

    with pytest.raises(IdentityTaken):
        OAuthConnection.connect(user=ann, **arguments(token="of ann"))
    assert OAuthConnection.objects.get().access_token == "first"

    OAuthConnection.connect(user=jo, **arguments(token="second"))
    assert OAuthConnection.objects.get().access_token == "second"


@pytest.mark.django_db
def test_connect_needs_a_stored_user_and_an_identity(forge: None, settings: Settings) -> None:
    jo = get_user_model().objects.create_user("jo")
    for user in (None, get_user_model()(username="unsaved"), AnonymousUser()):
        with pytest.raises(ConnectUserChanged):
            OAuthConnection.connect(user=user, **arguments())
    for person in (OAuthUser(id=""), OAuthUser(id=True)):
        with pytest.raises(UserInfoInvalid):
            OAuthConnection.connect(user=jo, **arguments(person))
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    with pytest.raises(RefusedBySite):
        OAuthConnection.connect(user=jo, **arguments())
    assert not OAuthConnection.objects.exists()


@pytest.mark.django_db
def test_fields_of_the_model(forge: None) -> None:
    connection = OAuthConnection(user=get_user_model().objects.create_user("jo"), provider_key="forge")
    connection.set_token_fields(OAuthToken("access", refresh_token="refreshing"))
    connection.set_user_fields(PERSON)
    connection.save()
    connection.set_token_fields(OAuthToken("newer"))
    connection.set_user_fields(PERSON)
    assert (connection.provider_user_id, connection.access_token) == ("7", "newer")
    assert connection.refresh_token == "refreshing"

    connection.set_user_fields(OAuthUser(id=8))
    assert (connection.provider_user_id, connection.access_token, connection.refresh_token) == ("8", "", "")
    with pytest.raises(UserInfoInvalid):
        connection.set_user_fields(OAuthUser(id=""))
