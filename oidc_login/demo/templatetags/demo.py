"""`{% why %}` explains a decision where it is met; `{% current_stop %}` is the stop of the tour that is being taken."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context

from oidc_login.demo.rules import BY_NAME
from oidc_login.demo.tour import BY_STOP, Stop

register = template.Library()

STOP = "demo_stop"  # in the session


@register.inclusion_tag("demo/why.html")
def why(name: str) -> dict[str, Any]:
    """Explain the rule of this name; a name that the tour does not meet explains nothing."""
    return {"rule": BY_NAME.get(name)}


@register.simple_tag(takes_context=True)
def current_stop(context: Context) -> Stop | None:
    """Return the stop that this browser is at."""
    request: HttpRequest | None = context.get("request")
    return BY_STOP.get(request.session.get(STOP, "")) if request is not None else None
