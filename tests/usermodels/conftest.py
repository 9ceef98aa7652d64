"""The user model of a test."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings

from tests.usermodels.support import UseModel

if settings.AUTH_USER_MODEL != "auth.User":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def use_model(monkeypatch: pytest.MonkeyPatch) -> UseModel:
    """Let the site have another user model, without Django's signal: it would forget who refers to users."""

    def use(name: str) -> None:
        model = apps.get_model("usermodels", name)
        assert model._meta.get_field("oauth_connections")
        monkeypatch.setattr(settings, "AUTH_USER_MODEL", f"usermodels.{name}")

    return use
