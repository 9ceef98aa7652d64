"""Classes that find the issuer of a realm or a pool from what their consoles show."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.providers import CognitoProvider, KeycloakProvider, OIDCProvider


def issuer_of(provider_class: type[OIDCProvider], **arguments: Any) -> str:
    provider = provider_class(provider_key="op", client_id="client", **arguments)
    (issuer,) = provider.get_possible_issuers()
    assert provider.discovery_url == f"{issuer}/.well-known/openid-configuration"
    return issuer


@pytest.mark.parametrize(
    ("base_url", "realm", "issuer"),
    [
        ("https://id.example", "staff", "https://id.example/realms/staff"),
        ("https://id.example/", "staff", "https://id.example/realms/staff"),
        ("https://id.example/auth/", "staff", "https://id.example/auth/realms/staff"),
        ("https://id.example:8443", "our people", "https://id.example:8443/realms/our%20people"),
        ("https://id.example", "a/b", "https://id.example/realms/a%2Fb"),
    ],
)
def test_keycloaks_issuer_is_that_of_the_realm(base_url: str, realm: str, issuer: str) -> None:
    assert issuer_of(KeycloakProvider, base_url=base_url, realm=realm) == issuer


@pytest.mark.parametrize(
    ("arguments", "issuer"),
    [
        (
            {"user_pool_id": "eu-central-1_AbC123"},
            "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123",
        ),
        (
            {"issuer": "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_X"},
            "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_X",
        ),
    ],
)
def test_cognitos_issuer_is_that_of_the_pool(arguments: dict[str, Any], issuer: str) -> None:
    assert issuer_of(CognitoProvider, **arguments) == issuer
