"""A user model as sites have it that never wanted usernames."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class MemberManager(BaseUserManager["Member"]):
    """Makes members from an email."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Member:
        """Save and return a member; without a password, one that cannot be used."""
        member = self.model(email=self.normalize_email(email), **fields)
        member.set_password(password)
        member.save(using=self._db)
        return member

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Member:
        """Save and return a member who may do everything."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class Member(AbstractBaseUser, PermissionsMixin):
    """Known by a UUID and an email."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    wants_news = models.BooleanField(default=False)
    employee_number = models.IntegerField(null=True)
    workload = models.FloatField(null=True)
    hourly_rate = models.DecimalField(null=True, max_digits=5, decimal_places=2)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[MemberManager] = MemberManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email
