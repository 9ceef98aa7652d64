"""What is peculiar to one OAuth 2.0 provider, beyond what every row of the table is asked."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from oidc_login import __version__, providers
from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers import OAuth2Provider, OAuthToken
from oidc_login.registry import get_provider
from oidc_login.signals import token_refreshed
from oidc_login.templatetags.oidc_login import contrast
from oidc_login.testing import Answer
from tests.docs.pages import blocks
from tests.providers.flows import asked_parameters
from tests.providers.oauth2_rows import MISSING, Row
from tests.providers.oauth2_service import OAuth2Service, oauth2_service
from tests.providers.oauth2_table import TABLE
from tests.support.browser import Browser
from tests.support.served import CLIENT_SECRET

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CAPTURE_PAGE = Path(__file__).resolve().parents[2] / "docs" / "migrating" / "oauth2-capture.md"

OpenWorld = Callable[[type[OAuth2Provider]], Any]


def row_of(provider_class: type[OAuth2Provider]) -> Row:
    return next(row for row in TABLE if row.provider_class is provider_class)


@pytest.fixture
def open_world(settings: Settings) -> OpenWorld:
    @contextmanager
    def opened(provider_class: type[OAuth2Provider]) -> Iterator[OAuth2Service]:
        with oauth2_service(row_of(provider_class), settings) as service:
            yield service

    return opened


def made(provider_class: type[Any], **arguments: Any) -> Any:
    return provider_class(**{"provider_key": "it", "client_id": "client", "client_secret": "secret", **arguments})


def person(provider: OAuth2Provider, answer: Any) -> Any:
    return provider.user_from_userinfo(answer, oauth_token=OAuthToken(access_token="a"))


# Addresses.


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_every_address_is_one_that_can_be_asked(row: Row) -> None:
    provider = made(row.provider_class, **row.arguments)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "api_base_url"):
        assert getattr(provider, name).startswith("https://")
    assert (provider.revocation_endpoint or "https://").startswith("https://")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_settings_put_other_addresses_in_place(row: Row) -> None:
    """For a stand-in on a developer's machine, or a proxy."""
    provider = made(row.provider_class, **row.arguments, token_endpoint="https://stand-in.example/token")
    assert provider.token_endpoint == "https://stand-in.example/token"
    assert made(row.provider_class, **row.arguments).token_endpoint != provider.token_endpoint


def test_gitlab_of_ones_own_is_asked_at_its_address() -> None:
    provider = made(providers.GitLabRESTProvider, base_url="https://git.corp.example/gitlab/")
    assert provider.authorization_endpoint == "https://git.corp.example/gitlab/oauth/authorize"
    assert (
        provider.userinfo_endpoint == provider.api_base_url + "/user" == "https://git.corp.example/gitlab/api/v4/user"
    )


def test_facebook_is_asked_in_one_version_of_its_api() -> None:
    provider = made(providers.FacebookProvider, api_version="v25.0")
    assert provider.authorization_endpoint == "https://www.facebook.com/v25.0/dialog/oauth"
    for name in ("token_endpoint", "userinfo_endpoint", "revocation_endpoint", "api_base_url"):
        assert getattr(provider, name).startswith("https://graph.facebook.com/v25.0")


# Identities.


def test_the_same_number_on_two_mastodon_servers_is_two_people() -> None:
    answer = {"id": "1", "username": "ada"}
    one, other = (made(providers.MastodonProvider, base_url=f"https://{host}") for host in ("a.example", "b.example"))
    assert (person(one, answer).id, person(other, answer).id) == ("1@a.example", "1@b.example")


@pytest.mark.parametrize("state", ["blocked", "ldap_blocked", "deactivated", None, MISSING])
def test_gitlab_lets_nobody_in_whose_account_is_not_active(state: Any) -> None:
    answer = {"id": 2, "username": "ada", **({} if state is MISSING else {"state": state})}
    with pytest.raises(UserInfoInvalid, match="state"):
        person(made(providers.GitLabRESTProvider), answer)


# Addresses of people.


@pytest.mark.parametrize(
    ("valid", "verified", "counts"),
    [(True, True, True), (False, True, False), (True, False, False), (None, True, False), ("true", True, False)],
)
def test_kakao_vouches_for_an_address_that_is_verified_and_still_valid(valid: Any, verified: Any, counts: bool) -> None:
    account = {"email": "a@example.org", "is_email_valid": valid, "is_email_verified": verified}
    assert person(made(providers.KakaoProvider), {"id": 1, "kakao_account": account}).email_verified is counts


