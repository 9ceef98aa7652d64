"""django-oauth-login: `oauthlogin.OAuthConnection`. It uses the same provider classes, and so the same identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models

from oidc_login.moving.accounts import Counterpart, OldAccount, OldTokens
from oidc_login.moving.tables import UserKey, open_table, pages_of, text_of, value_of

ACCOUNTS = "oauthlogin_oauthconnection"


class Source:
    """The connections of django-oauth-login."""

    name = "oauth_login"
    package = "django-oauth-login"
    takes_file = False

    def __init__(self, *, alias: str) -> None:
        self.alias = alias
        columns = {
            "id": models.BigIntegerField,
            "user_id": UserKey,
            "provider_key": models.TextField,
            "provider_user_id": models.TextField,
            "access_token": models.TextField,
            "refresh_token": models.TextField,
            "access_token_expires_at": models.DateTimeField,
            "refresh_token_expires_at": models.DateTimeField,
        }
        self.accounts = open_table(alias, ACCOUNTS, columns)

    def counterpart(self, provider: str) -> Counterpart:
        return Counterpart(key=provider)

    def total(self) -> int:
        return int(self.accounts._base_manager.using(self.alias).count())

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        for page in pages_of(self.alias, self.accounts, size):
            yield [account(row) for row in page]

    def remarks(self) -> Sequence[str]:
        return []


def account(row: Any) -> OldAccount:
    return OldAccount(
        row=row.id,
        provider=text_of(row, "provider_key"),
        user_key=value_of(row, "user_id"),
        uid=text_of(row, "provider_user_id"),
        tokens=OldTokens(
            access_token=text_of(row, "access_token"),
            refresh_token=text_of(row, "refresh_token"),
            access_token_expires_at=value_of(row, "access_token_expires_at"),
            refresh_token_expires_at=value_of(row, "refresh_token_expires_at"),
        ),
    )
