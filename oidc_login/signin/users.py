"""The site's users, whatever their model looks like: found by e-mail address, named, and made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import F, Field
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from ..conf import django
from ..exceptions import EmailRequired
from .claims import Identity, email_key, text, username_from

SUFFIX_LENGTH = 6  # digits, after a hyphen
NAME_CLAIMS = {"first_name": "given_name", "last_name": "family_name"}


def find_by_email(email: str) -> list[AbstractBaseUser]:
    """Return the users that have an address, compared safely; the database may find more than that."""
    model = get_user_model()
    field = get_field(model.get_email_field_name())
    if not email or field is None:
        return []
    found = model._default_manager.using(router.db_for_write(model)).filter(**{f"{field.name}__iexact": email})
    return [user for user in found if email_key(getattr(user, field.attname) or "") == email_key(email)]


@sensitive_variables()
def make_user(identity: Identity, claims: Mapping[str, Any], *, get_username: Callable[[], str]) -> AbstractBaseUser:
    """Return a new saved user with an unusable password; `EmailRequired` where there cannot be one."""
    user: Any = get_user_model()()
    email_field, username_field = get_field(user.get_email_field_name()), get_field(user.USERNAME_FIELD)
    if email_field is not None:
        setattr(user, email_field.attname, email_for(identity, email_field))
    if username_field is not None and username_field is not email_field:
        setattr(user, username_field.attname, get_username())
    for attribute, claim in NAME_CLAIMS.items():
        field = get_field(attribute)
        if field is not None:
            setattr(user, attribute, text(claims, claim, max_length=field.max_length))
    user.set_unusable_password()
    user.save()
    return user  # type: ignore[no-any-return]  # of whatever model the site uses


def email_for(identity: Identity, field: Field[Any, Any]) -> str | None:
    """Return the address for the user's own field: a verified one or none."""
    email = identity.email if identity.email_verified else ""
    if field.max_length is not None and len(email) > field.max_length:
        email = ""
    if email:
        return email
    if field.null:
        return None
    if not field.blank or field.unique:
        raise EmailRequired
    return ""


def lock_user(user: AbstractBaseUser) -> None:
    """Hold the user's row until the transaction ends, by a write that changes nothing."""
    model = get_user_model()
    model._base_manager.filter(pk=user.pk).update(**{model.USERNAME_FIELD: F(model.USERNAME_FIELD)})


def can_use_password(user: AbstractBaseUser) -> bool:
    """Whether the user has a password and the site a backend that may take it, beside those for providers."""
    backends = map(import_string, django.AUTHENTICATION_BACKENDS)
    return user.has_usable_password() and not all(issubclass(one, OIDCAuthenticationBackend) for one in backends)


def free_username(claims: Mapping[str, Any], *, suggested: object = "") -> str:
    """Return a user name that the site or else the claims suggest, and that nobody has."""
    model = get_user_model()
    max_length = getattr(get_field(model.USERNAME_FIELD), "max_length", None) or 150
    max_stem = max_length - SUFFIX_LENGTH - 1
    name = str(suggested or "")[:max_length] or username_from(claims, max_length=max_stem)
    stem = name[:max_stem]
    users = model._default_manager.using(router.db_for_write(model))
    while users.filter(**{model.USERNAME_FIELD: name}).exists():
        name = f"{stem}-{get_random_string(SUFFIX_LENGTH, '0123456789')}"
    return name


def get_field(name: str) -> Field[Any, Any] | None:
    """Return a field of the user model; `None` where it has none of that name."""
    try:
        return get_user_model()._meta.get_field(name)  # type: ignore[return-value]  # a column, by its use here
    except FieldDoesNotExist:
        return None
