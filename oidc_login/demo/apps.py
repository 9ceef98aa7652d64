"""The demo site's application; it listens to the decisions about sign-ins, as any site can."""

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "oidc_login.demo"
    label = "demo"

    def ready(self) -> None:
        from oidc_login import signals
        from oidc_login.demo import receivers

        signals.connection_created.connect(receivers.keep_decision)
        signals.connection_updated.connect(receivers.keep_decision)
