"""`UserInfo`: the claims about a person, a dictionary with standard claims as attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from oidc_login.client.discreet import Discreet
from oidc_login.signin.claims import STANDARD_CLAIMS

CLAIMS = ("sub", *STANDARD_CLAIMS)

# The claims of each scope (Core 5.4); "profile" covers all that no other scope names.
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
OTHER_SCOPES = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)

LANGUAGE_TAG = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class UserInfo(Discreet):
    """Verified claims; a missing standard claim is `None` as an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name in CLAIMS:
            return self.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def validate_locale(self) -> None:
        """Raise `ValueError` if `locale` is not a language tag (Core 5.1, RFC 5646 2.1)."""
        locale = self.get("locale")
        if locale is not None and not (isinstance(locale, str) and LANGUAGE_TAG.fullmatch(locale)):
            raise ValueError("locale is not a language tag")

    def filter(self, scope: str | Iterable[str]) -> UserInfo:
        """Return only the claims that a scope requests (Core 5.4)."""
        scopes = scope.split() if isinstance(scope, str) else list(scope)
        wanted = {name for each in scopes for name in claims_of(each)}
        return type(self)({name: value for name, value in self.items() if name in wanted})


def claims_of(scope: str) -> tuple[str, ...]:
    if scope == "profile":
        return tuple(name for name in CLAIMS if name not in OTHER_SCOPES)
    return SCOPE_CLAIMS.get(scope, ())
