"""The checks of `AUTHLIB_OAUTH_CLIENTS`, whose entries `oidc_login.client` reads when a client is needed.

What an entry lacks is no mistake: `register()` may give it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.core.checks import CheckMessage

from oidc_login.checks.messages import message
from oidc_login.client.options import problems_of
from oidc_login.client.registration import SETTING
from oidc_login.client.rules import Kind
from oidc_login.conf import django

NUMBERS: Mapping[Kind, str] = {"unknown": "E086", "refused": "E087", "value": "E088", "unused": "W085"}


def client_messages() -> Iterator[CheckMessage]:
    """Return what is wrong with the options of the settings."""
    clients = django.get(SETTING, None) or {}
    if not isinstance(clients, Mapping):
        yield message("E085", subject=SETTING, found=type(clients).__name__)
        return
    for name, options in clients.items():
        entry = f"{SETTING}[{name!r}]"
        if not isinstance(options, Mapping):
            yield message("E085", subject=entry, found=type(options).__name__)
            continue
        for problem in problems_of(options):
            values = {"option": problem.option, "finding": problem.finding, "advice": problem.advice}
            yield message(NUMBERS[problem.kind], entry=entry, **values)
