"""People who sign in, come back with the same answer, use their tokens and sign out, over real HTTP."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.chaos.site import PEOPLE, Site

# What each step may come to; the codes behind them are documented.
DOCUMENTED = {
    "buttons": {200},
    "begin": {302, 502, 503},
    "end": {302, 400, 502, 503},
    "again": {302, 400, 502, 503},
    "connections": {200, 302, 503},
    "refresh": {200, 403, 503},
    "logout": {302, 503},
}
LOST = 0  # no answer: the process that had the request was killed
TIMEOUT = 60


@dataclass
class Ledger:
    """What people saw: by what was failing, step and status."""

    fault: str = "nothing"
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, step: str, status: int, *, seconds: float, page: str) -> None:
        with self._lock:
            self.seen[self.fault, step, status] += 1
            self.slowest[step] = max(seconds, self.slowest.get(step, 0))
            self.pages.append(page)
            if status not in {*DOCUMENTED[step], LOST}:
                self.surprises.append(f"{status} for {step} while {self.fault}")

    def add_secrets(self, *values: str) -> None:
        with self._lock:
            self.secrets.update(value for value in values if len(value) > 11)

    def total(self, step: str, status: int | None = None) -> int:
        return sum(n for (_, which, got), n in self.seen.items() if which == step and status in (None, got))


class Visitor:
    """One person with one browser, for one visit."""

    def __init__(self, site: Site, ledger: Ledger) -> None:
        self.site = site
        self.ledger = ledger
        self.browser = requests.Session()
        self.browser.trust_env = False

    def visit(self) -> int:
        """Do what people do; return the status that the sign-in came to."""
        status = self.sign_in(f"person-{random.randrange(PEOPLE)}")
        if status != 302:
            return status
        self.ask("connections", "GET", "/oauth/connections/")
        if self.site.may_refresh.is_set():
            self.ask("refresh", "GET", "/refresh/")
        if random.random() < 0.5:
            self.ask("logout", "POST", "/oauth/logout/", data=self.form())
        return status

    def sign_in(self, person: str) -> int:
        if self.ask("buttons", "GET", "/oauth/").status != 200:
            return LOST
        begun = self.ask("begin", "POST", "/oauth/op/login/", data=self.form())
        if begun.status != 302:
            return begun.status
        asked = dict(parse_qsl(urlsplit(begun.location).query))
        self.ledger.add_secrets(*(asked[name] for name in ("state", "nonce", "code_challenge")))
        answer = self.site.op.authorization_answer(begun.location, person)
        self.ledger.add_secrets(answer["code"])
        target = urlsplit(answer.url)
        cookies = {str(name): value or "" for name, value in self.browser.cookies.items()}
        path = f"{target.path}?{target.query}"
        if random.random() < 0.2:
            return self.end_twice(path, cookies)
        ended = self.ask("end", "GET", path)
        self.ask("again", "GET", path, cookies=cookies)
        return ended.status

    def end_twice(self, path: str, cookies: dict[str, str]) -> int:
        """A double click: the second request comes while the first is under way."""
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(self.ask, "again", "GET", path, cookies=cookies)
            first = self.ask("end", "GET", path)
            second.result()
        return first.status

    def form(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.browser.cookies.get("csrftoken") or ""}

    def ask(self, step: str, method: str, path: str, *, cookies: dict[str, str] | None = None, **options: Any) -> Seen:
        """Send a request; `cookies` makes it another browser's, with a copy of these."""
        began = time.monotonic()
        browser = self.browser
        if cookies is not None:
            browser = requests.Session()
            browser.trust_env = False
            browser.cookies.update(cookies)
        try:
            response = browser.request(method, self.site.url + path, allow_redirects=False, timeout=TIMEOUT, **options)
        except requests.ConnectionError:
            self.ledger.note(step, LOST, seconds=0, page="")
            return Seen(LOST, "")
        self.ledger.note(step, response.status_code, seconds=time.monotonic() - began, page=response.text)
        return Seen(response.status_code, response.headers.get("Location", ""))


@dataclass(frozen=True, slots=True)
class Seen:
    status: int
    location: str
