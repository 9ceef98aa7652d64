"""django-allauth: `SocialAccount`, with tokens in `SocialToken` and clients in `SocialApp`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import models

from oidc_login.conf import django
from oidc_login.moving.accounts import Counterpart, OldAccount, OldTokens
from oidc_login.moving.tables import UserKey, has_table, object_of, open_table, pages_of, text_of, value_of

ACCOUNTS = "socialaccount_socialaccount"
TOKENS = "socialaccount_socialtoken"
APPS = "socialaccount_socialapp"
ADDRESSES = "account_emailaddress"

# allauth's providers with a class here, and those that the generic class serves by discovery.
COUNTERPARTS = {
    "amazon": Counterpart(key="amazon", provider_class="AmazonProvider"),
    "amazon_cognito": Counterpart(key="cognito", provider_class="CognitoProvider", identity=("sub", "uid")),
    "apple": Counterpart(key="apple", provider_class="AppleProvider", identity=("sub", "uid")),
    "auth0": Counterpart(key="auth0", identity=("sub", "uid")),
    "bitbucket_oauth2": Counterpart(key="bitbucket", provider_class="BitbucketProvider", identity=("uuid",)),
    "discogs": Counterpart(key="discogs", provider_class="DiscogsProvider", takes_tokens=False),
    "discord": Counterpart(key="discord", provider_class="DiscordProvider"),
    "dropbox": Counterpart(key="dropbox", provider_class="DropboxProvider"),
    "facebook": Counterpart(
        key="facebook",
        provider_class="FacebookProvider",
        remark="The identity is specific to one app: keep the client.",
    ),
    "flickr": Counterpart(key="flickr", provider_class="FlickrProvider", takes_tokens=False),
    "github": Counterpart(key="github", provider_class="GitHubProvider"),
    "gitlab": Counterpart(key="gitlab", provider_class="GitLabRESTProvider"),
    "google": Counterpart(key="google", provider_class="GoogleProvider", identity=("sub", "uid")),
    "instagram": Counterpart(key="instagram", provider_class="InstagramProvider", identity=("user_id",)),
    "kakao": Counterpart(key="kakao", provider_class="KakaoProvider"),
    "keycloak": Counterpart(key="keycloak", provider_class="KeycloakProvider", identity=("sub", "uid")),
    "linkedin_oauth2": Counterpart(key="linkedin", provider_class="LinkedInProvider", identity=("sub",)),
    "microsoft": Counterpart(
        key="microsoft",
        provider_class="MicrosoftProvider",
        identity=("sub",),
        remark="allauth stores the object ID and no ID token, so the identities are unknown. Let people connect again.",
    ),
    "notion": Counterpart(key="notion", provider_class="NotionProvider", identity=("owner.user.id",)),
    "okta": Counterpart(key="okta", identity=("sub", "uid")),
    "paypal": Counterpart(key="paypal", provider_class="PayPalProvider"),
    "pinterest": Counterpart(key="pinterest", provider_class="PinterestProvider"),
    "reddit": Counterpart(key="reddit", provider_class="RedditProvider", identity=("id",)),
    "slack": Counterpart(key="slack", provider_class="SlackProvider", identity=("https://slack.com/user_id",)),
    "spotify": Counterpart(key="spotify", provider_class="SpotifyProvider"),
    "strava": Counterpart(key="strava", provider_class="StravaProvider"),
    "tiktok": Counterpart(key="tiktok", provider_class="TikTokProvider"),
    "trello": Counterpart(key="trello", provider_class="TrelloProvider", takes_tokens=False),
    "tumblr": Counterpart(key="tumblr", provider_class="TumblrProvider", takes_tokens=False),
    "twitch": Counterpart(key="twitch", provider_class="TwitchProvider"),
    "twitter": Counterpart(key="x", provider_class="XProvider", takes_tokens=False),
    "twitter_oauth2": Counterpart(key="x", provider_class="XProvider"),
}


class Source:
    """The accounts of django-allauth."""

    name = "allauth"
    package = "django-allauth"
    takes_file = False

    def __init__(self, *, alias: str) -> None:
        self.alias = alias
        columns = {
            "id": models.BigIntegerField,
            "user_id": UserKey,
            "provider": models.TextField,
            "uid": models.TextField,
            "extra_data": models.TextField,
            "last_login": models.DateTimeField,
        }
        self.accounts = open_table(alias, ACCOUNTS, columns, optional=("extra_data", "last_login"))
        self.apps = {app["id"]: app for app in read_apps(alias)}
        self.uid_fields = uid_fields([*self.apps.values(), *configured_apps()])
        self.tokens = open_tokens(alias)

    def counterpart(self, provider: str) -> Counterpart:
        return COUNTERPARTS.get(provider) or Counterpart(key=provider, identity=("sub", "uid"))

    def total(self) -> int:
        return int(self.accounts._base_manager.using(self.alias).count())

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        for page in pages_of(self.alias, self.accounts, size):
            tokens = self._tokens_of([row.id for row in page])
            yield [self._account(row, tokens.get(row.id)) for row in page]

    def remarks(self) -> Sequence[str]:
        if not has_table(self.alias, ADDRESSES):
            return []
        return [
            "allauth.account stores which addresses people have confirmed. While it is installed, only confirmed "
            "addresses link accounts. Before you remove it, set OIDC_LOGIN_LOCAL_EMAIL_VERIFIED."
        ]

    def _account(self, row: Any, token: Any) -> OldAccount:
        return OldAccount(
            row=row.id,
            provider=text_of(row, "provider"),
            user_key=value_of(row, "user_id"),
            uid=text_of(row, "uid"),
            uid_claim=self.uid_fields.get(text_of(row, "provider"), ""),
            claims=claims_of(object_of(row, "extra_data")),
            tokens=None if token is None else tokens_of(token),
            client_id="" if token is None else self.apps.get(token.app_id, {}).get("client_id", ""),
            last_login_at=value_of(row, "last_login"),
        )

    def _tokens_of(self, keys: Sequence[Any]) -> dict[Any, Any]:
        """Return the newest token of each account."""
        if self.tokens is None:
            return {}
        rows = self.tokens._base_manager.using(self.alias).filter(account_id__in=keys).order_by("id")
        return {row.account_id: row for row in rows}


def open_tokens(alias: str) -> Any:
    """Return a model for the table of tokens, or `None` if there is none."""
    if not has_table(alias, TOKENS):
        return None
    columns = {
        "id": models.BigIntegerField,
        "app_id": models.BigIntegerField,
        "account_id": models.BigIntegerField,
        "token": models.TextField,
        "token_secret": models.TextField,
        "expires_at": models.DateTimeField,
    }
    return open_table(alias, TOKENS, columns)


def tokens_of(row: Any) -> OldTokens:
    """Return the tokens of a row; with OAuth 2.0, `token_secret` is the refresh token."""
    return OldTokens(
        access_token=text_of(row, "token"),
        refresh_token=text_of(row, "token_secret"),
        access_token_expires_at=value_of(row, "expires_at"),
    )


def claims_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that allauth stored; since 65.11, ID token and userinfo claims have separate keys."""
    parts = [extra.get("id_token"), extra.get("userinfo")]
    if not any(isinstance(part, dict) for part in parts):
        return dict(extra)
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}


