"""`{% one_tap %}` for a site's own pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse

from oidc_login.contrib.one_tap.nonces import new_nonce
from oidc_login.flow import hosts
from oidc_login.flow.redirects import safe_next
from oidc_login.registry import get_login_providers
from oidc_login.templatetags.oidc_login import nonce_attribute

register = template.Library()


@register.inclusion_tag("oidc_login/one_tap/one_tap.html", takes_context=True)
def one_tap(
    context: Context, provider: str = "google", *, next: str | None = None, auto_select: bool = False
) -> dict[str, Any]:
    """Offer One Tap to visitors, with the entry `provider`; show nothing to people who are signed in.

    The sign-in ends at `next`, or else on this page. With `auto_select`, a person who has used One Tap here before and
    has only one session at the provider is signed in without a click.
    """
    request = getattr(context, "request", None) or context.get("request")
    known = {found.key: found for found in get_login_providers() if found.one_tap_script}
    if not isinstance(request, HttpRequest) or provider not in known or request.user.is_authenticated:
        return {"provider": None}
    next_url = safe_next(request, [request.get_full_path() if next is None else str(next)])
    return {
        "provider": known[provider],
        "login_uri": hosts.url_at(request, reverse("oidc_login_one_tap:sign_in", args=[provider])),
        "nonce": new_nonce(request, provider, next_url=next_url),
        "nonce_attribute": nonce_attribute(context),
        "auto_select": auto_select,
    }
