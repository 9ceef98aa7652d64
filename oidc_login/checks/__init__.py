"""The system checks, which `manage.py check` runs. Each file has the rules and the messages of one subject.

No check makes a request, raises, or shows a secret. A correct configuration gets no message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, register

# Each check imports its module when it runs: together they need most of the package, and a server runs none of them.

TAG = "oidc_login"


@register(TAG)
def check_providers(**kwargs: Any) -> list[CheckMessage]:
    """Check `OIDC_LOGIN_PROVIDERS`."""
    from oidc_login.checks.providers import provider_messages

    return provider_messages()


@register(TAG)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check the global settings."""
    from oidc_login.checks.settings import setting_messages

    return list(setting_messages())


@register(TAG)
def check_clients(**kwargs: Any) -> list[CheckMessage]:
    """Check `AUTHLIB_OAUTH_CLIENTS`."""
    from oidc_login.checks.clients import client_messages

    return list(client_messages())


@register(TAG)
def check_project(**kwargs: Any) -> list[CheckMessage]:
    """Check backends, URLs, sessions, middleware and the content security policy."""
    from oidc_login.checks.project import project_messages
    from oidc_login.checks.sessions import session_messages
    from oidc_login.checks.surroundings import surroundings_messages

    return [*project_messages(), *session_messages(), *surroundings_messages()]


@register(TAG)
def check_users(**kwargs: Any) -> list[CheckMessage]:
    """Check that a sign-up can fill the user model."""
    from oidc_login.checks.users import user_messages

    return list(user_messages())


@register(TAG)
def check_upstream(**kwargs: Any) -> list[CheckMessage]:
    """Check settings and middleware of mozilla-django-oidc, and the setting of django-oauth-login."""
    from oidc_login.checks.mozilla import upstream_messages
    from oidc_login.checks.oauth_login import oauth_login_messages

    return [*upstream_messages(), *oauth_login_messages()]


@register(TAG, deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Check what matters in production."""
    from oidc_login.checks.deployment import deployment_messages

    return list(deployment_messages())


@register(TAG, Tags.database)
def check_connections(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check the stored connections of the databases that the command names."""
    from oidc_login.checks.database import database_messages

    return [found for alias in databases or () for found in database_messages(alias)]


@register(TAG, Tags.database, deploy=True)
def check_scale(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the databases have the indexes that production needs."""
    from oidc_login.checks.database import scale_messages

    return [found for alias in databases or () for found in scale_messages(alias)]