# The clients: in the database, or in `SOCIALACCOUNT_PROVIDERS`.


def read_apps(alias: str) -> list[dict[str, Any]]:
    """Return the clients in the database, without their secrets."""
    if not has_table(alias, APPS):
        return []
    columns = {
        "id": models.BigIntegerField,
        "provider": models.TextField,
        "provider_id": models.TextField,
        "name": models.TextField,
        "client_id": models.TextField,
        "settings": models.TextField,
    }
    table = open_table(alias, APPS, columns, optional=("provider_id", "settings"))
    rows = table._base_manager.using(alias).order_by("id")
    return [
        {
            "id": row.id,
            "provider": text_of(row, "provider"),
            "provider_id": text_of(row, "provider_id"),
            "name": text_of(row, "name"),
            "client_id": text_of(row, "client_id"),
            "settings": object_of(row, "settings"),
        }
        for row in rows
    ]


def configured_apps() -> list[dict[str, Any]]:
    """Return the clients in the settings, without their secrets."""
    found = []
    for provider, options in configured_providers().items():
        own = options.get("APPS") or ([options["APP"]] if isinstance(options.get("APP"), Mapping) else [])
        for app in own:
            # Options next to `APPS` apply to each of them.
            common = {"scope": options.get("SCOPE"), "tenant": options.get("TENANT", options.get("tenant"))}
            settings = {**{name: value for name, value in common.items() if value}, **(app.get("settings") or {})}
            found.append({**without_secrets(app), "provider": provider, "settings": settings})
    return found


def configured_providers() -> Mapping[str, Mapping[str, Any]]:
    found = django.get("SOCIALACCOUNT_PROVIDERS", {})
    providers = found if isinstance(found, Mapping) else {}
    return {name: options for name, options in providers.items() if isinstance(options, Mapping)}


def without_secrets(app: Mapping[str, Any]) -> dict[str, Any]:
    return {name: app.get(name) or "" for name in ("provider_id", "name", "client_id")}


def uid_fields(apps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the claims that uids were taken from, by the provider name of the accounts."""
    return {name_of(app): str(app["settings"]["uid_field"]) for app in apps if app["settings"].get("uid_field")}


def name_of(app: Mapping[str, Any]) -> str:
    return str(app.get("provider_id") or app["provider"])
