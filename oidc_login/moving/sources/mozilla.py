"""mozilla-django-oidc: it keeps no identities, and finds people by their address at each sign-in."""

from __future__ import annotations

from oidc_login.moving.directory import DirectorySource


class Source(DirectorySource):
    """The users of a site of mozilla-django-oidc."""

    name = "mozilla"
    package = "mozilla-django-oidc"

    @classmethod
    def default_key(cls) -> str:
        return "oidc"
