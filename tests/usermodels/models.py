"""User models that a sign-up cannot fill, or not by itself.

They inherit from Django's own, so that one process can have them all: a test names one in AUTH_USER_MODEL.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import User, UserManager
from django.db import models


class Company(models.Model):
    """What an employee belongs to."""

    name = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class WithBirthday(User):
    """Has a field that nobody fills."""

    birthday = models.DateField()


class Employee(User):
    """Belongs to something that nobody names."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE)


class WithAddress(User):
    """Has an address that no two people may share, as the README of django-oauth-login recommends."""

    EMAIL_FIELD = "address"

    address = models.EmailField(unique=True)


class WithPhone(User):
    """Has a field that nobody fills and that no two people may share."""

    phone = models.CharField(max_length=30, unique=True)


class WithTenant(User):
    """Has a constraint that no sign-up meets."""

    tenant = models.CharField(max_length=10, default="", blank=True)

    class Meta(User.Meta):
        abstract = False
        constraints: ClassVar = [models.CheckConstraint(condition=~models.Q(tenant=""), name="has_tenant")]


class FillingManager(UserManager["Filled"]):
    """Knows what a new account needs."""

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> Filled:
        """Save and return a user with a birthday."""
        fields.setdefault("birthday", "2000-01-01")
        made: Filled = super().create_user(username, email, password, **fields)
        return made


class Filled(User):
    """Has a field that its manager fills."""

    birthday = models.DateField()

    objects: ClassVar[FillingManager] = FillingManager()


class StrictManager(UserManager["Nicknamed"]):
    """Takes what it names and nothing else, and wants an address."""

    def create_user(self, email: str, username: str, password: str | None = None) -> Nicknamed:  # type: ignore[override]
        """Save and return a user with a password that is empty where none is given."""
        if not email:
            raise ValueError("An address is needed.")
        made: Nicknamed = self.model(email=email, username=username)
        if password is not None:
            made.set_password(password)
        made.save(using=self._db)
        return made


class Nicknamed(User):
    """Takes a name from the claims, but not any."""

    nickname = models.CharField(max_length=20, default="", blank=True)

    objects: ClassVar[StrictManager] = StrictManager()

    class Meta(User.Meta):
        abstract = False
        constraints: ClassVar = [models.CheckConstraint(condition=~models.Q(nickname="nobody"), name="not_nobody")]


class PresentManager(UserManager["Hideable"]):
    """Hides the accounts that were closed."""

    def get_queryset(self) -> models.QuerySet[Hideable]:
        return super().get_queryset().filter(closed=False)


class Hideable(User):
    """Is never deleted."""

    closed = models.BooleanField(default=False)

    objects: ClassVar[PresentManager] = PresentManager()


class Validated(User):
    """Validates itself when it is saved."""

    birthday = models.DateField(null=True, blank=True)
    handle = models.CharField(max_length=3, default="", blank=True)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.full_clean(exclude=["password"])
        super().save(*args, **kwargs)


class ValidatedWithBirthday(WithBirthday):
    """The same, with a field that nobody fills."""

    class Meta(User.Meta):
        abstract = False
        proxy = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.full_clean(exclude=["password"])
        super().save(*args, **kwargs)
