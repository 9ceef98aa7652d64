"""How the modules of this package make their patterns."""

from __future__ import annotations

from typing import Any

from oidc_login.compat.views import OldCallbackView, OldLoginView
from oidc_login.urls import answer, entrance


def callback_view(package: str) -> Any:
    """Return the view that ends a flow at an old address of a package."""
    return answer(type("OldCallbackView", (OldCallbackView,), {"package": package}))


def login_view(package: str) -> Any:
    """Return the view that begins a sign-in at an old address of a package."""
    return entrance(type("OldLoginView", (OldLoginView,), {"package": package}))
