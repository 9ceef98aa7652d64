"""A browser for tests: Django's client with a CSRF check and a cookie jar that keeps the rules browsers keep."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client
from django.urls import reverse

from oidc_login.testing import AuthorizationAnswer, OAuth1StyleProvider, OAuth2StyleProvider, OpenIDProvider

Provider = OpenIDProvider | OAuth2StyleProvider | OAuth1StyleProvider


class Browser:
    """One person's browser, on the site's own pages unless a request says `cross_site`.

    `begun` holds the parameters of every authorization request that it was sent away with, and `named` the
    states of every answer that it brought back.
    """

    def __init__(self, *, https: bool = False, host: str = "testserver") -> None:
        self.https = https
        self.host = host
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.jar: dict[str, Morsel[str]] = {}
        self.begun: list[dict[str, str]] = []
        self.named: list[str] = []
        self.codes: list[str] = []

    # Requests.

    def get(self, url: str, data: Any = None, **options: Any) -> Any:
        return self.request("GET", url, data, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> Any:
        """Post a form of the site's own page, with its CSRF token."""
        token = {"csrfmiddlewaretoken": self.csrf_token()}
        return self.request("POST", url, {**token, **(data or {})}, **options)

    def request(
        self,
        method: str,
        url: str,
        data: Any = None,
        *,
        cross_site: bool = False,
        headers: Any = None,
        **options: Any,
    ) -> Any:
        """Send a request with the cookies that a browser would send along; `options` are those of Django's client."""
        cookies = self._cookies_for(method, cross_site=cross_site)
        self.client.cookies = cookies
        # Django's client would sort them; a browser sends the older one first (RFC 6265 5.4).
        in_order = "; ".join(f"{morsel.key}={morsel.coded_value}" for morsel in cookies.values())
        headers = {"host": self.host, "cookie": in_order, **(headers or {})}
        if self.https and method == "POST":
            headers = {"referer": f"https://{self.host}/", **headers}
        call = getattr(self.client, method.lower())
        response = call(url, *([data] if data is not None else []), secure=self.https, headers=headers, **options)
        self._keep(response.cookies)
        return response

    def _cookies_for(self, method: str, *, cross_site: bool) -> SimpleCookie:
        sent = SimpleCookie()
        for name, morsel in self.jar.items():
            same_site = (morsel["samesite"] or "Lax").lower()
            withheld = cross_site and (same_site == "strict" or (same_site == "lax" and method != "GET"))
            if not withheld and (self.https or not morsel["secure"]):
                sent[name] = morsel.value
        return sent

    def _keep(self, cookies: Mapping[str, Morsel[str]]) -> None:
        for name, morsel in cookies.items():
            if str(morsel["max-age"]) == "0":
                self.jar.pop(name, None)
            elif self.https or not (morsel["secure"] or name.startswith(("__Host-", "__Secure-"))):
                self.jar[name] = morsel

    def csrf_token(self) -> str:
        """The token of the site's pages, as a page's form has it."""
        if settings.CSRF_COOKIE_NAME not in self.jar:
            self.get(reverse("oidc_login:logout"))  # it has a form, also where nobody can sign in
        return str(self.jar[settings.CSRF_COOKIE_NAME].value)

    # A sign-in.

    def begin(self, key: str = "op", *, next: str | None = None, view: str = "login", **fields: str) -> Any:
        """Click the provider's button; the answer is the redirect to the provider."""
        data = {**fields, **({} if next is None else {"next": next})}
        response = self.post(reverse(f"oidc_login:{view}", args=[key]), data)
        if "state=" in response.get("Location", ""):
            self.begun.append(dict(parse_qsl(urlsplit(response["Location"]).query)))
        return response

    def authorize(self, op: Provider, begun: Any, user: str | None = "alice") -> AuthorizationAnswer:
        """Do at the provider what a person does there; `user=None` cancels."""
        assert begun.status_code == 302, f"the sign-in did not begin: HTTP {begun.status_code}"
        answer = op.authorization_answer(begun["Location"], user)
        self.codes += [value for name, value in answer.parameters if name in ("code", "oauth_verifier")]
        return answer

    def end(self, answer: AuthorizationAnswer, **options: Any) -> Any:
        """Bring the provider's answer to the callback, the way the browser is sent there."""
        self.named += [value for name, value in answer.parameters if name == "state"]
        target = urlsplit(answer.url)
        if answer.response_mode == "form_post":
            path = urlsplit(answer.redirect_uri).path
            origin = {"origin": "null", "referer": ""}
            fields: dict[str, list[str]] = {}
            for name, value in answer.parameters:
                fields.setdefault(name, []).append(value)
            return self.request("POST", path, fields, cross_site=True, headers=origin, **options)
        return self.get(f"{target.path}?{target.query}", cross_site=True, **options)

    def sign_in(self, op: Provider, key: str = "op", *, user: str | None = "alice", next: str | None = None) -> Any:
        """Walk the whole way: button, provider, callback."""
        return self.end(self.authorize(op, self.begin(key, next=next), user))

    def connect(self, op: Provider, key: str = "op", *, user: str | None = "alice", next: str | None = None) -> Any:
        """The same from the connect button."""
        return self.end(self.authorize(op, self.begin(key, next=next, view="connect"), user))

    def log_in(self, user: Any) -> None:
        """Sign a user in with a password, so to say."""
        self.client.cookies = self._cookies_for("POST", cross_site=False)
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookie = self.client.cookies[settings.SESSION_COOKIE_NAME]
        cookie["samesite"] = settings.SESSION_COOKIE_SAMESITE or "None"
        self._keep({settings.SESSION_COOKIE_NAME: cookie})

    # What the browser holds.

    @property
    def session_key(self) -> str | None:
        morsel = self.jar.get(settings.SESSION_COOKIE_NAME)
        return morsel.value if morsel is not None else None

    @property
    def session(self) -> SessionBase:
        """The site's session of this browser; an empty one where there is none."""
        self.client.cookies = self._cookies_for("GET", cross_site=False)
        return self.client.session if self.session_key else _no_session()

    @property
    def user(self) -> Any:
        """Who is signed in, or None."""
        key = self.session.get(SESSION_KEY)
        return None if key is None else get_user_model()._default_manager.get(pk=key)

    @property
    def flow_cookies(self) -> dict[str, str]:
        """The pending flows, by the names of their cookies."""
        return {name: morsel.value for name, morsel in self.jar.items() if "oidc_login_flow_" in name}


def _no_session() -> SessionBase:
    from importlib import import_module

    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    return store
