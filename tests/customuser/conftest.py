"""These tests need `--ds tests.settings.custom_user`: a process has one user model."""

from __future__ import annotations

from django.conf import settings

if settings.AUTH_USER_MODEL != "customuser.Member":
    collect_ignore_glob = ["test_*.py"]
