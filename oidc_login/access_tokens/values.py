"""The value of `request.auth`: a verified access token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_login.models import OAuthConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token, its owner and what it allows.

    `client_id` is the client that it was issued to, or "" if the token does not say. If `is_application` is true, the
    client acts for itself. `connection` is the person's connection, or `None` for an application.
    """

    provider_key: str
    issuer: str
    subject: str = field(repr=False)
    scopes: frozenset[str]
    roles: frozenset[str] = field(default=frozenset(), repr=False)
    client_id: str = ""
    is_application: bool = False
    claims: Mapping[str, Any] = field(repr=False)
    connection: OAuthConnection | None = field(default=None, repr=False)
