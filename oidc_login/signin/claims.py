"""Claims: email addresses compared safely, text made safe for the database, and bounded storage."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from oidc_login.plain_text import UNSAFE, text_of

MAX_EMAIL_LENGTH = 254
MAX_STORED_BYTES = 8 * 1024
MAX_DEPTH = 8
MAX_INTEGER = 2**63 - 1

STANDARD_CLAIMS = (
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The person whom a provider names; `email` is "" unless it is one well-formed address.

    `alternate_id` is the second identifier of the same person, "" where the provider has none.
    """

    provider_key: str
    issuer: str
    subject: str = field(repr=False)
    alternate_id: str = field(default="", repr=False)
    email: str = field(repr=False)
    email_verified: bool
    claims: Mapping[str, Any] = field(repr=False)


def clean_email(value: object) -> str:
    """Return a well-formed address unchanged, else ""."""
    if not isinstance(value, str) or len(value) > MAX_EMAIL_LENGTH or value.count("@") != 1:
        return ""
    if UNSAFE.search(value):
        return ""
    try:
        validate_email(value)
    except ValidationError:
        return ""
    return value


def email_key(email: str) -> str:
    """Return the key by which two spellings of one address are equal: only ASCII letters are lowercased.

    Case folding of other letters would make look-alikes equal, such as the Kelvin sign and "k".
    """
    return "".join(char.lower() if char.isascii() else char for char in email)


def domain_is_allowed(email: str, domains: Iterable[str]) -> bool:
    """Whether an address is in one of the domains; `.corp.example` also admits its subdomains."""
    domain = email_key(email).rpartition("@")[2]
    return any(
        domain == allowed.lstrip(".") or (allowed.startswith(".") and domain.endswith(allowed)) for allowed in domains
    )


def is_admitted(email: str, *, email_verified: bool, domains: Collection[str]) -> bool:
    """Whether a list of domains admits a person: an empty list admits everyone, others a verified address in them."""
    return not domains or (email_verified and domain_is_allowed(email, domains))


def text(claims: Mapping[str, Any], name: str, *, max_length: int | None = None) -> str:
    """Return a claim as one line of text for a column or a page; "" when it is not text."""
    return text_of(claims.get(name), max_length=max_length)


def username_from(claims: Mapping[str, Any], *, max_length: int) -> str:
    """Return a plain user name from the claims: letters, digits, `_`, `-` and `.`; "user" if they suggest none."""
    email = clean_email(claims.get("email"))
    for suggestion in (
        text(claims, "preferred_username"),
        text(claims, "nickname"),
        email.partition("@")[0],
        text(claims, "name"),
    ):
        plain = unicodedata.normalize("NFKD", suggestion.partition("@")[0]).encode("ascii", "ignore").decode()
        name = re.sub(r"[^a-z0-9_.-]+", "-", plain.lower()).strip("-.")[:max_length]
        if name:
            return name
    return "user"


def storable(
    claims: Mapping[str, Any], *, wanted: Iterable[str], judged: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the claims to store: the standard ones and `wanted`, at most 8 kB, safe for every database.

    `judged` is kept in any case. A list that is also `wanted` is kept unchanged, if it fits.
    """
    needed = {name: _cleaned(value) for name, value in (judged or {}).items()}
    kept = {name: _cleaned(claims[name]) for name in (*STANDARD_CLAIMS, *wanted) if name in claims}
    kept = {name: value for name, value in kept.items() if isinstance(value, list) or name not in needed}
    kept = {name: value for name, value in kept.items() if value is not None}
    while len(json.dumps({**needed, **kept})) > MAX_STORED_BYTES and kept:
        kept.pop(max(kept, key=lambda name: len(json.dumps(kept[name]))))
    return {**needed, **kept}


def _cleaned(value: Any, depth: int = 0) -> Any:
    """Return JSON that every database accepts; `None` for what cannot be stored."""
    if isinstance(value, str):
        return UNSAFE.sub("", value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -MAX_INTEGER <= value <= MAX_INTEGER else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        return {UNSAFE.sub("", str(name)): _cleaned(member, depth + 1) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(member, depth + 1) for member in value]
    return None
