"""django-oauth2-capture: `OAuthToken`, accounts that people connected so that the site can use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models

from oidc_login.moving.accounts import Counterpart, OldAccount, OldTokens
from oidc_login.moving.tables import UserKey, object_of, open_table, pages_of, text_of, value_of
from oidc_login.moving.targets import CHANNEL

CHANNEL_ID = "UC"  # how the ID of every channel begins
ACCOUNTS = "oauth2_capture_oauthtoken"

COUNTERPARTS = {
    "facebook": Counterpart(key="facebook", provider_class="FacebookProvider"),
    "github": Counterpart(key="github", provider_class="GitHubProvider"),
    "linkedin": Counterpart(key="linkedin", provider_class="LinkedInPostingProvider"),
    "pinterest": Counterpart(key="pinterest", provider_class="PinterestProvider"),
    "reddit": Counterpart(key="reddit", provider_class="RedditProvider", identity=("id", "uid")),
    "twitter": Counterpart(key="x", provider_class="XProvider"),
    # The old ID is that of the channel, or the account's `sub` if there was no channel.
    "youtube": Counterpart(
        key="youtube",
        provider_class="YouTubeProvider",
        remark="The old identities are channels. Without identify_by, people connect once more.",
        arguments={"identify_by": "channel"},
    ),
}


class Source:
    """The tokens of django-oauth2-capture."""

    name = "oauth2_capture"
    package = "django-oauth2-capture"
    takes_file = False

    def __init__(self, *, alias: str) -> None:
        self.alias = alias
        columns = {
            "id": models.BigIntegerField,
            "owner_id": UserKey,
            "provider": models.TextField,
            "user_id": models.TextField,
            "access_token": models.TextField,
            "refresh_token": models.TextField,
            "expires_at": models.DateTimeField,
            "refresh_token_expires_at": models.DateTimeField,
            "scope": models.TextField,
            "profile_json": models.TextField,
            "name": models.TextField,
        }
        optional = ("refresh_token_expires_at", "scope", "profile_json", "name")
        self.accounts = open_table(alias, ACCOUNTS, columns, optional=optional)

    def counterpart(self, provider: str) -> Counterpart:
        return COUNTERPARTS.get(provider) or Counterpart(key=provider)

    def total(self) -> int:
        return int(self.accounts._base_manager.using(self.alias).count())

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        for page in pages_of(self.alias, self.accounts, size):
            yield [account(row) for row in page]

    def remarks(self) -> Sequence[str]:
        return ['To keep these providers from signing people in, as before, set "allow_login": False in their entries.']


def claim_of(provider: str, uid: str) -> str:
    """Return what an identity was taken from: of YouTube a channel, or the Google account where there is none."""
    if provider != "youtube":
        return ""
    return CHANNEL if uid.startswith(CHANNEL_ID) else "sub"


def account(row: Any) -> OldAccount:
    claims = object_of(row, "profile_json")
    if name := text_of(row, "name"):
        claims.setdefault("name", name)
    return OldAccount(
        row=row.id,
        provider=text_of(row, "provider"),
        user_key=value_of(row, "owner_id"),
        uid=text_of(row, "user_id"),
        uid_claim=claim_of(text_of(row, "provider"), text_of(row, "user_id")),
        claims=claims,
        tokens=OldTokens(
            access_token=text_of(row, "access_token"),
            refresh_token=text_of(row, "refresh_token"),
            access_token_expires_at=value_of(row, "expires_at"),
            refresh_token_expires_at=value_of(row, "refresh_token_expires_at"),
            scope=text_of(row, "scope"),
        ),
    )
