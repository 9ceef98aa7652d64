"""`manage.py oidc_login_diagnose` with real providers: which of client and code they refuse."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from oidc_login.diagnosis import diagnose
from tests.interop.providers import RealProvider

pytestmark = pytest.mark.interop


def test_provider_with_which_everything_is_right(provider: RealProvider, settings: Any, site_url: str) -> None:
    settings.OIDC_LOGIN_BASE_URL = site_url
    out = StringIO()

    call_command("oidc_login_diagnose", provider.key, stdout=out, no_color=True)

    assert "FAILED" not in out.getvalue()
    assert "ok     client      is accepted: the provider rejected the made-up code, not the client" in out.getvalue()


def test_secret_that_is_wrong(provider: RealProvider, settings: Any) -> None:
    entry = {**provider.site_settings(), "client_secret": "another secret, of 32 bytes or more"}
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: entry}

    found = {finding.subject: finding for finding in diagnose(provider.key, entry)}

    assert found["client"].is_good is False
    assert found["client"].text.startswith("invalid_client: ")
    with pytest.raises(CommandError, match="Nobody can sign in"):
        call_command("oidc_login_diagnose", stdout=StringIO())