def test_x_is_asked_for_the_address_only_where_that_was_granted(open_world: OpenWorld) -> None:
    """The request as a whole might be refused otherwise."""
    with open_world(providers.XProvider) as service:
        user = service.op.resources["user"]
        service.op.resources["user"] = replace(user, query={"user.fields": "profile_image_url"})
        service.configure(scope="users.read tweet.read")
        connection = service.signed_in()

    assert connection.provider_user_id == row_of(providers.XProvider).identity


@pytest.mark.parametrize(("status", "signed_in"), [(403, True), (404, True), (503, False)])
def test_bitbucket_without_the_permission_for_addresses_has_none(
    open_world: OpenWorld, status: int, signed_in: bool
) -> None:
    """An outage is not a missing address: the person would be taken for somebody new."""
    with (
        open_world(providers.BitbucketProvider) as service,
        service.op.bend("emails", lambda good: Answer.of_json({"type": "error"}, status=status)),
    ):
        response = service.sign_in(Browser())

    assert response.status_code == (302 if signed_in else 503)
    assert [connection.email for connection in OAuthConnection.objects.all()] == [""] * signed_in


# YouTube.


@pytest.mark.parametrize("change", [{"channels/items": []}, {"channels/items": MISSING}])
def test_youtube_account_without_a_channel_goes_by_its_own_name(open_world: OpenWorld, change: Any) -> None:
    with open_world(providers.YouTubeProvider) as service:
        service.change(change)
        connection = service.signed_in()

    assert (connection.claims["name"], connection.claims["picture"]) == (
        "Ada Byron",
        "https://lh3.googleusercontent.com/a/x",
    )
    assert "preferred_username" not in connection.claims


def test_youtube_that_refuses_the_channel_is_asked_for_nothing_more(open_world: OpenWorld) -> None:
    with (
        open_world(providers.YouTubeProvider) as service,
        service.op.bend("channels", lambda good: Answer.of_json({"error": {"code": 403}}, status=403)),
    ):
        connection = service.signed_in()

    assert connection.claims["name"] == "Ada Byron"


def test_youtube_channel_reaches_hooks(open_world: OpenWorld, settings: Settings) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["youtube_channel"]
    with open_world(providers.YouTubeProvider) as service:
        connection = service.signed_in()

    assert connection.claims["youtube_channel"] == "UCx0000000000000000000"


def connected(service: OAuth2Service) -> list[str]:
    """Let somebody who is signed in connect; return the identities that they have then."""
    browser = Browser()
    browser.log_in(get_user_model().objects.create_user("owner"))
    browser.connect(service.op, "it", user="ada")
    return list(OAuthConnection.objects.values_list("provider_user_id", flat=True))


def test_youtube_channel_is_the_identity_where_the_entry_says_so(open_world: OpenWorld) -> None:
    with open_world(providers.YouTubeProvider) as service:
        service.configure(identify_by="channel", allow_login=False)

        assert connected(service) == ["UCx0000000000000000000"]


def test_youtube_account_without_a_channel_is_no_identity_then(open_world: OpenWorld) -> None:
    with open_world(providers.YouTubeProvider) as service:
        service.configure(identify_by="channel", allow_login=False)
        service.change({"channels/items": []})

        assert connected(service) == []


def test_youtube_channel_signs_nobody_in() -> None:
    """A channel can be handed to another account."""
    with pytest.raises(ValueError, match="allow_login"):
        providers.YouTubeProvider(provider_key="it", client_id="c", client_secret="s", identify_by="channel")


def test_profile_is_updated_at_a_refresh_by_the_receiver_of_the_page(
    open_world: OpenWorld, django_capture_on_commit_callbacks: Any
) -> None:
    (block,) = (block for block in blocks(CAPTURE_PAGE) if block.module == "shop.profiles")
    names: dict[str, Any] = {}
    with open_world(providers.YouTubeProvider) as service:
        connection = service.signed_in()
        service.change({"channels/items": []})
        exec(compile(block.code, block.where, "exec"), names)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                connection.refresh_access_token()
        finally:
            token_refreshed.disconnect(names["update_profile"])

    assert OAuthConnection.objects.get().claims["name"] == "Ada Byron"


# Names and pictures.


@pytest.mark.parametrize(
    ("avatar", "picture"),
    [
        ("8342729096ea", "https://cdn.discordapp.com/avatars/7/8342729096ea.png"),
        ("a_8342729096ea", "https://cdn.discordapp.com/avatars/7/a_8342729096ea.gif"),
        (None, ""),
        (5, ""),
    ],
)
def test_discord_names_a_picture_by_its_hash(avatar: Any, picture: str) -> None:
    assert person(made(providers.DiscordProvider), {"id": "7", "avatar": avatar}).picture == picture


