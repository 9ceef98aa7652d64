"""What `request.auth` is: an access token that its provider vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_login.models import OAuthConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token: whose it is, and what it allows.

    `client_id` is the client that it was issued to, "" where the token does not say. With `is_application` that client
    acts for itself. `connection` is the person's, `None` for an application.
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
