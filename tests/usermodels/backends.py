"""Backends as sites write them; a test names one in AUTHENTICATION_BACKENDS."""

from __future__ import annotations

from typing import Any

from oidc_login.backends import OIDCLoginBackend


class ReservingAlice(OIDCLoginBackend):
    reserved_usernames = {*OIDCLoginBackend.reserved_usernames, "alice"}


class TakingHandles(OIDCLoginBackend):
    def create_user(self, claims: dict[str, Any]) -> Any:
        user: Any = super().create_user(claims)
        user.handle = claims["nickname"]
        user.save()
        return user


class DoingAll(OIDCLoginBackend):
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        return None
