"""The admin of the demo site: Django's page of a user, with the ways in which they sign in."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from oidc_login.admin import OAuthConnectionInline

admin.site.unregister(User)


@admin.register(User)
class DemoUserAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Users with their connections."""

    inlines = (OAuthConnectionInline,)
