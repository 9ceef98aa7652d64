"""Model fields: encrypted text, text that is compared byte for byte, and times.

Migrations import them from here. The module also groups the field names of a connection by their contents.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone

from oidc_login import sealing
from oidc_login.conf import django

IDENTITY_FIELDS = ("provider_key", "issuer", "provider_user_id")
ENCRYPTED_FIELDS = ("access_token", "refresh_token")
# Written together: storing a new refresh token ends the lease of a refresh that uses the old one.
REFRESH_TOKEN_FIELDS = (
    "refresh_token",
    "refresh_token_expires_at",
    "refresh_lease",
    "refresh_lease_until",
    "nonce_hash",
    "auth_time",
    "had_azp",
)
TOKEN_FIELDS = ("access_token", "access_token_expires_at", "scope", *REFRESH_TOKEN_FIELDS)

STORED_PREFIX = "oidc_login.1."
PURPOSE = "token"
M = TypeVar("M", bound=models.Model)


class TokenKeyError(ImproperlyConfigured):
    """A stored token cannot be decrypted: `OIDC_LOGIN_TOKEN_KEYS` lacks the secret that it was encrypted with."""

    def __init__(self) -> None:
        super().__init__(
            "A stored token cannot be decrypted: add the secret that it was stored with to "
            "OIDC_LOGIN_TOKEN_KEYS (by default SECRET_KEY and SECRET_KEY_FALLBACKS)."
        )


class Ciphertext(str):
    """A value as it is stored."""

    __slots__ = ()


class Plaintext:
    """A value that was assigned but not saved; its `repr` hides it, and it cannot be pickled."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<Plaintext>"

    def __reduce__(self) -> str:
        raise TypeError("save the connection before it is pickled: its tokens are not encrypted yet")


class EncryptedAttribute(DeferredAttribute):
    """Decrypts on access; only a descriptor sees the instance that the ciphertext is bound to."""

    field: EncryptedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__.get(self.field.attname)
        if value is None:  # deferred
            value = super().__get__(instance, cls)
        if isinstance(value, Plaintext):
            return value.value
        # An unsaved row with a ciphertext comes from a fixture; `loaddata` saves what it reads here.
        if not isinstance(value, Ciphertext) or instance._state.adding:
            return value
        return self.field.decrypt(value, instance)

    def __set__(self, instance: Any, value: Any) -> None:
        if value and not isinstance(value, (Ciphertext, Plaintext)):
            value = Plaintext(value)
        instance.__dict__[self.field.attname] = value or ""


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # generic only in the stubs
    """Text that is encrypted with `OIDC_LOGIN_TOKEN_KEYS` and bound to its column and the fields in `bound_to`."""

    descriptor_class = EncryptedAttribute

    def __init__(self, *args: Any, bound_to: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.bound_to = tuple(bound_to)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bound_to": self.bound_to}

    def _associated_data(self, instance: models.Model) -> bytes:
        bound = [str(getattr(instance, name)) for name in self.bound_to]
        return json.dumps([self.name, *bound]).encode()

    def encrypt(self, value: str, instance: models.Model) -> Ciphertext:
        """Return the text to store for `instance`."""
        sealed = sealing.seal(
            value.encode(),
            purpose=PURPOSE,
            associated_data=self._associated_data(instance),
            secrets=sealing.token_keys(),
        )
        return Ciphertext(STORED_PREFIX + sealed)

    def key_position(self, value: Ciphertext) -> int | None:
        """Return the position of the key in `sealing.token_keys` that encrypted a value, or `None`."""
        try:
            return sealing.position_of_secret(
                value.removeprefix(STORED_PREFIX), purpose=PURPOSE, secrets=sealing.token_keys()
            )
        except sealing.SealError:
            return None

    def decrypt(self, value: Ciphertext, instance: models.Model) -> str:
        """Return the text, or raise `TokenKeyError`, also if the ciphertext belongs to another row or column."""
        try:
            return sealing.unseal(
                value.removeprefix(STORED_PREFIX),
                purpose=PURPOSE,
                associated_data=self._associated_data(instance),
                secrets=sealing.token_keys(),
            ).decode()
        except sealing.SealError as error:
            raise TokenKeyError from error

    def from_db_value(self, value: str | None, *args: Any) -> str:
        return Ciphertext(value) if value else ""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = model_instance.__dict__.get(self.attname, "")
        if isinstance(value, Plaintext):
            value = model_instance.__dict__[self.attname] = self.encrypt(value.value, model_instance)
        return value  # type: ignore[no-any-return]  # an encrypted or empty text

    def get_prep_value(self, value: Any) -> Any:
        if value and not isinstance(value, Ciphertext):
            raise TypeError(f"{self.name} can only be written through an instance, which it is encrypted for")
        return str(value or "")

    def to_python(self, value: Any) -> Any:
        """Read a serialized value as ciphertext."""
        if isinstance(value, str) and value.startswith(STORED_PREFIX):
            return Ciphertext(value)
        return value

    def value_from_object(self, obj: models.Model) -> str:
        """Return the ciphertext, for code that copies or serializes a row; no key is needed."""
        return self.pre_save(obj, add=False)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialize the ciphertext, never the token."""
        return str(self.pre_save(obj, add=False))


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # generic only in the stubs
    """Text that is compared byte for byte, including trailing spaces, with any collation of the database."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        return {**super().db_parameters(connection), "collation": exact_collation(connection)}


def exact_collation(connection: Any) -> str | None:
    """Return the collation that compares exactly; `None` on SQLite and PostgreSQL, whose default is exact."""
    if connection.vendor != "mysql":
        return None
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


def stored_moment(moment: datetime | None) -> datetime | None:
    """Return a time in the form that `USE_TZ` requires: aware, or naive in the site's time zone.

    Lifetimes from providers are converted to aware times first.
    """
    if moment is None or timezone.is_aware(moment) == django.USE_TZ:
        return moment
    if django.USE_TZ:
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone().replace(tzinfo=None)  # uses the clock of Django's `timezone.now()`
