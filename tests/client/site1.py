"""The views of Authlib's documentation for OAuth 1.0, with another import.

A module of its own, since what is registered here is known by its settings.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import path

from oidc_login.client import OAuth
from tests.client.site import home


def oauth_of_the_site() -> OAuth:
    """A site does this once, when its settings are there."""
    oauth = OAuth()
    oauth.register("twitter")
    return oauth


def login(request: HttpRequest) -> Any:
    oauth = oauth_of_the_site()
    # build a full authorize callback uri
    redirect_uri = request.build_absolute_uri("/authorize")
    return oauth.twitter.authorize_redirect(request, redirect_uri)


def authorize(request: HttpRequest) -> Any:
    oauth = oauth_of_the_site()
    token = oauth.twitter.authorize_access_token(request)
    resp = oauth.twitter.get("user", token=token)
    resp.raise_for_status()
    request.session["user"] = resp.json()
    return redirect("/")


urlpatterns = [path("", home), path("login", login), path("authorize", authorize)]
