"""Connections in the admin: who signs in from where, never a token."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from .exceptions import OAuthError
from .fields import TokenKeyError
from .models import OAuthConnection, Status


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
    actions = ("revoke_tokens", "ask_for_new_sign_in")

    @admin.action(description=_("Revoke the tokens of the selected connections"), permissions=["delete"])
    @sensitive_variables()
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[OAuthConnection]) -> None:
        """Take the tokens back at the provider, and forget them here."""
        done = 0
        for connection in queryset.iterator():
            try:
                connection.revoke()
            except (OAuthError, TokenKeyError) as error:
                self.message_user(request, f"{connection}: {error}", messages.ERROR)
            else:
                done += 1
        text = ngettext("%d connection was revoked.", "%d connections were revoked.", done)
        self.message_user(request, text % done, messages.SUCCESS)

    @admin.action(description=_("Ask for a new sign-in with the selected connections"), permissions=["delete"])
    def ask_for_new_sign_in(self, request: HttpRequest, queryset: QuerySet[OAuthConnection]) -> None:
        """Mark the connections, so that their people are asked to connect once more."""
        done = queryset.update(status=Status.NEEDS_REAUTH)
        text = ngettext("%d connection was marked.", "%d connections were marked.", done)
        self.message_user(request, text % done, messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OAuthConnection | None = None) -> bool:
        return False
