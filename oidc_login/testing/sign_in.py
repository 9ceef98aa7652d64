"""A whole sign-in in one line, for a site's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode, urlsplit

from django.urls import reverse

from oidc_login.testing.application import FORM

if TYPE_CHECKING:
    from django.test import Client

    from oidc_login.testing.oauth1 import OAuth1StyleProvider
    from oidc_login.testing.oauth2 import OAuth2StyleProvider
    from oidc_login.testing.openid import OpenIDProvider

    Provider: TypeAlias = OpenIDProvider | OAuth2StyleProvider | OAuth1StyleProvider


def sign_in(
    client: Client,
    op: Provider,
    provider_key: str = "op",
    user: str | None = "alice",
    next: str | None = None,
) -> Any:
    """Sign a person in with Django's test client, as a browser would, and return the response of the callback.

    `user=None` cancels at the provider. The site's provider must be the served test provider `op`.
    """
    begun = client.post(reverse("oidc_login:login", args=[provider_key]), {"next": next} if next else {})
    if begun.status_code != 302:
        raise AssertionError(f"the sign-in did not begin: HTTP {begun.status_code}")
    return follow_back(client, op, begun["Location"], user=user)


def sign_out_at_provider(client: Client, op: OpenIDProvider, provider_key: str = "op", user: str = "alice") -> Any:
    """Sign a person out at the provider, and return the site's response to the logout token.

    `client` acts for the provider, not for a browser; afterwards the person's own clients are signed out.
    """
    op.sign_out(user)
    url = reverse("oidc_login:backchannel_logout", args=[provider_key])
    return client.post(url, urlencode({"logout_token": op.logout_token(user=user)}), content_type=FORM)


def follow_back(client: Client, op: Provider, authorization_url: str, *, user: str | None = "alice") -> Any:
    """Follow the redirect to the provider and back to the site; for flows that begin elsewhere, such as connecting."""
    answer = op.authorization_answer(authorization_url, user)
    target = urlsplit(answer.url)
    secure, headers = target.scheme == "https", {"host": target.netloc}
    if answer.response_mode == "form_post":
        path = urlsplit(answer.redirect_uri).path
        response = client.post(path, dict(answer.parameters), secure=secure, headers=headers)
        # A browser withholds the session from this post, so the site may first pass the response to itself.
        return (
            client.get(response["Location"], secure=secure, headers=headers)
            if response.status_code == 303
            else response
        )
    return client.get(f"{target.path}?{target.query}", secure=secure, headers=headers)
