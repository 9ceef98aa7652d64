"""The helper for a site's own tests signs people in to a real site."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider, follow_back, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def providers(settings: Any, op: OpenIDProvider, github: GitHubStyleProvider) -> None:
    registered = {"client_id": "client", "client_secret": "secret"}
    settings.OIDC_LOGIN_PROVIDERS = {
        "op": {"issuer": op.issuer, **registered},
        "posting": {"issuer": op.issuer, "response_mode": "form_post", **registered},
        "github": {"class": "oidc_login.providers.GitHubProvider", "base_url": github.base_url, **registered},
    }


@pytest.fixture
def visitor() -> Client:
    return Client()


def test_signs_in_and_goes_on_to_next(visitor: Client, op: OpenIDProvider) -> None:
    response = sign_in(visitor, op, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.email) == ("alice", "alice@example.org")
    assert visitor.session["_auth_user_id"] == str(connection.user_id)


def test_signs_in_another_person_with_github(visitor: Client, github: GitHubStyleProvider) -> None:
    sign_in(visitor, github, "github", user="bob")
    assert OAuthConnection.objects.get().provider_user_id == "42"


def test_signs_in_where_the_provider_posts_its_answer(visitor: Client, op: OpenIDProvider) -> None:
    response = sign_in(visitor, op, "posting")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "_auth_user_id" in visitor.session


def test_cancels(visitor: Client, op: OpenIDProvider) -> None:
    response = sign_in(visitor, op, user=None)
    assert response["Location"] == reverse("oidc_login:providers")
    assert "_auth_user_id" not in visitor.session


def test_says_when_the_site_does_not_begin(visitor: Client, op: OpenIDProvider) -> None:
    with pytest.raises(AssertionError, match="HTTP 404"):
        sign_in(visitor, op, "unknown")


def test_second_half_serves_connecting(visitor: Client, op: OpenIDProvider, github: GitHubStyleProvider) -> None:
    sign_in(visitor, op)
    begun = visitor.post(reverse("oidc_login:connect", args=["github"]))
    follow_back(visitor, github, begun["Location"], user="bob")
    assert set(OAuthConnection.objects.values_list("provider_key", "link_reason")) == {
        ("op", "signed_up"),
        ("github", "connected"),
    }
