"""The checks of what stands around the package: a content security policy, and URLs that depend on the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.urls import reverse
from django.utils.translation import override

from oidc_login.checks.arguments import is_url
from oidc_login.checks.entries import configured
from oidc_login.checks.messages import listed, message
from oidc_login.checks.project import has_clients_alone, imported
from oidc_login.conf import django, settings
from oidc_login.form_action import allows, policies

# Where the address of a provider's page is written, the page itself first.
PAGES: Final = ("authorization_endpoint", "base_url", "issuer", "discovery_url")


def surroundings_messages() -> Iterator[CheckMessage]:
    """Return what would keep people from the provider, or the provider from us."""
    if has_clients_alone():
        return
    yield from check_form_action()
    yield from check_languages()


def check_form_action() -> Iterator[CheckMessage]:
    """Where the site wants a redirect and no page in between, its policy lets forms lead to the providers."""
    if settings.REDIRECT_BY_PAGE is not False:
        return
    site = urlsplit(str(settings.BASE_URL or "https://localhost"))
    for name, sources in policies():
        blocked = [page for page in pages() if not allows(sources, urlsplit(page), site=site)]
        if blocked:
            yield message("W140", name=name, origins=listed(dict.fromkeys(map(origin_of, blocked))))


def pages() -> Iterator[str]:
    """Return a URL of each provider, of those that the settings or the class name."""
    for entry in configured().values():
        if isinstance(entry, Mapping):
            found = next(filter(is_url, written(entry)), None)
            if found:
                yield found


def written(entry: Mapping[str, Any]) -> Iterator[Any]:
    metadata = entry.get("metadata")
    yield from (place.get(name) for place in (metadata, entry) if isinstance(place, Mapping) for name in PAGES)
    provider_class = imported(entry["class"]) if isinstance(entry.get("class"), str) else None
    yield getattr(provider_class, "authorization_endpoint", None)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_languages() -> Iterator[CheckMessage]:
    """A provider knows one redirect URI, whatever language a visitor reads."""
    if not django.USE_I18N:
        return
    found = {path for language, _ in django.LANGUAGES if (path := path_in(language))}
    if len(found) > 1:
        yield message("W141", paths=listed(sorted(found)[:2]))


def path_in(language: str) -> str:
    try:
        with override(language):
            return reverse("oidc_login:callback", args=["provider"])
    except Exception:  # the URLs are missing, or the site's URLconf raises: other checks report both
        return ""