@pytest.mark.parametrize(
    ("profile", "picture"),
    [("https://cloudfront.example/large.jpg", "https://cloudfront.example/large.jpg"), ("avatar/large.png", "")],
)
def test_strava_picture_may_be_a_path_to_none(profile: str, picture: str) -> None:
    assert person(made(providers.StravaProvider), {"id": 7, "profile": profile}).picture == picture


# Permissions that were left out.


@pytest.mark.parametrize(
    ("answered", "kept"),
    [
        (None, "read activity:read"),
        ("read,activity:read", "read activity:read"),
        ("read", "read"),
        ("", ""),
        ("read,activity:read,profile:write", "read activity:read"),
    ],
)
def test_strava_tells_in_the_redirect_what_the_person_left(
    open_world: OpenWorld, answered: str | None, kept: str
) -> None:
    """What came through the browser takes away, and never adds."""
    with open_world(providers.StravaProvider) as service:
        change = {} if answered is None else {"scope": answered}
        with service.op.bend("authorize", lambda answer: answer.with_(**change)):
            connection = service.signed_in()

    assert connection.scope == kept
    assert connection.has_scopes("activity:read") is ("activity:read" in kept)
    assert not connection.has_scopes("profile:write")


def test_other_providers_scopes_are_not_read_from_the_redirect(open_world: OpenWorld) -> None:
    with (
        open_world(providers.SpotifyProvider) as service,
        service.op.bend("authorize", lambda answer: answer.with_(scope="")),
    ):
        connection = service.signed_in()

    assert connection.scope == "user-read-email"


# Requests.


def test_reddit_is_told_who_asks() -> None:
    assert made(providers.RedditProvider).request_headers == {
        "User-Agent": f"web:client:{__version__} (django-oidc-login)"
    }
    named = made(providers.RedditProvider, user_agent="web:shop.example:2.1 (by /u/ada)")
    assert named.request_headers == {"User-Agent": "web:shop.example:2.1 (by /u/ada)"}


@pytest.mark.parametrize(
    ("provider_class", "header"),
    [(providers.RedditProvider, "user-agent"), (providers.NotionProvider, "notion-version")],
)
def test_headers_that_a_provider_wants_go_with_every_call(
    open_world: OpenWorld, provider_class: type[OAuth2Provider], header: str
) -> None:
    with open_world(provider_class) as service:
        service.signed_in().session().get("things")
        expected = service.row.shape.headers[header]

        assert len({request.headers[header] for request in service.op.requests}) == 1, expected
        assert service.op.asked() == ["token", "user", "things"]


@pytest.mark.parametrize(
    ("provider_class", "scope"),
    [
        (providers.FacebookProvider, "email,pages_show_list"),
        (providers.TikTokProvider, "email,pages_show_list"),
        (providers.SpotifyProvider, "email pages_show_list"),
    ],
)
def test_scopes_are_put_together_as_the_provider_wants(provider_class: type[OAuth2Provider], scope: str) -> None:
    for written in ("email pages_show_list", ["email", "pages_show_list"]):
        assert asked_parameters(made(provider_class, scope=written))["scope"] == scope


def test_what_a_page_asks_for_besides_is_put_together_the_same_way() -> None:
    """`scopes_required` asks in addition to the settings."""
    asked = asked_parameters(made(providers.FacebookProvider), parameters={"scope": "email pages_show_list"})
    assert asked["scope"] == "email,pages_show_list"


def test_provider_without_scopes_is_asked_for_none() -> None:
    assert "scope" not in asked_parameters(made(providers.NotionProvider))
    assert "scope" not in asked_parameters(made(providers.KakaoProvider))


def test_settings_replace_what_a_class_asks_for() -> None:
    assert asked_parameters(made(providers.RedditProvider))["duration"] == "permanent"
    temporary = made(providers.RedditProvider, authorization_params={"duration": "temporary"})
    assert asked_parameters(temporary)["duration"] == "temporary"


def test_tiktok_knows_no_client_id() -> None:
    asked = asked_parameters(made(providers.TikTokProvider))
    assert asked["client_key"] == "client"
    assert "client_id" not in asked


# Tokens that are exchanged for newer ones.


