"""A browser without JavaScript: links, forms, redirects, and cookies that stay at home as SameSite says.

It takes `https` for the tests' own site to be `http` behind a proxy that ends TLS.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

USER_AGENT = "a person's browser"
MAX_REDIRECTS = 20
KEEPS_METHOD = (307, 308)
REDIRECTS = (301, 302, 303, *KEEPS_METHOD)


@dataclass(slots=True)
class Form:
    """A form as it stands in a page, with what is filled in already."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request of a navigation and the status of its answer."""

    method: str
    url: str
    status: int

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.url).path} {self.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a navigation ended; `location` is set where the browser was told not to go on."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str
    hops: tuple[Hop, ...]
    location: str = ""

    @property
    def forms(self) -> list[Form]:
        return Reader.read(self.text).forms

    @property
    def links(self) -> dict[str, str]:
        """The links of the page by their text."""
        return {text: urljoin(self.url, url) for text, url in Reader.read(self.text).links}

    def is_at(self, origin: str) -> bool:
        return origin_of(self.url) == origin_of(origin)


class Reader(HTMLParser):
    """Reads the forms and the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._link: str | None = None
        self._link_text = ""

    @classmethod
    def read(cls, text: str) -> Reader:
        reader = cls()
        reader.feed(text)
        return reader

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "a":
            self._link, self._link_text = values.get("href"), ""
        if tag == "form":
            self.forms.append(Form(action=values.get("action", ""), method=values.get("method", "get").lower()))
        if tag in ("input", "button") and self.forms:
            self._read_control(tag, values)

    def _read_control(self, tag: str, values: Mapping[str, str]) -> None:
        form, name, value = self.forms[-1], values.get("name", ""), values.get("value", "")
        if values.get("type", "submit" if tag == "button" else "text") == "submit":
            form.buttons.append((name, value))
        elif name:
            form.fields[name] = value

    def handle_data(self, data: str) -> None:
        self._link_text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self.links.append((self._link_text.strip(), self._link))


class SameSitePolicy(DefaultCookiePolicy):
    """Netscape cookies, withheld from requests that began at another site (RFC 6265bis 5.6.7.1)."""

    def return_ok(self, cookie: Cookie, request: Request) -> bool:
        if not super().return_ok(cookie, request):
            return False
        if request.origin_req_host == urlsplit(request.full_url).hostname:
            return True
        same_site = same_site_of(cookie)
        return same_site == "none" or (same_site == "lax" and request.get_method() == "GET")


def same_site_of(cookie: Cookie) -> str:
    """Return what the cookie says; without a word it is `lax`."""
    value = cookie.get_nonstandard_attr("SameSite") or cookie.get_nonstandard_attr("samesite") or "lax"
    return value.lower()


class TerminatedTLS(HTTPSHandler):
    """Sends an https request as a proxy does that ends TLS in front of the site."""

    def https_open(self, request: Request) -> http.client.HTTPResponse:
        request.add_unredirected_header("X-Forwarded-Proto", "https")
        return self.do_open(http.client.HTTPConnection, request)


class AnyStatus(HTTPErrorProcessor):
    """Leaves redirects and errors to the browser."""

    def http_response(self, request: Request, response: Any) -> Any:
        return response

    https_response = http_response


class Browser:
    """One person's browser. It does not follow a redirect to a URL that begins with `stop_before`."""

    def __init__(self) -> None:
        self.stop_before: str | None = None
        self.cookies = CookieJar(SameSitePolicy())
        # Handlers of its own alone: no proxy from the environment, no redirects.
        self._opener = build_opener(
            ProxyHandler({}), HTTPHandler(), TerminatedTLS(), HTTPCookieProcessor(self.cookies), AnyStatus()
        )

    def open(self, url: str, *, came_from: Page | None = None) -> Page:
        """Follow a link of a page, or type in an address."""
        return self._navigate("GET", url, None, came_from)

    def submit(self, page: Page, *, form: Form | None = None, button: str = "", **fields: str) -> Page:
        """Fill in a form of the page, by default its first, and press a button."""
        form = form or page.forms[0]
        pressed = {name: value for name, value in form.buttons if name and name == button}
        data = urlencode({**form.fields, **fields, **pressed}).encode("ascii")
        assert form.method == "post", "a GET form does not occur here"
        return self._navigate("POST", urljoin(page.url, form.action), data, page)

    def _navigate(self, method: str, url: str, data: bytes | None, came_from: Page | None) -> Page:
        hops: list[Hop] = []
        while len(hops) <= MAX_REDIRECTS:
            page = self._request(method, url, data, came_from, hops)
            if page.status not in REDIRECTS or page.location:
                return page
            if page.status not in KEEPS_METHOD:
                method, data = "GET", None
            url = urljoin(url, page.headers["location"])
        raise AssertionError("too many redirects: " + ", ".join(map(str, hops)))

    def _request(self, method: str, url: str, data: bytes | None, came_from: Page | None, hops: list[Hop]) -> Page:
        initiator = urlsplit(came_from.url if came_from else url).hostname
        request = Request(url, data, headers_for(method, came_from), origin_req_host=initiator, method=method)
        with self._opener.open(request, timeout=30) as response:
            hops.append(Hop(method=method, url=url, status=response.status))
            headers = {name.lower(): value for name, value in response.headers.items()}
            target = urljoin(url, headers.get("location", ""))
            stops = self.stop_before is not None and target.startswith(self.stop_before)
            return Page(
                url=url,
                status=response.status,
                headers=headers,
                text=cast("bytes", response.read()).decode(),
                hops=tuple(hops),
                location=target if stops and response.status in REDIRECTS else "",
            )


def headers_for(method: str, came_from: Page | None) -> dict[str, str]:
    """Return the headers by which a site knows where a form stood (Fetch, "append a request Origin header")."""
    headers = {"User-Agent": USER_AGENT, "Accept": "text/html"}
    if method == "POST" and came_from is not None:
        hidden = came_from.headers.get("referrer-policy") == "no-referrer"
        headers["Origin"] = "null" if hidden else origin_of(came_from.url)
    return headers


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
