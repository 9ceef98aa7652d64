"""The checks of `AUTHLIB_OAUTH_CLIENTS`, whose entries `oidc_login.client` reads when it needs a client.

An entry may be incomplete, because `register()` can add options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.core.checks import CheckMessage

from oidc_login.checks.reports import Report
from oidc_login.client.options import problems_of
from oidc_login.client.registration import SETTING
from oidc_login.client.rules import Kind
from oidc_login.conf import django

NO_DICTIONARY = Report(
    "E085",
    "{subject} must be a dictionary, not {found}.",
    'Write AUTHLIB_OAUTH_CLIENTS = {{"company": {{"client_id": "...", "server_metadata_url": "https://..."}}}}.',
)
# The option provides the finding and the advice.
OPTION_UNKNOWN = Report("E086", "{entry}: {option} {finding}.", "{advice}")
OPTION_REFUSED = Report("E087", "{entry}: {option} {finding}.", "{advice}")
VALUE_INVALID = Report("E088", "{entry}: {option} {finding}.", "{advice}")
OPTION_UNUSED = Report("W085", "{entry}: {option} {finding}.", "{advice}")

REPORTS: Mapping[Kind, Report] = {
    "unknown": OPTION_UNKNOWN,
    "refused": OPTION_REFUSED,
    "value": VALUE_INVALID,
    "unused": OPTION_UNUSED,
}


def client_messages() -> Iterator[CheckMessage]:
    """Return the messages about options in the settings."""
    clients = django.get(SETTING, None) or {}
    if not isinstance(clients, Mapping):
        yield NO_DICTIONARY.message(subject=SETTING, found=type(clients).__name__)
        return
    for name, options in clients.items():
        entry = f"{SETTING}[{name!r}]"
        if not isinstance(options, Mapping):
            yield NO_DICTIONARY.message(subject=entry, found=type(options).__name__)
            continue
        for problem in problems_of(options):
            values = {"option": problem.option, "finding": problem.finding, "advice": problem.advice}
            yield REPORTS[problem.kind].message(entry=entry, **values)
