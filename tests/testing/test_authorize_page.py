"""The page a person sees at a provider, and the answers that leave it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import requests

from oidc_login.testing import GitHubStyleProvider, OpenIDProvider, User
from tests.testing.conftest import CALLBACK, Client, parameters_of


class Page(HTMLParser):
    """The forms' inputs and buttons, and what a screen reader needs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def action(self) -> str:
        return self.all("form")[0]["action"] or ""


@pytest.fixture(params=["op", "github"])
def provider(request: pytest.FixtureRequest) -> OpenIDProvider | GitHubStyleProvider:
    provider: OpenIDProvider | GitHubStyleProvider = request.getfixturevalue(request.param)
    return provider


def press(client: Client, page: requests.Response, name: str, value: str) -> requests.Response:
    base = page.url.partition("?")[0]
    return client.post(base + Page(page.text).action, {name: value})


def test_page_has_a_button_for_each_person_and_one_to_cancel(provider: OpenIDProvider | GitHubStyleProvider) -> None:
    client = Client(provider)
    answer = client.get(client.authorization_url())
    page = Page(answer.text)
    assert [(button["name"], button["value"]) for button in page.all("button")] == [
        ("chosen_user", "alice"),
        ("chosen_user", "bob"),
        ("cancel", "1"),
    ]
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert not page.all("script")
    assert not any(attributes.get("src") or attributes.get("href") for _, attributes in page.elements)
    assert answer.headers["Cache-Control"] == "no-store"


def test_choosing_sends_the_person_back_with_a_code(provider: OpenIDProvider | GitHubStyleProvider) -> None:
    client = Client(provider)
    answer = press(client, client.get(client.authorization_url()), "chosen_user", "bob")
    assert answer.status_code == 302
    assert parameters_of(answer.headers["Location"])["state"] == "the state"
    assert client.redeem(parameters_of(answer.headers["Location"])["code"]).status_code == 200


def test_cancelling_sends_the_person_back_with_access_denied(provider: OpenIDProvider | GitHubStyleProvider) -> None:
    client = Client(provider)
    answer = press(client, client.get(client.authorization_url()), "cancel", "1")
    assert parameters_of(answer.headers["Location"])["error"] == "access_denied"


def test_nobody_is_sent_to_an_unregistered_address(provider: OpenIDProvider | GitHubStyleProvider) -> None:
    provider.redirect_uris = [CALLBACK]
    client = Client(provider)
    answer = client.get(client.authorization_url(redirect_uri="https://evil.example/"))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_names_are_text_and_not_markup(op: OpenIDProvider, client: Client) -> None:
    op.users.add(User('"><script>', name="<script>alert(1)</script>"))
    page = Page(client.get(client.authorization_url(state='"><script>')).text)
    assert not page.all("script")
    assert page.all("button")[2]["value"] == '"><script>'


def test_wrong_request_goes_back_as_an_error(op: OpenIDProvider, client: Client) -> None:
    answer = client.get(client.authorization_url(scope="email"))
    assert parameters_of(answer.headers["Location"])["error"] == "invalid_scope"


def test_request_may_come_by_post(op: OpenIDProvider, client: Client) -> None:
    form = parameters_of(client.authorization_url())
    page = client.post(op.authorization_endpoint, form)
    answer = press(client, page, "chosen_user", "alice")
    assert "code" in parameters_of(answer.headers["Location"])


def test_form_post_answer_posts_itself(op: OpenIDProvider, client: Client) -> None:
    answer = press(client, client.get(client.authorization_url(response_mode="form_post")), "chosen_user", "alice")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert page.action == CALLBACK
    assert {field["name"] for field in page.all("input")} == {"code", "state", "iss"}
    assert len(page.all("script")) == len(page.all("noscript")) == len(page.all("button")) == 1


def test_signed_in_browser_needs_no_page_with_prompt_none(op: OpenIDProvider, client: Client) -> None:
    silent = client.authorization_url(prompt="none")
    assert parameters_of(client.get(silent).headers["Location"])["error"] == "login_required"
    press(client, client.get(client.authorization_url()), "chosen_user", "bob")
    assert "code" in parameters_of(client.get(silent).headers["Location"])


def test_old_session_is_not_enough_for_max_age(op: OpenIDProvider, client: Client) -> None:
    press(client, client.get(client.authorization_url()), "chosen_user", "bob")
    began, clock = op.now(), op.now
    op.now = lambda: clock() + 100
    assert op.now() > began
    answer = client.get(client.authorization_url(prompt="none", max_age="60"))
    assert parameters_of(answer.headers["Location"])["error"] == "login_required"


def test_browsers_requests_are_not_recorded(provider: OpenIDProvider | GitHubStyleProvider) -> None:
    client = Client(provider)
    client.get(client.authorization_url())
    assert provider.requests == []
