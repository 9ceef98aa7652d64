"""The site of somebody who has moved here: views as Authlib's documentation shows them, with another import.

Nothing else in this module was written for the package. The settings are those of the fixtures.
"""

from __future__ import annotations

import json
from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from oidc_login.client import OAuth, OAuthError, token_update


class StoredToken:
    """A table of tokens in memory, with the methods that such a model has."""

    rows: list[StoredToken] = []

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    @classmethod
    def find(cls, **wanted: Any) -> StoredToken | None:
        found = (row for row in cls.rows if wanted.items() <= row.fields.items())
        return next(found, None)

    def save(self) -> None:
        if self not in self.rows:
            self.rows.append(self)

    def to_token(self) -> dict[str, Any]:
        names = ("access_token", "token_type", "refresh_token", "expires_at")
        return {name: self.fields[name] for name in names}


def fetch_token(name: str, request: HttpRequest) -> dict[str, Any] | None:
    token = StoredToken.find(name=name, user=request.session["user"]["sub"])
    return token.to_token() if token else None


oauth = OAuth(fetch_token=fetch_token)
oauth.register("company")
oauth.register("forge")


# This receiver has neither `name` nor `**kwargs`, as in the first editions of that documentation.
@receiver(token_update)
def on_token_update(
    sender: object, token: dict[str, Any], refresh_token: str | None = None, access_token: str | None = None
) -> None:
    if refresh_token:
        item = StoredToken.find(refresh_token=refresh_token)
    else:
        item = StoredToken.find(access_token=access_token)
    if item is None:
        return
    item.fields["access_token"] = token["access_token"]
    item.fields["refresh_token"] = token.get("refresh_token")
    item.fields["expires_at"] = token["expires_at"]
    item.save()


def home(request: HttpRequest) -> Any:
    return HttpResponse(json.dumps(request.session.get("user")), content_type="application/json")


# OpenID Connect.


def login(request: HttpRequest) -> Any:
    redirect_uri = request.build_absolute_uri(reverse("authorize"))
    return oauth.company.authorize_redirect(request, redirect_uri)


@csrf_exempt
def authorize(request: HttpRequest) -> Any:
    token = oauth.company.authorize_access_token(request)
    user = token["userinfo"]
    StoredToken(
        name="company",
        user=user.sub,
        token_type=token["token_type"],
        access_token=token["access_token"],
        refresh_token=token.get("refresh_token"),
        expires_at=token["expires_at"],
    ).save()
    request.session["user"] = user
    request.session["id_token"] = token["id_token"]
    return redirect("/")


def login_of_old(request: HttpRequest) -> Any:
    redirect_uri = request.build_absolute_uri(reverse("authorize_of_old"))
    return oauth.company.authorize_redirect(request, redirect_uri)


def authorize_of_old(request: HttpRequest) -> Any:
    token = oauth.company.authorize_access_token(request)
    user = oauth.company.parse_id_token(request, token)
    request.session["user"] = user
    return redirect("/")


def authorize_carefully(request: HttpRequest) -> Any:
    try:
        token = oauth.company.authorize_access_token(request)
    except OAuthError as error:
        return HttpResponse(f"<h1>{error.error}</h1><p>{error.description}</p>", status=400)
    request.session["user"] = token["userinfo"]
    return redirect("/")


def profile(request: HttpRequest) -> Any:
    userinfo = oauth.company.userinfo(request=request)
    return HttpResponse(json.dumps(userinfo), content_type="application/json")


def api(request: HttpRequest) -> Any:
    resp = oauth.company.get("userinfo", request=request)
    resp.raise_for_status()
    return HttpResponse(json.dumps(resp.json()), content_type="application/json")


def logout(request: HttpRequest) -> Any:
    id_token = request.session.pop("id_token", None)
    request.session.flush()
    return oauth.company.logout_redirect(
        request,
        post_logout_redirect_uri=request.build_absolute_uri(reverse("logged_out")),
        id_token_hint=id_token,
    )


def logged_out(request: HttpRequest) -> Any:
    state_data = oauth.company.validate_logout_response(request)
    return HttpResponse(state_data["post_logout_redirect_uri"], content_type="text/plain")


# The two halves of authorize_redirect, for pages that make the redirect themselves.


def login_by_script(request: HttpRequest) -> Any:
    redirect_uri = request.build_absolute_uri(reverse("authorize"))
    rv = oauth.company.create_authorization_url(redirect_uri)
    oauth.company.save_authorize_data(request, redirect_uri=redirect_uri, **rv)
    return HttpResponse(json.dumps({"url": rv["url"]}), content_type="application/json")


# OAuth 2.0.


def login_with_forge(request: HttpRequest) -> Any:
    redirect_uri = request.build_absolute_uri("/forge/authorize")
    return oauth.forge.authorize_redirect(request, redirect_uri)


def authorize_with_forge(request: HttpRequest) -> Any:
    token = oauth.forge.authorize_access_token(request)
    resp = oauth.forge.get("user", token=token)
    resp.raise_for_status()
    request.session["user"] = resp.json()
    return redirect("/")


urlpatterns = [
    path("", home, name="home"),
    path("login", login),
    path("authorize", authorize, name="authorize"),
    path("old/login", login_of_old),
    path("old/authorize", authorize_of_old, name="authorize_of_old"),
    path("careful/authorize", authorize_carefully),
    path("script/login", login_by_script),
    path("profile", profile),
    path("api", api),
    path("logout", logout),
    path("logged-out", logged_out, name="logged_out"),
    path("forge/login", login_with_forge),
    path("forge/authorize", authorize_with_forge),
]
