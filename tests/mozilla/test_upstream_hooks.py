"""Backends written for mozilla-django-oidc, moved here by changing their base class alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import SuspiciousOperation
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from oidc_login.backends import OIDCLoginBackend
from oidc_login.testing import OpenIDProvider, User, serve

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

from oidc_login.testing import sign_in

pytestmark = pytest.mark.django_db


class DocumentedBackend(OIDCLoginBackend):
    """As upstream's documentation shows it: extra claims on the user, a rule for who may sign in."""

    def create_user(self, claims: dict[str, Any]) -> Any:
        user: Any = super().create_user(claims)
        user.first_name = claims.get("given_name", "")
        user.last_name = claims.get("family_name", "")
        user.save()
        return user

    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        user.first_name = claims.get("given_name", "")
        user.last_name = claims.get("family_name", "")
        user.save()
        return user

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        verified = super().verify_claims(claims)
        return verified and "admin" in claims.get("groups", [])


class FindingBySubject(OIDCLoginBackend):
    """As sites do that keep `sub` in their own column, here the user name."""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        sub = claims.get("sub")
        if not sub:
            return self.UserModel.objects.none()
        return self.UserModel.objects.filter(username=sub)

    def create_user(self, claims: dict[str, Any]) -> Any:
        return self.UserModel.objects.create_user(claims["sub"], email=claims.get("email"))


class RefusingStrangers(OIDCLoginBackend):
    def create_user(self, claims: dict[str, Any]) -> Any:
        raise SuspiciousOperation("there is no account")


@pytest.fixture(scope="module")
def served() -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider()
    with serve(provider):
        yield provider


@pytest.fixture
def op(served: OpenIDProvider, settings: Settings) -> OpenIDProvider:
    claims = {"given_name": "Alice", "family_name": "Ash", "groups": ["admin"]}
    served.users.add(User("alice", email="alice@example.org", email_verified=True, claims=claims))
    settings.OIDC_LOGIN_PROVIDERS = {"op": {"issuer": served.issuer, "client_id": "client", "client_secret": "secret"}}
    return served


def use(settings: Settings, backend: type[OIDCLoginBackend]) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend.__name__}"]


def test_documented_backend(op: OpenIDProvider, client: Client, settings: Settings) -> None:
    use(settings, DocumentedBackend)

    assert sign_in(client, op).status_code == 302
    user = get_user_model().objects.get()
    assert (user.first_name, user.last_name) == ("Alice", "Ash")

    op.users.change("alice", claims={"given_name": "Alicia", "groups": ["admin"]})
    client.logout()
    assert sign_in(client, op).status_code == 302
    user.refresh_from_db()
    assert (user.first_name, user.last_name) == ("Alicia", "")

    op.users.change("alice", claims={"groups": []})
    client.logout()
    assert sign_in(client, op).status_code == 403


def test_users_found_by_subject(op: OpenIDProvider, client: Client, settings: Settings) -> None:
    use(settings, FindingBySubject)
    existing = get_user_model().objects.create_user("alice")

    assert sign_in(client, op).status_code == 302
    assert int(client.session["_auth_user_id"]) == existing.pk

    existing.delete()
    client.logout()
    assert sign_in(client, op).status_code == 302
    assert get_user_model().objects.get().username == "alice"


def test_strangers_refused_by_exception(op: OpenIDProvider, client: Client, settings: Settings) -> None:
    use(settings, RefusingStrangers)

    assert sign_in(client, op).status_code == 403
    assert not get_user_model().objects.exists()


def test_backend_is_an_instance_of_upstreams() -> None:
    """Upstream's DRF authentication and middleware look for that."""
    assert isinstance(OIDCLoginBackend(), OIDCAuthenticationBackend)