def test_facebook_is_proved_that_the_token_is_used_by_its_app(open_world: OpenWorld) -> None:
    """https://developers.facebook.com/docs/graph-api/guides/secure-requests"""
    with open_world(providers.FacebookProvider) as service:
        token = service.signed_in().access_token
        sent = dict(service.op.requests[-1].query_pairs)["appsecret_proof"]

    assert sent == hmac.new(CLIENT_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


GRAPH = [providers.FacebookProvider, providers.InstagramProvider]


@pytest.mark.parametrize("provider_class", GRAPH)
def test_long_lived_tokens_are_asked_for_alone(open_world: OpenWorld, provider_class: type[OAuth2Provider]) -> None:
    with open_world(provider_class) as service:
        service.configure(long_lived_tokens=False)
        short = service.signed_in()
        asked = len(service.op.requests)
        service.configure(long_lived_tokens=True)
        long = service.signed_in()

        assert len(service.op.requests) == 2 * asked + 1
    days = [moment and (moment - timezone.now()).days for moment in map(expires_at, (short, long))]
    assert days[1] == 59
    assert days[0] in (0, None)


def expires_at(connection: OAuthConnection) -> Any:
    return connection.access_token_expires_at


@pytest.mark.parametrize(
    ("days_left", "days_old", "exchanged"), [(40, 20, False), (20, 40, True), (20, 0, False), (1, 2, True)]
)
@pytest.mark.parametrize("provider_class", GRAPH)
def test_token_in_its_last_thirty_days_is_exchanged_when_it_is_used(
    open_world: OpenWorld, provider_class: type[OAuth2Provider], days_left: int, days_old: int, exchanged: bool
) -> None:
    """Once a day at most: Meta gives no other token for one that is younger."""
    with open_world(provider_class) as service:
        token = service.signed_in().access_token
        now = timezone.now()
        OAuthConnection.objects.update(
            access_token_expires_at=now + timedelta(days=days_left), last_login_at=now - timedelta(days=days_old)
        )
        connection = OAuthConnection.objects.select_related("user").get()
        for _ in range(2):
            assert connection.session().get("things").status_code == 200

    assert (connection.access_token != token) is exchanged
    assert connection.access_token_expires_at is not None
    assert (connection.access_token_expires_at > now + timedelta(days=50)) is exchanged


@pytest.mark.parametrize("provider_class", GRAPH)
def test_failed_exchange_leaves_the_token_in_use(open_world: OpenWorld, provider_class: type[OAuth2Provider]) -> None:
    """It still has days to live, in which the provider may be up again."""
    with open_world(provider_class) as service:
        token = service.signed_in().access_token
        now = timezone.now()
        OAuthConnection.objects.update(
            access_token_expires_at=now + timedelta(days=9), last_login_at=now - timedelta(days=51)
        )
        connection = OAuthConnection.objects.select_related("user").get()
        name = "refresh" if provider_class is providers.InstagramProvider else "token"
        with service.op.bend(name, lambda good: Answer(status=503, body=b"")):
            assert connection.session().get("things").status_code == 200

    assert connection.access_token == token
    assert connection.status == "ok"


def test_a_secret_in_rotation_is_tried_where_the_graph_api_refuses_the_first(open_world: OpenWorld) -> None:
    """In its own words for `invalid_client`."""
    with open_world(providers.FacebookProvider) as service:
        service.configure(client_secret=["retired", CLIENT_SECRET])
        connection = service.signed_in()
        assert service.op.asked() == ["token", "token", "token", "user"]

    assert connection.access_token


# Strategies.


@pytest.mark.parametrize(
    ("strategy", "token", "can"),
    [
        ("standard", {"refresh_token": "r"}, True),
        ("standard", {}, False),
        ("exchange_self", {}, True),
        ("exchange_self", {"access_token": ""}, False),
        ("exchange_self", {"access_token_expires_at": "2999-01-01T00:00:00+00:00"}, True),
        ("exchange_self", {"access_token_expires_at": "2020-01-01T00:00:00+00:00"}, False),
        ("exchange_self", {"access_token": "", "refresh_token": "r"}, False),
        ("none", {"refresh_token": "r"}, False),
    ],
)
def test_strategy_says_whether_newer_tokens_can_be_had(strategy: str, token: dict[str, Any], can: bool) -> None:
    provider_class: Any = type("Forge", (OAuth2Provider,), {"refresh_strategy": strategy})
    if "access_token_expires_at" in token:
        token = {**token, "access_token_expires_at": datetime.fromisoformat(token["access_token_expires_at"])}
    assert made(provider_class).can_refresh(oauth_token=OAuthToken(**{"access_token": "a", **token})) is can


@pytest.mark.parametrize("provider_class", [providers.DropboxProvider, providers.StravaProvider])
def test_token_that_is_gone_cannot_end_itself(open_world: OpenWorld, provider_class: type[OAuth2Provider]) -> None:
    """Then there is nothing to ask, and a request without a token would be refused."""
    with open_world(provider_class) as service:
        provider = get_provider("it")
        provider.revoke_oauth_token(oauth_token=OAuthToken(access_token="", refresh_token="r"))
        assert service.op.requests == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_letters_on_the_button_can_be_read(row: Row) -> None:
    """WCAG 2.2, 1.4.3: white on the provider's colour."""
    assert contrast(row.provider_class.brand_color, "#ffffff") >= 4.5
    assert 1 <= len(row.provider_class.monogram) <= 2
