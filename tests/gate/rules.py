"""The rules of the gate: each forbids something to the site, after the person or the account is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from oidc_login.mozilla.provider import EndpointsProvider
from oidc_login.providers import GoogleProvider, MicrosoftProvider
from tests.one_tap.page import OneTapProvider

if TYPE_CHECKING:
    from tests.gate.world import World

TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
Rule = Callable[["World"], None]


class OneTenant(OneTapProvider):
    """Lets one tenant in, by the rule of the shipped class; the ID tokens of the tests name no tenant."""

    tenant, is_shared, allowed_tenants = "common", True, frozenset({TENANT})
    check_claims = MicrosoftProvider.check_claims


class OneDomain(OneTapProvider):
    """Lets one Workspace domain in, by the rule of the shipped class."""

    hosted_domain = "corp.example"
    check_claims = GoogleProvider.check_claims


class OneTenantByEndpoints(OneTenant, EndpointsProvider):
    """The same for a provider of which the site knows the endpoints."""


class OneDomainByEndpoints(OneDomain, EndpointsProvider):
    """The same for a provider of which the site knows the endpoints."""


# Backends of a site. Each is mixed into the backend that an entrance needs (see `World.use_backend`).


class Refusing(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return False


class Banning(OIDCLoginBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return False


def inactive(world: World) -> None:
    get_user_model().objects.filter(username="local").update(is_active=False)


def domain(world: World) -> None:
    world.configure(allowed_email_domains=["corp.example"])


def tenant(world: World) -> None:
    world.configure(**{"class": f"{__name__}.OneTenant{'ByEndpoints' if world.key == 'oidc' else ''}"})


def hosted_domain(world: World) -> None:
    world.configure(**{"class": f"{__name__}.OneDomain{'ByEndpoints' if world.key == 'oidc' else ''}"})


def groups(world: World) -> None:
    """The claims of the tests name no groups."""
    world.configure(groups_claim="groups", groups_missing="refuse")


def verify_claims(world: World) -> None:
    world.use_backend(Refusing)


def user_can_authenticate(world: World) -> None:
    world.use_backend(Banning)


def staff(world: World) -> None:
    get_user_model().objects.filter(username="local").update(is_staff=True, is_superuser=True)


def second_identity(world: World) -> None:
    """The account has another identity of the same provider already."""
    user = get_user_model().objects.filter(username="local").first()
    if user is not None:
        OAuthConnection.objects.create(
            user=user, provider_key=world.key, issuer=world.op.issuer, provider_user_id="who had the address before"
        )


def never(world: World) -> None:
    world.settings.OIDC_LOGIN_EMAIL_LINKING = "never"


def private_address(world: World) -> None:
    """The provider is on loopback; nothing that was read from it before is left."""
    cache.clear()
    world.configure(refuse_private_addresses=True)


def login_off(world: World) -> None:
    world.configure(allow_login=False)


def signup_closed(world: World) -> None:
    world.settings.OIDC_LOGIN_ALLOW_SIGNUP = False


RULES: Mapping[str, Rule] = {
    "inactive account": inactive,
    "email domain": domain,
    "tenant": tenant,
    "hosted domain": hosted_domain,
    "`groups_missing`": groups,
    "`verify_claims`": verify_claims,
    "`user_can_authenticate`": user_can_authenticate,
    "staff": staff,
    "second identity": second_identity,
    "linking `never`": never,
    "private address": private_address,
    "sign-up closed": signup_closed,
    "`allow_login`": login_off,
}
