"""Connections and sessions in the admin. Tokens are never shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename, get_user_model
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from oidc_login import events, signals
from oidc_login.exceptions import OAuthError
from oidc_login.fields import ENCRYPTED_FIELDS, TokenKeyError
from oidc_login.models import OAuthConnection, SignedInSession, Status
from oidc_login.protocol.errors import ProtocolError
from oidc_login.registry import get_provider, get_providers
from oidc_login.sessions.records import end_sessions, keep_session

if TYPE_CHECKING:
    from oidc_login.maintenance import link


class OAuthConnectionInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs alone
    """A user's connections, for the `inlines` of a site's own user admin."""

    model = OAuthConnection
    extra = 0
    fields = ("provider_key", "email", "email_verified", "status", "link_reason", "last_login_at")
    readonly_fields = fields
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthConnection]:
        return super().get_queryset(request).defer(*ENCRYPTED_FIELDS, "claims")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SignedInSession)
class SignedInSessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Read only: sign-ins create sessions. Deleting one signs the person out in that browser."""

    list_display = ("user", "provider_key", "browser", "created_at", "expires_at")
    list_filter = ("provider_key",)
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = ("user", "provider_key", "issuer", "browser", "created_at", "expires_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignedInSession]:
        return super().get_queryset(request).defer("session_key", "id_token")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (f"user__{get_user_model().USERNAME_FIELD}",)

    def delete_model(self, request: HttpRequest, obj: SignedInSession) -> None:
        """Remove the stored session too."""
        end_sessions(SignedInSession.objects.get_queryset().filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SignedInSession]) -> None:
        marks = list(queryset.values_list("pk", flat=True))
        end_sessions(SignedInSession.objects.get_queryset().filter(pk__in=marks))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SignedInSession | None = None) -> bool:
        return False


def provider_choices() -> list[tuple[str, str]]:
    return [(provider.key, str(provider.label)) for provider in get_providers()]


LINK_FIELDS = ("user", "provider_key", "issuer", "provider_user_id")


class LinkForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """An account and an identity; the rules are those of the command `oidc_login_link`."""

    provider_key = forms.ChoiceField(label=_("provider"), choices=provider_choices)
    planned: link.PlannedLink

    class Meta:
        model = OAuthConnection
        fields = LINK_FIELDS

    def clean(self) -> Any:
        # Imported late: it loads the providers, which a site does not need at startup.
        from oidc_login.maintenance import link

        values = super().clean() or {}
        if self.errors:
            return values
        provider = get_provider(values["provider_key"])
        try:
            self.planned = link.plan(
                values["user"], provider, values["provider_user_id"], issuer=values.get("issuer", "")
            )
        except OAuthError as error:
            raise forms.ValidationError(link.explain(error)) from None
        if self.planned.is_there:
            raise forms.ValidationError(_("This identity is already connected to this account."))
        return values


@admin.register(OAuthConnection)
class OAuthConnectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Read only: a sign-in or an operator creates a connection, and it can be deleted."""

    list_display = ("user", "provider_key", "email", "status", "link_reason", "last_login_at")
    list_filter = ("provider_key", "status", "link_reason")
    list_select_related = ("user",)
    search_fields = ("email", "provider_user_id")
    show_full_result_count = False
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
        "refreshed_at",
        "created_at",
        "updated_at",
        "last_login_at",
    )
    readonly_fields = fields
    raw_id_fields = ("user",)
    actions = ("revoke_tokens", "ask_for_new_sign_in")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthConnection]:
        return super().get_queryset(request).defer(*ENCRYPTED_FIELDS, "claims")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.search_fields, f"user__{get_user_model().USERNAME_FIELD}")

    @admin.action(description=_("Revoke the tokens of the selected connections"), permissions=["manage"])
    @sensitive_variables()
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[OAuthConnection]) -> None:
        """Revoke the tokens at the provider, and delete them here."""
        # Imported late: only this action sends requests to providers, and the admin is imported at startup.
        from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
        from oidc_login.providers.answers import answers_of

        done = 0
        with time_budget(MAX_TIMEOUT):
            for connection in queryset:
                try:
                    with answers_of(get_provider(connection.provider_key)):
                        connection.revoke()
                except (OAuthError, ProtocolError, TokenKeyError) as error:
                    self.message_user(request, f"{connection}: {error}", messages.ERROR)
                else:
                    done += 1
        text = ngettext("%d connection was revoked.", "%d connections were revoked.", done)
        self.message_user(request, text % done, messages.SUCCESS)

    @admin.action(description=_("Require a new sign-in for the selected connections"), permissions=["manage"])
    def ask_for_new_sign_in(self, request: HttpRequest, queryset: QuerySet[OAuthConnection]) -> None:
        """Mark the connections, so that their users have to connect again."""
        done = queryset.update(status=Status.NEEDS_REAUTH)
        text = ngettext("%d connection now requires a new sign-in.", "%d connections now require a new sign-in.", done)
        self.message_user(request, text % done, messages.SUCCESS)

    def delete_model(self, request: HttpRequest, obj: OAuthConnection) -> None:
        """Delete a connection, even if it is a person's last way to sign in, and send its signal."""
        key = obj.pk
        with keep_session(request.session):
            super().delete_model(request, obj)
        obj.pk = key
        transaction.on_commit(partial(self._log_removed, request, obj), using=router.db_for_write(OAuthConnection))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OAuthConnection]) -> None:
        for connection in queryset.select_related("user"):
            self.delete_model(request, connection)

    def _log_removed(self, request: HttpRequest, connection: OAuthConnection) -> None:
        reason = "removed in the admin"
        events.log_decision(signals.connection_removed, connection, request=request, reason=reason)

    # To add one, an operator connects an identity to an account, as with `oidc_login_link`.

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may connect identities to other people's accounts; it is a separate permission."""
        return bool(request.user.has_perm("oidc_login.link_identity"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if change else LinkForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else LINK_FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: OAuthConnection, form: Any, change: bool) -> None:
        from oidc_login.maintenance import link

        made = link.apply(form.planned)
        obj.pk, obj._state.adding = made.pk, False

    def has_change_permission(self, request: HttpRequest, obj: OAuthConnection | None = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether the person may use actions that change a connection; there is no form for this."""
        user: Any = request.user
        return bool(user.has_perm(f"oidc_login.{get_permission_codename('change', self.opts)}"))
