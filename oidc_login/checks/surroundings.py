"""The checks of what can break redirects: a content security policy, and URLs with a language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.urls import reverse
from django.utils.translation import override

from oidc_login.checks.entries import configured
from oidc_login.checks.imports import import_or_none
from oidc_login.checks.project import has_only_clients
from oidc_login.checks.reports import Report
from oidc_login.conf import django, settings
from oidc_login.flow.form_action import allows, policies
from oidc_login.protocol.http.urls import origin_of
from oidc_login.validation import is_url, listed

# Arguments that contain URLs of a provider's pages, the page itself first.
PAGES: Final = ("authorization_endpoint", "base_url", "issuer", "discovery_url")


FORM_ACTION = Report(
    "W140",
    "{name} has a form-action that does not allow {origins}, and OIDC_LOGIN_REDIRECT_BY_PAGE is False.",
    "Chromium blocks the redirect to the provider, and the button does nothing. Add the origin to form-action, or "
    "remove OIDC_LOGIN_REDIRECT_BY_PAGE so that the redirect goes through a page.",
)
LANGUAGE_IN_URL = Report(
    "W141",
    "The redirect URI depends on the language: {paths}.",
    "A provider redirects only to the URI that is registered with it, and its logout requests have no language. "
    'Include "oidc_login.urls" outside of i18n_patterns(), at a path that is not translated.',
)


def surroundings_messages() -> Iterator[CheckMessage]:
    """Return the messages about broken redirects to the provider or back."""
    if has_only_clients():
        return
    yield from check_form_action()
    yield from check_languages()


def check_form_action() -> Iterator[CheckMessage]:
    """If the site wants plain redirects, its policy allows forms to lead to the providers."""
    if settings.REDIRECT_BY_PAGE is not False:
        return
    site = urlsplit(str(settings.BASE_URL or "https://localhost"))
    for name, sources in policies():
        blocked = [page for page in pages() if not allows(sources, urlsplit(page), site=site)]
        if blocked:
            yield FORM_ACTION.message(name=name, origins=listed(dict.fromkeys(map(origin_of, blocked))))


def pages() -> Iterator[str]:
    """Return one URL of each provider that its settings or its class contain."""
    for entry in configured().values():
        if isinstance(entry, Mapping):
            found = next(filter(is_url, written(entry)), None)
            if found:
                yield found


def written(entry: Mapping[str, Any]) -> Iterator[Any]:
    metadata = entry.get("metadata")
    yield from (place.get(name) for place in (metadata, entry) if isinstance(place, Mapping) for name in PAGES)
    provider_class = import_or_none(entry["class"]) if isinstance(entry.get("class"), str) else None
    yield getattr(provider_class, "authorization_endpoint", None)


def check_languages() -> Iterator[CheckMessage]:
    """The redirect URI is the same in every language."""
    if not django.USE_I18N:
        return
    found = {path for language, _ in django.LANGUAGES if (path := path_in(language))}
    if len(found) > 1:
        yield LANGUAGE_IN_URL.message(paths=listed(sorted(found)[:2]))


def path_in(language: str) -> str:
    try:
        with override(language):
            return reverse("oidc_login:callback", args=["provider"])
    except Exception:  # the URLs are missing, or the site's URLconf fails: other checks report both
        return ""
