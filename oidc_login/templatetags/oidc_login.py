"""`{% provider_buttons %}` for a site's own login page, and tags for the package's own pages."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django import template
from django.apps import apps
from django.http import HttpRequest
from django.template import Context, TemplateDoesNotExist
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from oidc_login.flow.cookies import last_used_provider
from oidc_login.flow.redirects import safe_next
from oidc_login.models import own_connections, unconnected_providers
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_login_providers, get_providers
from oidc_login.sessions.records import shown_sessions

logger = logging.getLogger(__name__)
register = template.Library()

Keys = Sequence[str] | str

SEEN_AT_ONCE: Final = 8  # more providers are behind "More ways to sign in"
PACKAGE: Final = Path(__file__).resolve().parent.parent
STYLESHEET: Final = "oidc_login/oidc_login.css"
MARK: Final = "oidc_login/icons/{}.svg"  # a template, named after the first word of the service's name

HEX_COLOR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
LEGIBLE: Final = 4.5  # WCAG 2.2, success criterion 1.4.3
WHITE: Final = "#ffffff"
BLACK: Final = "#000000"

# The characters of a URL, without the two quotes.
URL_CHARACTERS: Final = "/#%[]=:;$&()+,!?*@~"


@register.inclusion_tag("oidc_login/provider_buttons.html", takes_context=True)
def provider_buttons(
    context: Context, next: str | None = None, only: Keys = (), exclude: Keys = (), login_hint: str = ""
) -> dict[str, Any]:
    """Render one form per provider; `next` is where to go afterwards, by default the page's own `next`.

    `only` and `exclude` are provider keys, as a list or a comma-separated string; `only` also sets the order.
    `login_hint` tells the provider who wants to sign in. After the first eight, providers are behind "More ways to
    sign in".
    """
    last_used = _last_used(context)
    shown, more = _folded(_chosen(get_login_providers(), only, exclude), last_used)
    return {
        "providers": shown,
        "more_providers": more,
        "next": _checked_next(context, next),
        "login_hint": login_hint,
        "last_used": last_used,
    }


@register.inclusion_tag("oidc_login/connect_buttons.html", takes_context=True)
def connect_buttons(context: Context, next: str | None = None, only: Keys = (), exclude: Keys = ()) -> dict[str, Any]:
    """Render one form per provider that is not yet connected to the signed-in person's account."""
    request = _request_of(context)
    offered = get_providers() if request is None else unconnected_providers(request.user)
    return {"providers": _chosen(offered, only, exclude), "next": _checked_next(context, next)}


def _chosen(providers: Sequence[OAuthProvider], only: Keys, exclude: Keys) -> list[OAuthProvider]:
    """Return the providers that a page wants to show, without keys that are not configured."""
    left_out = _keys(exclude)
    found = {provider.key: provider for provider in providers if provider.key not in left_out}
    return [found[key] for key in _keys(only) if key in found] if only else list(found.values())


def _keys(given: Keys) -> list[str]:
    return [key.strip() for key in (given.split(",") if isinstance(given, str) else given)]


def _folded(providers: list[OAuthProvider], last_used: str) -> tuple[list[OAuthProvider], list[OAuthProvider]]:
    """Return the visible providers and the others; the last used one is always visible."""
    shown, more = providers[:SEEN_AT_ONCE], providers[SEEN_AT_ONCE:]
    hidden = [provider for provider in more if provider.key == last_used]
    return hidden + shown, [provider for provider in more if provider not in hidden]


def _last_used(context: Context) -> str:
    request = _request_of(context)
    return "" if request is None else last_used_provider(request)


@register.simple_tag(takes_context=True)
def oidc_login_stylesheet(context: Context) -> SafeString:
    """Return a link to the style sheet, or its text if the site does not serve static files."""
    nonce = nonce_attribute(context)
    if apps.is_installed("django.contrib.staticfiles"):
        try:
            return format_html('<link rel="stylesheet" href="{}"{}>', static(STYLESHEET), nonce)
        except Exception as error:  # a storage of the site may raise any exception
            logger.error("style sheet has no address: %s", type(error).__name__)
    return format_html("<style{}>\n{}</style>", nonce, mark_safe(stylesheet()))  # noqa: S308 - a file of the package


@cache
def stylesheet() -> str:
    """Return the text of the style sheet."""
    return (PACKAGE / "static" / STYLESHEET).read_text()


@register.inclusion_tag("oidc_login/connection_list.html", takes_context=True)
def connections(context: Context, next: str | None = None) -> dict[str, Any]:
    """Render the signed-in person's connections, each with a button to disconnect it."""
    request = _request_of(context)
    listed = own_connections(request.user) if request is not None else []
    return {"connections": listed, "next": _checked_next(context, next)}


