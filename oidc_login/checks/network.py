"""The checks of connections to a provider: certificates and proxies."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from typing import Any

from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import text
from oidc_login.protocol.http.proxy import Proxy

NO_CERTIFICATES = Report(
    "E013",
    "{subject} is not a readable file or directory of certificates.",
    "Write the path of a PEM file, or remove it to use the default certificate authorities.",
)
NO_PROXY = Report(
    "E170",
    "{subject} is not a valid proxy URL.",
    'Write "http://proxy.example:3128", with user:password@ before the host if the proxy requires them. The '
    "connection to the provider is encrypted inside the proxy's tunnel. https:// and socks:// proxies are not "
    "supported.",
)


def ca_bundle(value: Any) -> Iterator[Problem]:
    """The certificates can be read."""
    if not isinstance(value, (str, os.PathLike)):
        yield from text(value)
        return
    try:
        if not os.path.isdir(value):
            ssl.create_default_context(cafile=value)
    except (OSError, ValueError):  # the file is missing, unreadable, or contains no certificate
        yield NO_CERTIFICATES.problem()


def proxy(value: Any) -> Iterator[Problem]:
    """A supported proxy; the message does not show its URL, which may contain a password."""
    yield from text(value)
    try:
        Proxy.from_url(value if isinstance(value, str) else "http://-")
    except ValueError:
        yield NO_PROXY.problem()
