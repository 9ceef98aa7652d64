"""The checks of email addresses: which domains may sign in, and whether addresses count as verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import strings
from oidc_login.providers.base import OAuthProvider

DOMAIN = re.compile(r"\.?[^\s@*/:.]+(\.[^\s@*/:.]+)*")

NO_DOMAIN = Report(
    "E017",
    "{subject} contains {domain!r}, which is not a domain.",
    'Write domains as in ["example.com", ".corp.example"]. A leading dot also admits subdomains.',
)
NEVER_VERIFIED = Report(
    "W180",
    "{entry}: without {argument}, no email address from {class_name} counts as verified.",
    "No accounts are linked by email, new accounts have no email address, and allowed_email_domains rejects "
    "everybody. Add {argument!r}: ... to the entry. If this is what you want, silence oidc_login.W180.",
)


def allowed_email_domains(value: Any) -> Iterator[Problem]:
    """Domains; neither addresses nor patterns."""
    wrong_type = list(strings(value))
    yield from wrong_type
    for domain in () if wrong_type else value:
        if not DOMAIN.fullmatch(domain):
            yield NO_DOMAIN.problem(domain=domain)


def check_email_needs(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """The entry has the argument without which the provider's class trusts no address."""
    if not provider.can_verify_email() and provider.email_needs not in entry.broken:
        yield NEVER_VERIFIED.problem(provider.email_needs)
