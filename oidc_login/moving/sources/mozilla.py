"""mozilla-django-oidc stores no identities, and finds people by their email address at each sign-in."""

from __future__ import annotations

from oidc_login.moving.directory import DirectorySource


class Source(DirectorySource):
    """The users of a site with mozilla-django-oidc."""

    name = "mozilla"
    package = "mozilla-django-oidc"

    @classmethod
    def default_key(cls) -> str:
        return "oidc"
