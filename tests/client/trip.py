"""A person's way through one client: the redirect, the provider, the callback, with a browser's cookies and session."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from oidc_login.testing import AuthorizationAnswer
from tests.client.conftest import CALLBACK


class Trip:
    """One browser; several trips may share it."""

    def __init__(self, client: Any, browser: Trip | None = None) -> None:
        self.client = client
        self.cookies: dict[str, str] = {} if browser is None else browser.cookies
        self.session: Any = session_store() if browser is None else browser.session
        self.begun: dict[str, str] = {}
        self.user: Any = AnonymousUser()

    def request(self, url: str, data: Any = None, *, secure: bool = False) -> HttpRequest:
        """A request of this browser; with data a POST."""
        factory = RequestFactory()
        request = factory.get(url, secure=secure) if data is None else factory.post(url, data, secure=secure)
        request.META["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request.session = self.session
        request.user = self.user
        return request

    def begin(self, redirect_uri: str | None = CALLBACK, *, secure: bool = False, **parameters: Any) -> str:
        """Where the browser is sent."""
        request = self.request("/login", secure=secure)
        return self.follow(self.client.authorize_redirect(request, redirect_uri, **parameters))

    def follow(self, response: HttpResponse) -> str:
        """Keep the cookies of a redirect."""
        self.cookies |= {name: morsel.value for name, morsel in response.cookies.items() if morsel.value}
        self.begun = dict(parse_qsl(urlsplit(response["Location"]).query))
        return response["Location"]

    def back(self, answer: AuthorizationAnswer) -> HttpRequest:
        """The request that brings the provider's answer."""
        if answer.response_mode == "form_post":
            return self.request(answer.redirect_uri, dict(answer.parameters))
        return self.request(answer.url)

    def end(self, answer: AuthorizationAnswer, **arguments: Any) -> Any:
        return self.client.authorize_access_token(self.back(answer), **arguments)

    def whole(self, op: Any, user: str | None = "alice", **parameters: Any) -> Any:
        """From the redirect to the token."""
        return self.end(op.authorization_answer(self.begin(**parameters), user))


def session_store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore()
