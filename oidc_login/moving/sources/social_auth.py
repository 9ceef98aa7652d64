"""social-auth-app-django: `UserSocialAuth`, with tokens in `extra_data`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import models

from oidc_login.conf import django
from oidc_login.moving.accounts import Counterpart, OldAccount, OldTokens
from oidc_login.moving.tables import UserKey, object_of, open_table, pages_of, text_of, value_of

ACCOUNTS = "social_auth_usersocialauth"
# Members of `extra_data` that are not claims.
NO_CLAIMS = (
    "access_token",
    "refresh_token",
    "id_token",
    "token_type",
    "auth_time",
    "expires",
    "expires_in",
    "expires_on",
    "refresh_expires_in",
    "session_state",
)

OPENID = ("sub", "uid")
COUNTERPARTS = {
    "amazon": Counterpart(key="amazon", provider_class="AmazonProvider", uid_claims=("user_id",)),
    "apple-id": Counterpart(key="apple", provider_class="AppleProvider", identity=OPENID),
    "auth0": Counterpart(key="auth0", identity=OPENID, uid_claims=("user_id",)),
    "auth0_openidconnect": Counterpart(key="auth0", identity=OPENID),
    "azuread-oauth2": Counterpart(key="microsoft", provider_class="MicrosoftProvider", identity=OPENID),
    "azuread-oauth2-v2": Counterpart(key="microsoft", provider_class="MicrosoftProvider", identity=OPENID),
    "azuread-tenant-oauth2": Counterpart(key="microsoft", provider_class="MicrosoftProvider", identity=OPENID),
    "azuread-v2-tenant-oauth2": Counterpart(key="microsoft", provider_class="MicrosoftProvider", identity=OPENID),
    "bitbucket-oauth2": Counterpart(key="bitbucket", provider_class="BitbucketProvider", uid_claims=("uuid",)),
    "cognito": Counterpart(key="cognito", provider_class="CognitoProvider", identity=OPENID),
    "discord": Counterpart(key="discord", provider_class="DiscordProvider", uid_claims=("id",)),
    "dropbox-oauth2": Counterpart(key="dropbox", provider_class="DropboxProvider", uid_claims=("account_id",)),
    "facebook": Counterpart(
        key="facebook",
        provider_class="FacebookProvider",
        uid_claims=("id",),
        remark="The identity is specific to one app: keep the client.",
    ),
    "github": Counterpart(key="github", provider_class="GitHubProvider", uid_claims=("id",)),
    "github-app": Counterpart(key="github", provider_class="GitHubProvider", uid_claims=("id",)),
    "github-org": Counterpart(key="github", provider_class="GitHubProvider", uid_claims=("id",)),
    "github-team": Counterpart(key="github", provider_class="GitHubProvider", uid_claims=("id",)),
    "gitlab": Counterpart(key="gitlab", provider_class="GitLabRESTProvider", uid_claims=("id",)),
    # Until 4.x the uid for Google was the address, unless a setting selected the identifier.
    "google-oauth2": Counterpart(key="google", provider_class="GoogleProvider", identity=OPENID, uid_claims=("id",)),
    "google-openidconnect": Counterpart(key="google", provider_class="GoogleProvider", identity=OPENID),
    "kakao": Counterpart(key="kakao", provider_class="KakaoProvider", uid_claims=("id",)),
    "keycloak": Counterpart(key="keycloak", provider_class="KeycloakProvider", identity=OPENID),
    "linkedin-oauth2": Counterpart(key="linkedin", provider_class="LinkedInProvider", identity=("sub",)),
    "linkedin-openidconnect": Counterpart(key="linkedin", provider_class="LinkedInProvider", identity=OPENID),
    "microsoft-graph": Counterpart(
        key="microsoft",
        provider_class="MicrosoftProvider",
        identity=("sub",),
        remark="The old rows contain the object ID and no ID token, so the identities are unknown. Let people "
        "connect again.",
    ),
    "okta-oauth2": Counterpart(key="okta", identity=OPENID),
    "okta-openidconnect": Counterpart(key="okta", identity=OPENID),
    "paypal": Counterpart(key="paypal", provider_class="PayPalProvider", uid_claims=("user_id",)),
    "reddit": Counterpart(key="reddit", provider_class="RedditProvider", identity=("id",)),
    "slack": Counterpart(key="slack", provider_class="SlackProvider", identity=("https://slack.com/user_id",)),
    "spotify": Counterpart(key="spotify", provider_class="SpotifyProvider", uid_claims=("id",)),
    "strava": Counterpart(key="strava", provider_class="StravaProvider", uid_claims=("id",)),
    "twitch": Counterpart(key="twitch", provider_class="TwitchProvider", uid_claims=("id",)),
    "twitter": Counterpart(key="x", provider_class="XProvider", uid_claims=("id",), takes_tokens=False),
    "twitter-oauth2": Counterpart(key="x", provider_class="XProvider", uid_claims=("id",)),
}


class Source:
    """The accounts of Python Social Auth in a Django site."""

    name = "social_auth"
    package = "social-auth-app-django"
    takes_file = False

    def __init__(self, *, alias: str) -> None:
        self.alias = alias
        columns = {
            "id": models.BigIntegerField,
            "user_id": UserKey,
            "provider": models.TextField,
            "id_key": models.TextField,
            "uid": models.TextField,
            "extra_data": models.TextField,
            "modified": models.DateTimeField,
        }
        self.accounts = open_table(alias, ACCOUNTS, columns, optional=("id_key", "modified"))

    def counterpart(self, provider: str) -> Counterpart:
        return COUNTERPARTS.get(provider) or Counterpart(key=key_for(provider), identity=OPENID)

    def total(self) -> int:
        return int(self.accounts._base_manager.using(self.alias).count())

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        for page in pages_of(self.alias, self.accounts, size):
            yield [self._account(row) for row in page]

    def remarks(self) -> Sequence[str]:
        return []

    def _account(self, row: Any) -> OldAccount:
        provider, extra = text_of(row, "provider"), object_of(row, "extra_data")
        return OldAccount(
            row=row.id,
            provider=provider,
            user_key=value_of(row, "user_id"),
            uid=text_of(row, "uid"),
            uid_claim=text_of(row, "id_key") or configured_id_key(provider),
            claims=self._claims(provider, extra),
            tokens=tokens_of(extra),
            client_id=setting_of(provider, "KEY"),
            last_login_at=value_of(row, "modified"),
        )

    def _claims(self, provider: str, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Return the known claims of a person. For OpenID Connect, `sub` is stored as "id"."""
        claims = {name: value for name, value in extra.items() if name not in NO_CLAIMS}
        is_openid = "sub" in self.counterpart(provider).identity
        if is_openid and "sub" not in claims and isinstance(claims.get("id"), str) and provider not in COUNTERPARTS:
            claims["sub"] = claims.pop("id")
        return claims


