"""Google: the hosted domain is what the claim says, and its issuer has two spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.protocol.errors import InvalidIDToken
from oidc_login.providers import GoogleProvider
from oidc_login.testing import OpenIDProvider, UnsignedToken
from tests.providers.flows import asked_parameters, exchange, request_with_flow
from tests.providers.openid_service import openid_service
from tests.providers.openid_table import GOOGLE
from tests.support.signing import ids

if TYPE_CHECKING:
    from pytest_django import Settings


def google(op: OpenIDProvider | None = None, **changes: Any) -> GoogleProvider:
    """Google's class in front of a provider on loopback, or as it is."""
    address = {} if op is None else {"discovery_url": op.discovery_url}
    arguments = {"provider_key": "google", "client_id": "client", "client_secret": "secret", **address}
    return GoogleProvider(**{**arguments, **changes})


DOMAINS: list[tuple[str, str, Any, bool]] = [
    ("nobody asked", "", "other.example", True),
    ("nobody asked, a private account", "", None, True),
    ("the domain", "corp.example", "corp.example", True),
    ("the domain in other case", "Corp.example", "CORP.example", True),
    ("another domain", "corp.example", "evil.example", False),
    ("a subdomain", "corp.example", "sub.corp.example", False),
    ("a longer domain", "corp.example", "notcorp.example", False),
    ("a private account", "corp.example", None, False),
    ("an empty claim", "corp.example", "", False),
    ("a list", "corp.example", ["corp.example"], False),
    ("true", "corp.example", True, False),
    ("any Workspace", "*", "whatever.example", True),
    ("any Workspace, a private account", "*", None, False),
    ("any Workspace, an empty claim", "*", "", False),
    ("a claim of a star", "corp.example", "*", False),
]


@pytest.mark.parametrize(("hosted_domain", "hd", "accepted"), [row[1:] for row in DOMAINS], ids=ids(DOMAINS))
def test_the_claim_decides_about_the_hosted_domain(hosted_domain: str, hd: Any, accepted: bool) -> None:
    claims = {"email": "alice@corp.example", "email_verified": True} | ({} if hd is None else {"hd": hd})
    assert google(hosted_domain=hosted_domain).check_claims(claims) is accepted


@pytest.mark.parametrize(("hosted_domain", "sent"), [("corp.example", "corp.example"), ("*", "*"), ("", None)])
def test_the_parameter_is_a_hint_for_the_account_chooser(
    op: OpenIDProvider, hosted_domain: str, sent: str | None
) -> None:
    assert asked_parameters(google(op, hosted_domain=hosted_domain)).get("hd") == sent


def test_changing_the_hint_changes_nothing_about_the_check(op: OpenIDProvider) -> None:
    provider = google(op, hosted_domain="corp.example", authorization_params={"hd": "evil.example"})
    assert asked_parameters(provider)["hd"] == "evil.example"
    assert provider.check_claims({"hd": "evil.example"}) is False


@pytest.mark.parametrize(
    ("iss", "accepted"),
    [("accounts.google.com", True), ("https://accounts.google.com", False), ("accounts.google.com/", False)],
)
def test_the_spelling_without_a_scheme_is_googles_too(op: OpenIDProvider, iss: str, accepted: bool) -> None:
    """On loopback the issuer of the document is another one, and so the spelling with https is foreign."""

    def spell(token: UnsignedToken) -> UnsignedToken:
        token.claims["iss"] = iss
        return token

    op.bend("id_token", spell)
    provider = google(op)
    token = exchange(op, provider)
    if accepted:
        assert provider.verify_id_token(token, request=request_with_flow())["iss"] == iss
        assert provider.get_identity_issuer({"iss": iss}) == op.issuer
        return
    with pytest.raises(InvalidIDToken, match="iss"):
        provider.verify_id_token(token, request=request_with_flow())


def test_google_is_found_without_being_told_where() -> None:
    assert google().discovery_url == "https://accounts.google.com/.well-known/openid-configuration"
    assert google().label == "Google"


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({}, {}),
        ({"offline": True}, {"access_type": "offline", "prompt": "consent"}),
        ({"offline": True, "prompt": "select_account"}, {"access_type": "offline", "prompt": "select_account"}),
        ({"prompt": "login"}, {"prompt": "login"}),
    ],
)
def test_a_refresh_token_is_asked_for_in_googles_way(
    op: OpenIDProvider, arguments: dict[str, Any], sent: dict[str, str]
) -> None:
    """https://developers.google.com/identity/protocols/oauth2/web-server#offline"""
    parameters = asked_parameters(google(op, **arguments))
    assert {name: value for name, value in parameters.items() if name in ("access_type", "prompt")} == sent


@pytest.mark.django_db
def test_the_domain_is_kept_in_the_claims(settings: Settings) -> None:
    with openid_service(GOOGLE, settings) as service:
        service.sign_in()
        assert service.connection.claims["hd"] == "example.org"
