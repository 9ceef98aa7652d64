"""Rows that a database or a model refused, and the remedy: another attempt, the person, or the site.

Errors name the constraint or field. Messages of the database are not repeated, because they may contain values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DatabaseError, DataError, IntegrityError, connections, router
from django.db.models import Field

from oidc_login.exceptions import EmailRequired, OAuthError, RefusedBySite, SiteMisconfigured, SiteUnavailable
from oidc_login.faults import STORE_FAULTS
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin.claims import Identity
from oidc_login.signin.users import NAME_CLAIMS, no_email, own_email
from oidc_login.user_model import get_field

# Errors of a model, a receiver or a hook whose row was not stored.
NOT_STORED = (*STORE_FAULTS, IntegrityError, DataError, ValidationError)

POSTGRESQL = {"23502": "not-null", "23503": "foreign-key", "23505": "unique", "23514": "check", "23P01": "unique"}
SQLITE = (
    ("not-null", re.compile(r"NOT NULL constraint failed: (?P<name>\S+)$")),
    ("unique", re.compile(r"UNIQUE constraint failed: (?:index ')?(?P<name>[^']+)'?$")),
    ("check", re.compile(r"CHECK constraint failed: (?P<name>.+)$")),
    ("foreign-key", re.compile(r"FOREIGN KEY constraint failed(?P<name>)$")),
)
MYSQL = (
    ("not-null", re.compile(r"Column '(?P<name>[^']+)' cannot be null$")),
    ("unique", re.compile(r"Duplicate entry .* for key '(?P<name>[^']+)'$", re.DOTALL)),
    ("check", re.compile(r"CONSTRAINT `(?P<name>[^`]+)` failed for ")),
    ("check", re.compile(r"Check constraint '(?P<name>[^']+)' is violated")),
    ("foreign-key", re.compile(r"a foreign key constraint fails .*CONSTRAINT `(?P<name>[^`]+)`", re.DOTALL)),
)
UNIQUE_CODES = {"unique", "unique_together"}  # of Django's validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A constraint of the database that a row violated; `columns` is empty if they are unknown."""

    kind: str
    name: str = ""
    table: str = ""
    columns: frozenset[str] = frozenset()

    def __str__(self) -> str:
        named = ".".join(filter(None, (self.table, self.name or ", ".join(sorted(self.columns)))))
        return f"{self.kind} constraint {named}".rstrip()


# Whether to try again.


