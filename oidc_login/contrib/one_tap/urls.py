"""The URL of One Tap, for `include("oidc_login.contrib.one_tap.urls")`.

The provider's script cannot send Django's CSRF token. It sends its own, and the nonce is bound to this browser.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from oidc_login.contrib.one_tap.views import OneTapView

app_name = "oidc_login_one_tap"

entrance: Any = login_not_required(csrf_exempt(OneTapView.as_view()))
entrance.takes_unconfirmed_sessions = True

urlpatterns = [path("<str:provider>/", entrance, name="sign_in")]
