"""App tokens (`OIDC_LOGIN_APP_SESSIONS`): opaque tokens of the site itself that stand for a sign-in without a cookie.

`contrib.headless` issues them. APIs and its endpoints accept them by the same rules, which are here.
"""

from __future__ import annotations

import hashlib
from typing import Final

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.values import AccessToken
from oidc_login.conf import settings
from oidc_login.exceptions import AccessTokenInvalid
from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.registry import get_provider
from oidc_login.signin.admission import admit_known
from oidc_login.signin.values import Backend

PREFIX: Final = "oidc_app_"


def is_app_token(token: str) -> bool:
    """Whether a token has the form of an app token. No provider is ever shown such a token."""
    return token.startswith(PREFIX)


@sensitive_variables()
def judge_app_token(token: str, *, request: HttpRequest, backend: Backend) -> tuple[SignedInSession, OAuthConnection]:
    """Return the sign-in of an app token and its connection, if every rule for who may come in still holds.

    The rules see the stored claims. Raise `OAuthError` otherwise.
    """
    row = find_app_session(token)
    if row is None:
        raise AccessTokenInvalid("app_token")
    identity = {"provider_key": row.provider_key, "issuer": row.issuer, "provider_user_id": row.subject}
    connection = OAuthConnection.objects.select_related("user").filter(user_id=row.user_id, **identity).first()
    if connection is None:
        raise AccessTokenInvalid("no_connection")
    backend.request = request
    admit_known(connection, {}, provider=get_provider(row.provider_key), backend=backend)
    return row, connection


@sensitive_variables()
def find_app_session(token: str) -> SignedInSession | None:
    """Return the row of an app token that is valid now, with its user; `None` for any other text."""
    if not settings.APP_SESSIONS or not is_app_token(token) or not token.isascii():
        return None
    rows = SignedInSession.objects.lasting().select_related("user").defer("session_key", "id_token")
    return rows.filter(pk=mark_of_token(token)).first()


def mark_of_token(token: str) -> str:
    """Return the primary key of a token's row: the first 128 bits of its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def as_access_token(connection: OAuthConnection) -> AccessToken:
    """Return what `request.auth` is for an app token: a person's, without scopes, roles and claims."""
    return AccessToken(
        provider_key=connection.provider_key,
        issuer=connection.issuer,
        subject=connection.provider_user_id,
        scopes=frozenset(),
        claims={},
        connection=connection,
    )
