"""Provider classes of the site's own: three methods are enough, and endpoints alone are, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuthUser, get_provider, get_provider_keys
from oidc_login.testing import Answer, GitHubStyleProvider
from tests.login import providers
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import CLIENT_SECRET, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def forge(github: GitHubStyleProvider, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> GitHubStyleProvider:
    """The site knows it by classes of its own as "readme", "pkce" and "forge"."""
    monkeypatch.setattr(providers.ReadmeProvider, "site", github.base_url)
    monkeypatch.setattr(providers.ReadmeProvider, "authorization_url", github.authorization_endpoint)
    known = {"client_id": "client", "client_secret": CLIENT_SECRET}
    configure(settings, "readme", **{"class": "tests.login.providers.ReadmeProvider", **known})
    configure(settings, "pkce", **{"class": "tests.login.providers.DoingPKCE", **known})
    configure(
        settings,
        "forge",
        **{"class": "tests.login.providers.ForgeProvider", "custom_arg": 3, "site": github.base_url, **known},
    )
    return github


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the README's class says of the person."""
    user: dict[str, Any] = {}
    monkeypatch.setattr(providers.ReadmeProvider, "user", user)
    yield user


@pytest.mark.parametrize("key", ["readme", "pkce", "forge"])
def test_signs_up_and_in_again(forge: GitHubStyleProvider, browser: Browser, key: str) -> None:
    assert browser.sign_in(forge, key).status_code == 302
    again = Browser()
    assert again.sign_in(forge, key).status_code == 302

    assert again.user == browser.user is not None
    connection = OAuthConnection.objects.get()
    server = forge.base_url if key == "forge" else ""  # which its settings name
    assert (connection.provider_key, connection.issuer) == (key, server)
    assert connection.provider_user_id.isdigit(), "a number becomes text"


def test_class_with_its_own_token_request_is_sent_no_challenge(forge: GitHubStyleProvider, browser: Browser) -> None:
    """Its request posts no verifier, and would be refused after a challenge."""
    browser.begin("readme")
    browser.begin("pkce")
    browser.begin("forge")

    assert ["code_challenge" in begun for begun in browser.begun] == [False, True, True]


def test_argument_of_a_class_reaches_it(forge: GitHubStyleProvider) -> None:
    provider = get_provider("forge")

    assert isinstance(provider, providers.ForgeProvider)
    assert provider.custom_arg == 3
    assert get_provider_keys() == ["github", "readme", "pkce", "forge"]


@pytest.mark.parametrize(
    ("said", "arguments", "links"),
    [
        ({"email": "a@example.org"}, {}, False),
        ({"email": "a@example.org", "email_verified": True}, {}, True),
        ({"email": "a@example.org"}, {"trust_email": True}, True),
        ({"email": "a@example.org", "email_verified": "true"}, {}, False),
        ({"email": "a@example.org", "email_verified": "false"}, {}, False),
        ({"email": "a@example.org", "email_verified": "false"}, {"trust_email": True}, False),
        ({"email": "a@example.org", "email_verified": 1}, {}, False),
    ],
)
def test_who_vouches_for_the_address(
    forge: GitHubStyleProvider,
    browser: Browser,
    settings: Settings,
    described: dict[str, Any],
    said: dict[str, Any],
    arguments: dict[str, Any],
    links: bool,
) -> None:
    user = get_user_model().objects.create_user("existing", "a@example.org")
    described.update(said)
    configure(settings, "readme", **arguments)

    response = browser.sign_in(forge, "readme")

    assert (browser.user == user) is links
    assert response.status_code == (302 if links else 409)


@pytest.mark.parametrize("user_id", ["", None, True, 1.5, ["1"], "a\x00b", "\ud800", "x" * 256])
def test_id_that_identifies_nobody(
    forge: GitHubStyleProvider,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    monkeypatch: pytest.MonkeyPatch,
    user_id: Any,
) -> None:
    monkeypatch.setattr(providers.ReadmeProvider, "get_oauth_user", lambda self, oauth_token: OAuthUser(id=user_id))
    answer = browser.authorize(forge, browser.begin("readme"))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (502, "userinfo_invalid")


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        ("token", Answer(status=500, body=b"")),
        ("token", Answer(status=200, body=b"<html>")),
        ("token", Answer.of_json({"error": "bad_verification_code"})),
        ("user", Answer(status=401, body=b"")),
        ("user", Answer.of_json([])),
        ("user", Answer.of_json({"login": "x"})),
    ],
)
@pytest.mark.parametrize("key", ["readme", "forge"])
def test_class_that_cannot_read_the_answer_is_no_500(
    forge: GitHubStyleProvider,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    endpoint: str,
    answer: Answer,
    key: str,
) -> None:
    begun = browser.authorize(forge, browser.begin(key))

    with forge.bend(endpoint, lambda _: answer), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(begun)

    assert failure.status in (400, 502, 503)


def test_code_is_exchanged_once(forge: GitHubStyleProvider, browser: Browser) -> None:
    providers.ReadmeProvider.codes.clear()
    answer = browser.authorize(forge, browser.begin("readme"))
    browser.end(answer)
    browser.end(answer)

    assert len(providers.ReadmeProvider.codes) == 1
