"""Fixtures for a site's own tests with pytest-django. Nothing is loaded or changed unless a test uses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from oidc_login.testing.openid import OpenIDProvider

SignInAs = Callable[..., "Client"]


@pytest.fixture
def oidc_provider(settings: Any) -> Iterator[OpenIDProvider]:
    """A served OpenID provider that replaces all OpenID providers of the site.

    If the site has none, one with the key "op" is added.
    """
    from oidc_login.testing.site import served_for_site

    with served_for_site() as (provider, configuration):
        settings.OIDC_LOGIN_PROVIDERS = configuration
        yield provider


@pytest.fixture
def sign_in_as(oidc_provider: OpenIDProvider, db: None) -> SignInAs:
    """Sign a person in with these claims, and return their client."""
    from oidc_login.testing.site import sign_in_with

    def sign_in(
        claims: Mapping[str, Any] | None = None, *, groups: Sequence[str] | None = None, provider: str | None = None
    ) -> Client:
        return sign_in_with(oidc_provider, claims, groups=groups, provider_key=provider)

    return sign_in


@pytest.fixture
def signed_in_client(sign_in_as: SignInAs) -> Client:
    """The client of a person who is signed in."""
    return sign_in_as()
