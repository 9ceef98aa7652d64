"""Keeps why somebody was signed in, for the page that follows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from oidc_login.models import OAuthConnection

DECISION = "demo_decision"  # in the session
KNOWN_IDENTITY = "signed in by known identity"


def keep_decision(
    sender: object, *, request: HttpRequest | None, connection: OAuthConnection, reason: str, **kwargs: Any
) -> None:
    """Keep the name of the rule: how the connection came about, or that it was known."""
    if request is not None:
        request.session[DECISION] = "known_identity" if reason == KNOWN_IDENTITY else connection.link_reason
