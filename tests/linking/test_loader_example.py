"""The loader of docs/linking.md, as it is written there, with a table of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.docs.pages import PageRun, blocks
from tests.support.browser import Browser
from tests.support.served import CLIENT_SECRET

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "linking.md"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any, op: OpenIDProvider, transactional_db: None) -> Iterator[Any]:
    """The page's modules, and the table of its model."""
    apps.all_models.pop("shop", None)
    with ExitStack() as stack:
        run = PageRun(monkeypatch, stack)
        for block in blocks(PAGE):
            if (block.module or "").startswith("shop."):
                run.run(block)
        module = run.module("shop.sso")
        settings.OIDC_LOGIN_PROVIDER_LOADER = "shop.sso.customer_providers"
        with connection.schema_editor() as editor:
            editor.create_model(module.CustomerProvider)
        yield module
        with connection.schema_editor() as editor:
            editor.delete_model(module.CustomerProvider)
        apps.all_models.pop("shop", None)


def add(shop: Any, op: OpenIDProvider, **values: Any) -> Any:
    defaults = {
        "key": "customer",
        "name": "Customer Ltd.",
        "issuer": op.issuer,
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
        "email_domain": "example.org",
    }
    return shop.CustomerProvider.objects.create(**{**defaults, **values})


def test_customer_brings_a_provider(shop: Any, op: OpenIDProvider, browser: Browser, monkeypatch: Any) -> None:
    original = shop.read_customer_providers
    monkeypatch.setattr(  # the suite's provider is on this machine
        shop,
        "read_customer_providers",
        lambda: {key: {**entry, "refuse_private_addresses": False} for key, entry in original().items()},
    )
    assert browser.get("/oauth/customer/login/").status_code == 404

    row = add(shop, op)

    assert "Customer Ltd." in browser.get("/oauth/customer/login/").content.decode()
    assert browser.sign_in(op, "customer").status_code == 302
    assert OAuthConnection.objects.get().provider_key == "customer"

    row.email_domain = "other.example"
    row.save()
    assert Browser().sign_in(op, "customer").status_code == 403

    row.delete()
    assert browser.get("/oauth/customer/login/").status_code == 404


def test_address_of_the_sites_own_network_is_refused(shop: Any, op: OpenIDProvider, browser: Browser) -> None:
    add(shop, op)
    op.clear()

    assert browser.begin("customer").status_code == 502
    assert op.requests == []


def test_table_is_read_once(shop: Any, op: OpenIDProvider, browser: Browser, django_assert_num_queries: Any) -> None:
    add(shop, op)
    browser.get("/oauth/customer/login/")

    with django_assert_num_queries(0):
        for _ in range(3):
            browser.get("/oauth/customer/login/")