def key_for(provider: str) -> str:
    """Return the suggested key for a backend without a class here."""
    return provider.lower().replace(".", "-")


def tokens_of(extra: Mapping[str, Any]) -> OldTokens | None:
    """Return the tokens of an account; OAuth 1.0 tokens are dictionaries and cannot be used."""
    access_token = extra.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        return None
    refresh_token = extra.get("refresh_token")
    return OldTokens(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
        access_token_expires_at=expires_at(extra),
    )


def expires_at(extra: Mapping[str, Any]) -> datetime | None:
    """Return the expiry of the access token: seconds after `auth_time`, or a time, or unknown."""
    seconds, begun = extra.get("expires", extra.get("expires_in")), extra.get("auth_time")
    try:
        if seconds is None or int(seconds) <= 0:
            return None
        if int(seconds) > 10**9:  # already a time
            return datetime.fromtimestamp(int(seconds), tz=timezone.utc)
        if begun is None:
            return None
        return datetime.fromtimestamp(int(begun), tz=timezone.utc) + timedelta(seconds=int(seconds))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def configured_id_key(provider: str) -> str:
    """Return the claim that the site's settings take the uid from, or "" for the backend's default."""
    if provider == "google-oauth2" and setting_of(provider, "USE_UNIQUE_USER_ID"):
        return "sub"
    return str(setting_of(provider, "ID_KEY") or "")


def setting_of(provider: str, name: str) -> Any:
    """Return a setting of a backend, longest name first as in the package, or ""."""
    backend = provider.upper().replace("-", "_").replace(".", "_")
    for full in (f"SOCIAL_AUTH_{backend}_{name}", f"SOCIAL_AUTH_{name}", f"{backend}_{name}"):
        if value := django.get(full, ""):
            return value
    return ""
