"""A browser without a window, from the standard library: pages, forms, cookies, redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener


@dataclass(slots=True)
class Form:
    """A form as it came: where it posts to, its fields, and its buttons (name, value)."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return urlsplit(self.action).path

    def filled(self, **values: str) -> Form:
        """The form with what a person typed."""
        return Form(self.action, self.fields | values, self.buttons)


@dataclass(slots=True)
class Page:
    """What the browser shows: `text` is the words of the page, one space between them."""

    status: int
    url: str
    text: str
    forms: list[Form]

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def form(self, path: str, **fields: str) -> Form:
        """The one form that posts to this path, with these fields among its own."""
        found = [form for form in self.forms if form.path == path and fields.items() <= form.fields.items()]
        if len(found) != 1:
            raise LookupError(f"{len(found)} forms for {path!r} on the page at {self.path}")
        return found[0]


class Browser:
    """Follows redirects, keeps cookies, and posts forms with the buttons they have."""

    def __init__(self) -> None:
        # No proxy of the environment: everything here is on this machine.
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))

    def open(self, url: str) -> Page:
        return self._load(Request(url))  # noqa: S310 - only the demo's own addresses

    def submit(self, page: Page, form: Form, button: tuple[str, str] | None = None) -> Page:
        """Post a form of the page by one of its buttons."""
        if button is not None and button not in form.buttons:
            raise LookupError(f"no button {button} on the page at {page.path}")
        fields = form.fields | dict([button] if button else [])
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        body = urlencode(fields).encode()
        return self._load(Request(form.action, data=body, headers={"Origin": origin}))  # noqa: S310 - as above

    def _load(self, request: Request) -> Page:
        try:
            response = self._opener.open(request, timeout=20)
        except HTTPError as error:
            # An error page is a page.
            response = error
        with response:
            reader = _Reader(response.url)
            reader.feed(response.read().decode())
            return Page(response.status or 0, response.url, " ".join(" ".join(reader.words).split()), reader.forms)


class _Reader(HTMLParser):
    """Reads what this browser needs of a page."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.words: list[str] = []
        self.forms: list[Form] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_style = tag in ("style", "script")
        if tag == "form":
            self.forms.append(Form(urljoin(self.url, attributes.get("action", ""))))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[attributes.get("name", "")] = attributes.get("value", "")
        elif tag == "button" and self.forms and "name" in attributes:
            self.forms[-1].buttons.append((attributes["name"], attributes.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.words.append(data)
