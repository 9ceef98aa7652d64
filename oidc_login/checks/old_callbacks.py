"""The checks of `callback`: the package is supported, its URLs are included, and no two entries share an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import NoReverseMatch, reverse

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import text
from oidc_login.flow.redirects import VIEW_NAMES, key_of, old_callback, stated
from oidc_login.validation import listed

PACKAGE_UNKNOWN = Report(
    "E210",
    "{subject} does not name a supported package.",
    'Write one of {names}, or "allauth:NAME" if the provider has another name there.',
)
URLS_MISSING = Report(
    "E211",
    "{entry}: the old callback address of {package!r} is not part of the URLs.",
    'Add path("...", include("oidc_login.compat.{package}")) where the other package was included.',
)
ADDRESS_SHARED = Report(
    "E212",
    "{entry} and the provider {other!r} use the same callback address.",
    "Only one provider can answer there. Remove callback from one of the entries.",
)


def callback(value: Any) -> Iterator[Problem]:
    """A package, and the provider's name there if it differs."""
    wrong_type = list(text(value))
    yield from wrong_type
    if not wrong_type and stated("-", value)[0] not in VIEW_NAMES:
        yield PACKAGE_UNKNOWN.problem(names=listed(VIEW_NAMES))


def check_old_callback(entry: Entry, provider: Any) -> Iterator[Problem]:
    """The address exists and leads to this entry."""
    package, name = stated(str(entry.key), entry.arguments.get("callback"))
    found = old_callback(str(entry.key))
    if package not in VIEW_NAMES or found is None:
        return
    try:
        reverse(found[0], args=found[1])
    except NoReverseMatch:
        yield URLS_MISSING.problem("callback", package=package)
        return
    if (other := key_of(package, name)) != entry.key:
        yield ADDRESS_SHARED.problem("callback", other=other)
