"""`profile_map`: text, booleans and numbers for fields that identify nobody and grant nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db.models import (
    BooleanField,
    CharField,
    DecimalField,
    EmailField,
    Field,
    FloatField,
    IntegerField,
    TextField,
)
from django.views.decorators.debug import sensitive_variables

from oidc_login.plain_text import one_line
from oidc_login.providers.base import OAuthProvider, ProfileSource
from oidc_login.providers.claim_paths import Absent, Unreadable, claim_at
from oidc_login.user_model import get_field

logger = logging.getLogger(__name__)

# No claim writes these, nor keys, user name and address: secrets and privileges.
PROTECTED_FIELDS = ("password", "is_active", "is_staff", "is_superuser")
WRITABLE = (CharField, TextField, BooleanField, IntegerField, FloatField, DecimalField)


def may_be_written(name: str) -> bool:
    """Whether a claim may be copied to a field of the user model: a plain value that identifies nobody."""
    model, field = get_user_model(), get_field(name)
    if not isinstance(field, WRITABLE) or isinstance(field, EmailField) or field.unique:
        return False
    return name not in (*PROTECTED_FIELDS, model.USERNAME_FIELD, model.get_email_field_name(), "username", "email")


@sensitive_variables()
def profile_values(user: AbstractBaseUser, claims: Mapping[str, Any], provider: OAuthProvider) -> dict[str, Any]:
    """Return new values for fields; a claim that is missing or does not fit its field changes nothing."""
    values = {}
    for name, source in provider.profile_map.items():
        field = get_field(name)
        if field is None or not may_be_written(name):
            continue
        value = fitting(field, value_of(name, source, claims), user, words=provider.sends_booleans_as_strings)
        if value is not None:
            values[name] = value
    return values


@sensitive_variables()
def value_of(name: str, source: ProfileSource, claims: Mapping[str, Any]) -> Any:
    """Return the claim for a field, `None` if there is none. A function that fails affects only its field."""
    if not callable(source):
        try:
            return claim_at(claims, source)
        except (Absent, Unreadable):
            return None
    try:
        return source(dict(claims))
    except SuspiciousOperation:
        raise  # how the site refuses
    except Exception as error:  # the site's code, whose errors may quote a claim
        logger.error("profile_map failed: field=%s error=%s", name, type(error).__name__)
        return None


@sensitive_variables()
def fitting(field: Field[Any, Any], value: Any, user: AbstractBaseUser, *, words: bool) -> Any:
    """Return the value for a field, `None` if it is not of the field's kind."""
    if isinstance(field, (CharField, TextField)):
        return (one_line(value, max_length=field.max_length) or None) if isinstance(value, str) else None
    if isinstance(field, BooleanField):
        value = {"true": True, "false": False}.get(value, value) if words and isinstance(value, str) else value
        return value if isinstance(value, bool) else None
    make = NUMBERS[next(kind for kind in NUMBERS if isinstance(field, kind))]
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        return field.clean(make(value), user)
    except (ValidationError, ValueError, ArithmeticError):  # not a finite number, or more digits than the column has
        return None


def _whole(value: float | Decimal) -> int:
    """Return a whole number; a fraction is an error."""
    if value != int(value):
        raise ValueError
    return int(value)


def _finite(value: float | Decimal) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


NUMBERS: Mapping[type[Field[Any, Any]], Callable[[Any], Any]] = {
    IntegerField: _whole,
    FloatField: _finite,
    DecimalField: lambda value: Decimal(str(value)),
}
