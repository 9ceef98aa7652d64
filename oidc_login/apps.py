"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OIDCLoginConfig(AppConfig):
    """Sign-in with OpenID Connect and OAuth 2.0 providers."""

    name = "oidc_login"
    verbose_name = _("Sign-in providers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_delete, post_save

        # Importing the former registers the system checks.
        from oidc_login import checks, notifications, receivers, registry, signals  # noqa: F401
        from oidc_login.mozilla import entry

        mozilla = registry.EntrySource(complete=entry.complete_entries, callback_name=entry.callback_name)
        registry.add_source(mozilla)
        user_logged_in.connect(receivers.begin_session, dispatch_uid="oidc_login.sessions")
        user_logged_out.connect(receivers.end_session, dispatch_uid="oidc_login.sessions")
        signals.connection_created.connect(notifications.notify_added, dispatch_uid="oidc_login.added")
        signals.connection_removed.connect(notifications.notify_removed, dispatch_uid="oidc_login.removed")
        connection = self.get_model("OAuthConnection")
        post_delete.connect(receivers.end_sessions_of_connection, sender=connection, dispatch_uid="oidc_login.ended")
        post_save.connect(
            receivers.revoke_when_deactivated, sender=get_user_model(), dispatch_uid="oidc_login.deactivated"
        )