def may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed: the cause was another row, a lock or a lost connection."""
    if isinstance(error, ValidationError):
        codes = {one.code for one in errors_of(error)}
        return bool(codes) and codes <= UNIQUE_CODES
    if isinstance(error, DataError):
        return False
    return not isinstance(error, IntegrityError) or violation_of(error).kind in ("unique", "foreign-key", "")


# Whose fault it is.


def refusal(error: Exception, identity: Identity | None, provider: OAuthProvider) -> OAuthError:
    """Return the error that ends a sign-in whose rows could not be stored."""
    if isinstance(error, ValidationError):
        return refusal_of_model(error, identity, provider)
    if isinstance(error, DataError):
        return RefusedBySite("a value does not fit its column")
    if not isinstance(error, IntegrityError):
        return SiteUnavailable("database")
    violation = violation_of(error)
    if not violation.kind or violation.table.startswith("oidc_login_"):
        return SiteUnavailable("database")
    return judged(claim_fields(violation, provider), str(violation), violation.kind, identity, provider)


def refusal_of_model(error: ValidationError, identity: Identity | None, provider: OAuthProvider) -> OAuthError:
    """Return the refusal for an instance that its own `full_clean` found invalid."""
    by_field = getattr(error, "error_dict", {})
    names = set(by_field) - {NON_FIELD_ERRORS}
    reason = f"validation of {', '.join(sorted(names))}" if names else "validation"
    violation = violation_of_model(error)
    if violation is not None and not names:
        return judged(claim_fields(violation, provider), str(violation), violation.kind, identity, provider)
    if names - names_from_claims(provider):
        return SiteMisconfigured(reason)
    return judged(names, reason, "validation", identity, provider) if names else RefusedBySite(reason)


def judged(
    names: Collection[str], reason: str, kind: str, identity: Identity | None, provider: OAuthProvider
) -> OAuthError:
    """Return the refusal for a constraint on fields of the user that claims fill."""
    model = get_user_model()
    if not names:
        return SiteMisconfigured(reason)
    if kind == "unique" and model.USERNAME_FIELD in names:
        return SiteUnavailable("database")  # the name was available when it was chosen, twice
    if model.get_email_field_name() in names and not (identity and own_email(identity, provider)):
        return no_email(identity, provider, reason) if identity else EmailRequired(reason)
    return RefusedBySite(reason)


def names_from_claims(provider: OAuthProvider) -> set[str]:
    """Return the fields of the user model that claims fill."""
    model = get_user_model()
    return {model.USERNAME_FIELD, model.get_email_field_name(), *NAME_CLAIMS, *provider.profile_map}


def claim_fields(violation: Violation, provider: OAuthProvider) -> set[str]:
    """Return the fields that a constraint is about and that claims fill."""
    fields = [field for name in names_from_claims(provider) if (field := get_field(name)) is not None]
    return {field.name for field in fields if is_about(violation, field)}


def is_about(violation: Violation, field: Field[Any, Any]) -> bool:
    return violation.table in ("", field.model._meta.db_table) and field.column in violation.columns


# Messages of each database.


def violation_of(error: DatabaseError) -> Violation:
    """Return the constraint that an error names; without `kind` if it names none."""
    using = router.db_for_write(get_user_model())
    vendor, cause = connections[using].vendor, error.__cause__
    if vendor == "postgresql":
        return _of_postgresql(cause, using)
    text = str((getattr(cause, "args", None) or error.args or ("",))[-1])
    for kind, pattern in {"sqlite": SQLITE, "mysql": MYSQL}.get(vendor, ()):
        if found := pattern.search(text):
            return _named(kind, found["name"], using)
    return Violation(kind="")


def _of_postgresql(cause: Any, using: str) -> Violation:
    kind = POSTGRESQL.get(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "", "")
    diagnosis = getattr(cause, "diag", None)
    if not kind or diagnosis is None:
        return Violation(kind="")
    table, name, column = (getattr(diagnosis, f"{part}_name", None) or "" for part in ("table", "constraint", "column"))
    columns = frozenset({column}) if column else columns_of(using, table, name)
    return Violation(kind=kind, name=name, table=table, columns=columns)


def _named(kind: str, name: str, using: str) -> Violation:
    """Return the violation of a name as SQLite and MySQL report it: columns with their table, or a constraint."""
    parts = [part.strip().rpartition(".") for part in name.split(",")]
    table, columns = parts[0][0], frozenset(column for _, _, column in parts)
    if kind == "not-null" or (kind == "unique" and connections[using].vendor == "sqlite" and table):
        return Violation(kind=kind, table=table, columns=columns)
    name = parts[-1][2] if kind == "unique" else name
    for place in [table] if table else user_tables():
        if found := columns_of(using, place, name):
            return Violation(kind=kind, name=name, table=place, columns=found)
    return Violation(kind=kind, name=name, table=table)


def columns_of(using: str, table: str, name: str) -> frozenset[str]:
    """Return the columns of a constraint, as the database reports them."""
    connection = connections[using]
    try:
        with connection.cursor() as cursor:
            constraints: Mapping[str, Any] = connection.introspection.get_constraints(cursor, table)
    except DatabaseError:
        return frozenset()
    return frozenset(constraints.get(name, {}).get("columns") or ())


def user_tables() -> list[str]:
    """Return the tables of a user: more than one if the model inherits from another model."""
    return sorted({field.model._meta.db_table for field in get_user_model()._meta.concrete_fields})


# Validation of a model.


def errors_of(error: ValidationError) -> list[ValidationError]:
    """Return the single errors of a validation error, which keeps them by field or in a list."""
    if hasattr(error, "error_dict"):
        return [one for errors in error.error_dict.values() for one in errors]
    return list(error.error_list)


def violation_of_model(error: ValidationError) -> Violation | None:
    """Return the constraint of the user model that its validation names."""
    model = get_user_model()
    for constraint in model._meta.constraints:
        if constraint.get_violation_error_message() in error.messages:
            using, table = router.db_for_write(model), model._meta.db_table
            columns = columns_of(using, table, constraint.name)
            return Violation(kind="check", name=constraint.name, table=table, columns=columns)
    return None
