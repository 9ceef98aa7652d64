"""Connections in the admin: who signs in from where, never a token."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from .models import OAuthConnection


@admin.register(OAuthConnection)
class OAuthConnectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Read only: a connection is made by a sign-in, and can be removed."""

    list_display = ("user", "provider_key", "email", "status", "link_reason", "last_login_at")
    list_filter = ("provider_key", "status", "link_reason")
    list_select_related = ("user",)
    search_fields = ("email", "provider_user_id")
    fields = (
        "user",
        "provider_key",
        "issuer",
        "provider_user_id",
        "email",
        "email_verified",
        "scope",
        "status",
        "link_reason",
        "access_token_expires_at",
        "refresh_token_expires_at",
        "created_at",
        "updated_at",
        "last_login_at",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OAuthConnection | None = None) -> bool:
        return False
