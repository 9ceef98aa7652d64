"""Facts about the site's user model, which may have any fields, and about one user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Field
from django.utils.module_loading import import_string

from oidc_login.conf import django


def get_field(name: str) -> Field[Any, Any] | None:
    """Return a field of the user model; `None` if it has none of that name."""
    try:
        return get_user_model()._meta.get_field(name)  # type: ignore[return-value]  # a column, by its use here
    except FieldDoesNotExist:
        return None


def is_active(user: Any) -> bool:
    """Whether a user may sign in at all; a user model without the flag has no inactive users."""
    return bool(getattr(user, "is_active", True))


def can_use_password(user: AbstractBaseUser) -> bool:
    """Whether the user has a password, and the site a backend other than those for providers that may accept it."""
    from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # imports `requests`; a site starts without it

    backends = map(import_string, django.AUTHENTICATION_BACKENDS)
    return user.has_usable_password() and not all(issubclass(one, OIDCAuthenticationBackend) for one in backends)


def lock_user(user: AbstractBaseUser) -> bool:
    """Hold the user's row until the transaction ends, by a write that changes nothing; say whether the row exists."""
    model = get_user_model()
    rows = model._base_manager.filter(pk=user.pk)
    return bool(rows.update(**{model.USERNAME_FIELD: F(model.USERNAME_FIELD)}))