@register.inclusion_tag("oidc_login/session_list.html", takes_context=True)
def sessions(context: Context, next: str | None = None) -> dict[str, Any]:
    """Render the person's sessions that were begun through a provider, each with a button to end it."""
    request = _request_of(context)
    listed = shown_sessions(request) if request is not None and hasattr(request, "session") else []
    return {"sessions": listed, "next": _checked_next(context, next)}


@register.inclusion_tag("oidc_login/logout_button.html", takes_context=True)
def logout_button(context: Context, next: str | None = None) -> dict[str, Any]:
    """Render a form that signs out, here and at the provider; `next` is where the person goes afterwards."""
    return {"next": _checked_next(context, next)}


def _request_of(context: Context) -> HttpRequest | None:
    request = getattr(context, "request", None) or context.get("request")
    return request if isinstance(request, HttpRequest) else None


def _checked_next(context: Context, given: str | None) -> str:
    request = _request_of(context)
    if request is None:
        return ""
    if given is None:
        given = context.get("next")
    return safe_next(request, request.GET.getlist("next") if given is None else [str(given)])


@register.filter
def leads_to_page_of(url: str, other: str) -> bool:
    """Whether two local URLs only differ in their query."""
    return urlsplit(url).path == urlsplit(other).path


@register.inclusion_tag("oidc_login/provider_icon.html")
def provider_icon(provider: OAuthProvider) -> dict[str, str]:
    """Render the site's own icon for the provider (a template or a static file), or its logo, or its letters.

    Logos are in `oidc_login.contrib.icons`, if it is installed.

    The letters are an SVG, because its attributes work without the site's style sheet and under any content security
    policy. An icon that cannot be shown is replaced by the letters, so that the other buttons still work.
    """
    try:
        return _own_icon(provider) or _mark(provider) or _letters(provider)
    except Exception as error:  # a template or storage of the site may raise any exception
        logger.error("icon cannot be shown: %s provider=%s", type(error).__name__, provider.key)
        return _letters(provider)


def _own_icon(provider: OAuthProvider) -> dict[str, str]:
    if not provider.icon or not isinstance(provider.icon, str):
        return {}
    if provider.icon.endswith(".html"):
        return {"drawing": get_template(provider.icon).render({})}
    return {"url": static(provider.icon)}


def _mark(provider: OAuthProvider) -> dict[str, str]:
    """Return the logo of the service, if an installed application has it and the site did not choose letters."""
    if provider.monogram != type(provider).monogram:
        return {}
    service = provider.display_name.partition(" ")[0] or provider.key
    try:
        return {"drawing": get_template(MARK.format(service.lower())).render({})}
    except TemplateDoesNotExist:
        return {}


def _letters(provider: OAuthProvider) -> dict[str, str]:
    color = provider.brand_color if is_color(provider.brand_color) else OAuthProvider.brand_color
    return {"color": color, "text_color": legible_on(color), "initials": provider.initials()}


def is_color(value: object) -> bool:
    """Whether a value is a colour that is valid in SVG attributes and whose contrast can be computed."""
    return isinstance(value, str) and bool(HEX_COLOR.fullmatch(value))


def legible_on(color: str) -> str:
    """Return white if it is legible on the colour, otherwise black; one of them always is."""
    return WHITE if contrast(color, WHITE) >= LEGIBLE else BLACK


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, definitions)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])
    red, green, blue = (_linear(int(digits[start : start + 2], 16) / 255) for start in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


@register.filter
def with_code(text: str) -> SafeString:
    """Show the names between backticks as code."""
    parts = str(text).split("`")
    shown = (format_html("<code>{}</code>" if number % 2 else "{}", part) for number, part in enumerate(parts))
    return SafeString("".join(shown))


@register.filter
def refresh_url(url: str) -> str:
    """Encode a local URL for `<meta http-equiv="refresh">`.

    Browsers remove quotes from the URL, so the harmless path `'//elsewhere'` would lead to another host.
    """
    return quote(url, safe=URL_CHARACTERS)


@register.simple_tag(takes_context=True)
def nonce_attribute(context: Context) -> SafeString:
    """Return the nonce of the site's content security policy as an attribute, if it has one."""
    request = _request_of(context)
    # In this order: a context processor, django-csp, Django 6's middleware.
    found = (context.get("csp_nonce"), getattr(request, "csp_nonce", None), getattr(request, "_csp_nonce", None))
    # Not by truth value: an unused nonce is false.
    nonce = next((nonce for nonce in found if nonce is not None), None)
    return SafeString("") if nonce is None else format_html(' nonce="{}"', nonce)
