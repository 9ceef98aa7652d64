"""The checks of the user model: whether a sign-up can fill it. They do not read the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.db.models import AutoField, BigAutoField, Field, SmallAutoField, UniqueConstraint

from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.entries import configured
from oidc_login.checks.imports import import_or_none, includes_class
from oidc_login.checks.reports import Report
from oidc_login.conf import django, settings
from oidc_login.signin.users import NAME_CLAIMS, find_create_user, is_djangos

FIELD_REQUIRED = Report(
    "W200",
    "{model} requires {name!r}, but nothing fills it when somebody signs up through a provider.",
    "Nobody can sign up. Give the field a default, or fill it in create_user, either of the model's manager or of your "
    "subclass of OIDCLoginBackend. If save() or a receiver fills it, silence oidc_login.W200.",
)
VALUE_REPEATED = Report(
    "W201",
    "{name!r} of {model} is unique, and every account that is created through a provider gets the same value.",
    "Only the first person can sign up. Allow null, use a function as the default, or fill the field in create_user, "
    "either of the model's manager or of your subclass of OIDCLoginBackend. If save() or a receiver fills it, silence "
    "oidc_login.W201.",
)


def user_messages() -> Iterator[CheckMessage]:
    """Report the user fields that nothing fills when somebody signs up."""
    if not opens_accounts() or creates_users_itself():
        return
    model = get_user_model()
    filled = {model.USERNAME_FIELD, model.get_email_field_name(), *NAME_CLAIMS, "password"}
    fields = [field for field in model._meta.concrete_fields if field.name not in filled and needs_our_value(field)]
    for field in fields:
        value = field.get_default()
        if value is None and not field.null:
            yield FIELD_REQUIRED.message(model=model._meta.label, name=field.name)
        elif value is not None and is_unique(field) and not has_callable_default(field):
            yield VALUE_REPEATED.message(model=model._meta.label, name=field.name)


def opens_accounts() -> bool:
    """Whether people may sign up through a configured provider."""
    entries = [entry for entry in configured().values() if isinstance(entry, Mapping)]
    own = [entry.get("allow_signup") for entry in entries]
    if settings.PROVIDER_LOADER is not None:
        own.append(None)
    return any(settings.ALLOW_SIGNUP if value is None else value for value in own)


def creates_users_itself() -> bool:
    """Whether the site creates its users itself; the checks cannot know which fields its code fills."""
    backends = [
        import_or_none(path) for path in django.AUTHENTICATION_BACKENDS if includes_class([path], OIDCLoginBackend)
    ]
    hooks = ("create_user", "get_or_create_user")
    if any(getattr(backend, hook) is not getattr(OIDCLoginBackend, hook) for backend in backends for hook in hooks):
        return True
    create_user = find_create_user()
    return create_user is not None and not is_djangos(create_user)


def needs_our_value(field: Field[Any, Any]) -> bool:
    """Whether neither the database nor a custom field class provides the value."""
    if field.generated or field.has_db_default() or isinstance(field, (AutoField, BigAutoField, SmallAutoField)):
        return False
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return False
    if field.remote_field is not None and getattr(field.remote_field, "parent_link", False):
        return False
    return type(field).pre_save.__module__.startswith("django.")


def is_unique(field: Field[Any, Any]) -> bool:
    """Whether no two rows may have the same value."""
    total = [
        constraint.fields
        for constraint in field.model._meta.constraints
        if isinstance(constraint, UniqueConstraint) and constraint.condition is None
    ]
    return field.unique or (field.name,) in map(tuple, total)


def has_callable_default(field: Field[Any, Any]) -> bool:
    """Whether each row gets its own value."""
    return field.has_default() and callable(field.default)
