"""The URL patterns of the modules in this package."""

from __future__ import annotations

from typing import Any

from oidc_login.compat.views import OldCallbackView, OldLoginView
from oidc_login.urls import answer, entrance


def callback_view(package: str) -> Any:
    """Return the view that ends a flow at a package's old callback URL."""
    return answer(type("OldCallbackView", (OldCallbackView,), {"package": package}))


def login_view(package: str) -> Any:
    """Return the view that begins a sign-in at a package's old URL."""
    return entrance(type("OldLoginView", (OldLoginView,), {"package": package}))
