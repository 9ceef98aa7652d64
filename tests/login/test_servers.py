"""An identity without OpenID Connect belongs to its server: the same number at another one is somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database

from oidc_login.exceptions import IdentityUnbound, ProviderGone
from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.providers import (
    DiscordProvider,
    FacebookProvider,
    GitHubProvider,
    GitLabRESTProvider,
    MastodonProvider,
    OAuth2Provider,
    OAuthProvider,
    OIDCProvider,
)
from oidc_login.providers.shipped import shipped_classes
from oidc_login.signin.claims import Identity
from oidc_login.signin.linking import has_other_identity
from oidc_login.testing import serve
from tests.providers.shipped import entry_of
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.oauth1 import RecordingOAuth1, configure_photos
from tests.support.served import BOB, RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

ENDPOINTS = {
    "authorization_endpoint": "https://forge.example/authorize",
    "token_endpoint": "https://forge.example/token",
    "userinfo_endpoint": "https://forge.example/user",
}
given: dict[str, Any] = {}


def loader() -> dict[str, Any]:
    return given


@pytest.fixture(scope="session")
def served_other_github() -> Iterator[RecordingGitHub]:
    provider = RecordingGitHub()
    with serve(provider):
        yield provider


@pytest.fixture
def other_github(served_other_github: RecordingGitHub) -> RecordingGitHub:
    """Another server with accounts of the same numbers."""
    served_other_github.reset()
    return served_other_github


def made(provider_class: type[OAuthProvider], **arguments: Any) -> OAuthProvider:
    return provider_class(provider_key="it", client_id="client", **arguments)


# Which server.


@pytest.mark.parametrize("name", shipped_classes())
def test_shipped_class_at_its_own_home_has_no_issuer(name: str) -> None:
    provider_class = shipped_classes()[name]
    if issubclass(provider_class, (OIDCProvider, MastodonProvider)):
        pytest.skip("it names its server anyway")
    arguments = {name: value for name, value in entry_of(provider_class).items() if name != "class"}

    provider = provider_class(provider_key="it", **arguments)

    assert provider.get_identity_issuer({}) == ""
    assert provider.is_possible_issuer("")


@pytest.mark.parametrize(
    ("provider", "issuer"),
    [
        (made(GitHubProvider, base_url="https://github.com/"), ""),
        (made(GitHubProvider, base_url="https://git.corp.example/"), "https://git.corp.example"),
        (made(GitHubProvider, base_url="https://Git.Corp.example:443/sub"), "https://git.corp.example"),
        (made(GitLabRESTProvider, base_url="https://git.corp.example:8443"), "https://git.corp.example:8443"),
        (made(MastodonProvider, base_url="https://mastodon.example"), "https://mastodon.example"),
        (made(OAuth2Provider, **ENDPOINTS), "https://forge.example"),
        (
            made(OAuth2Provider, **{**ENDPOINTS, "authorization_endpoint": "https://x.example/"}),
            "https://forge.example",
        ),
        (
            made(OAuth2Provider, **{**ENDPOINTS, "userinfo_endpoint": "https://api.forge.example/me"}),
            "https://forge.example https://api.forge.example",
        ),
        (
            made(DiscordProvider, userinfo_endpoint="https://proxy.example/me"),
            "https://discord.com https://proxy.example",
        ),
        (made(DiscordProvider, userinfo_endpoint="https://discord.com/api/v11/users/@me"), ""),
        (made(FacebookProvider, api_version="v25.0"), ""),
        (made(OAuth2Provider, **{**ENDPOINTS, "userinfo_endpoint": "https://[::1/"}), "https://forge.example"),
        (made(OAuth2Provider, token_endpoint="https://[fd00::1]:444/t"), "https://[fd00::1]:444"),
    ],
    ids=repr,
)
def test_issuer_is_the_origin_of_the_server_that_the_settings_name(provider: OAuthProvider, issuer: str) -> None:
    assert provider.get_identity_issuer({}) == issuer
    assert provider.is_possible_issuer(issuer)
    assert not provider.is_possible_issuer("https://other.example")


def test_origins_that_do_not_fit_into_the_column_name_nobody() -> None:
    labels = ".".join(["x" * 60] * 3)
    provider = made(
        OAuth2Provider, token_endpoint=f"https://a.{labels}.example/", userinfo_endpoint=f"https://b.{labels}.example/"
    )

    with pytest.raises(MetadataInvalid):
        provider.get_identity_issuer({})


def test_own_class_names_its_server_by_what_it_makes_of_its_arguments() -> None:
    class Shop(OAuthProvider):
        def __init__(self, *, shop: str, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.authorization_url = f"https://{shop}.example/authorize"

    class Fixed(OAuthProvider):
        authorization_url = "https://fixed.example/authorize"

    assert made(Shop, shop="one").get_identity_issuer({}) == "https://one.example"
    assert made(Fixed).get_identity_issuer({}) == ""


# Signing in.


@pytest.mark.django_db
def test_the_same_number_at_another_server_is_somebody_else(
    github: RecordingGitHub, other_github: RecordingGitHub, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(github, "github", user="bob")
    configure(settings, "github", base_url=other_github.base_url)

    other = Browser()
    other.sign_in(other_github, "github", user="bob")

    assert other.user is not None
    assert other.user != browser.user
    issuers = set(OAuthConnection.objects.filter(provider_user_id=str(BOB.numeric_id)).values_list("issuer", flat=True))
    assert issuers == {github.base_url, other_github.base_url}


@pytest.mark.django_db
def test_another_tenant_that_takes_over_the_key_signs_in_as_nobody_of_before(
    github: RecordingGitHub, other_github: RecordingGitHub, browser: Browser, settings: Settings
) -> None:
    def load(op: RecordingGitHub) -> None:
        entry = {**settings.OIDC_LOGIN_PROVIDERS.get("github", entries), "base_url": op.base_url}
        given["tenant"] = {**entry, "refuse_private_addresses": False}

    entries = settings.OIDC_LOGIN_PROVIDERS["github"]
    settings.OIDC_LOGIN_PROVIDERS = {}
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.loader"
    load(github)
    browser.sign_in(github, "tenant", user="bob")
    assert browser.user is not None
    load(other_github)

    other = Browser()
    other.sign_in(other_github, "tenant", user="bob")

    assert other.user != browser.user


@pytest.mark.django_db
def test_endpoints_of_a_tenant_beside_those_of_the_one_before_open_no_account(
    github: RecordingGitHub, other_github: RecordingGitHub, browser: Browser, settings: Settings
) -> None:
    """Who somebody is says the user-info endpoint, whatever server the browser is sent to."""
    browser.sign_in(github, "github", user="bob")
    configure(settings, "github", userinfo_endpoint=f"{other_github.base_url}/user")
    provider = GitHubProvider(provider_key="github", **{k: v for k, v in entry_for(settings).items() if k != "class"})

    assert provider.get_identity_issuer({}) == f"{github.base_url} {other_github.base_url}"


def entry_for(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = settings.OIDC_LOGIN_PROVIDERS["github"]
    return found


@pytest.mark.django_db
def test_server_of_oauth1_that_the_settings_name_counts_too(
    photos: RecordingOAuth1, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(photos, "photos", user="bob")
    other_photos = RecordingOAuth1()
    with serve(other_photos):
        configure_photos(settings, other_photos)

        other = Browser()
        other.sign_in(other_photos, "photos", user="bob")

    assert other.user is not None
    assert other.user != browser.user


# Identities that are stored without their server.


@pytest.mark.django_db
def test_identity_that_is_stored_without_its_server_gets_no_second_account(
    github: RecordingGitHub, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(github, "github", user="bob")
    OAuthConnection.objects.update(issuer="")
    answer = browser.authorize(github, browser.begin("github"), user="bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_unbound")


@pytest.mark.django_db
def test_identity_that_is_stored_without_its_server_is_connected_to_nobody_else(
    github: RecordingGitHub, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(github, "github", user="bob")
    OAuthConnection.objects.update(issuer="")
    browser.sign_in(github, "github", user="carol")
    answer = browser.authorize(github, browser.begin("github", view="connect"), user="bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_unbound")


@pytest.mark.django_db
def test_others_sign_in_meanwhile(github: RecordingGitHub, browser: Browser) -> None:
    Browser().sign_in(github, "github", user="bob")
    OAuthConnection.objects.update(issuer="")

    assert browser.sign_in(github, "github", user="carol").status_code == 302


@pytest.mark.django_db
def test_class_that_became_another_one_takes_nobody_over(op: RecordingOpenIDProvider, browser: Browser) -> None:
    user = get_user_model().objects.create_user("before")
    OAuthConnection.objects.create(user=user, provider_key="op", provider_user_id=BOB.sub, link_reason="signed_up")

    response = browser.sign_in(op, user="bob")

    assert (response.status_code, browser.user) == (409, None)


# Tokens go to the server that gave them.


@pytest.mark.django_db
def test_tokens_of_one_server_are_not_sent_to_another(
    github: RecordingGitHub, other_github: RecordingGitHub, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(github, "github", user="bob")
    connection = OAuthConnection.objects.get()
    connection.refresh_token = "a refresh token of the one before"
    connection.save()
    configure(settings, "github", base_url=other_github.base_url)
    github.clear()

    for use in (connection.refresh_access_token, connection.session, connection.revoke):
        with pytest.raises(ProviderGone):
            use()
    user = browser.user
    user.set_password("password")
    user.save()
    browser.log_in(user)
    browser.post("/oauth/github/disconnect/", {"provider_user_id": connection.provider_user_id})

    assert not OAuthConnection.objects.exists()
    assert (github.requests, other_github.requests) == ([], [])


@pytest.mark.django_db
def test_tokens_that_are_stored_without_a_server_go_on_working(github: RecordingGitHub, browser: Browser) -> None:
    """Which server gave them is not known; the site's calls must not stop before it has moved the rows."""
    browser.sign_in(github, "github", user="bob")
    signed_up = OAuthConnection.objects.get()
    access_token, signed_up.issuer = signed_up.access_token, ""
    signed_up.access_token = access_token
    signed_up.save()

    assert OAuthConnection.objects.get().session().get(f"{github.base_url}/user").status_code == 200


# Identities are compared byte for byte, whatever the database does.


@pytest.mark.django_db
@pytest.mark.skipif(database.vendor != "sqlite", reason="changes the table in SQLite's own way")
def test_database_that_ignores_case_finds_nobody_else() -> None:
    table = OAuthConnection._meta.db_table
    with database.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        ((sql,),) = cursor.fetchall()
        loose = sql.replace('"provider_user_id" varchar(255)', '"provider_user_id" varchar(255) COLLATE NOCASE')
        assert loose != sql
        cursor.execute(f'DROP TABLE "{table}"')
        cursor.execute(loose)
    user = get_user_model().objects.create_user("alice")
    row = {"provider_key": "op", "issuer": "https://op.example", "provider_user_id": "Sub-1"}
    OAuthConnection.objects.create(user=user, link_reason="signed_up", **row)
    assert OAuthConnection.objects.filter(provider_user_id="sub-1").exists(), "the table does ignore it"

    def find(subject: str) -> OAuthConnection | None:
        return OAuthConnection.objects.find(
            Identity(
                provider_key="op",
                issuer="https://op.example",
                subject=subject,
                email="",
                email_verified=False,
                claims={},
            )
        )

    assert find("sub-1") is None
    assert find("Sub-1") is not None
    assert has_other_identity(user, "op", "https://op.example", "sub-1")
    assert not has_other_identity(user, "op", "https://op.example", "Sub-1")


def test_the_error_names_no_value() -> None:
    assert "42" not in repr(IdentityUnbound("refused: this identity is stored without its server"))
