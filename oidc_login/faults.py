"""Faults of the site's own stores: its database, its sessions and its cache.

Every entrance asks `seen_as` what people see of an error, so that no store can fail in a way of its own.
"""

from __future__ import annotations

import logging
import re
from pickle import PickleError
from traceback import walk_tb

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import BaseCache
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from django.db.transaction import TransactionManagementError

from oidc_login.exceptions import OAuthError, SiteMisconfigured, SiteUnavailable, as_oauth_error
from oidc_login.protocol.errors import ProtocolError

logger = logging.getLogger(__name__)

# How the names of the tables begin that each sign-in needs: of this package, of accounts and of sessions.
TABLES = ("oidc_login_", "auth_", "django_")

# What may work a moment later: a lock, a lost connection, no connection left, a database that became read-only.
# Drivers do not agree on the class: psycopg raises InternalError for a read-only database.
STORE_FAULTS = (OperationalError, InterfaceError, InternalError)

# From the outside in: a session may be kept in the cache.
STORES: tuple[tuple[type, str], ...] = ((SessionBase, "sessions"), (BaseCache, "cache"))

# What a store raises about a statement or a value that it was given: a mistake in code, which Django reports.
MISTAKES = (
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    PickleError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    NameError,
)


def seen_as(error: Exception) -> OAuthError | None:
    """Return the error that people see for what went wrong; `None` for a mistake in code."""
    if isinstance(error, (OAuthError, ProtocolError)):
        return as_oauth_error(error)
    if is_missing_table(error):
        return SiteMisconfigured("tables_missing")
    return site_fault(error)


def is_missing_table(error: Exception) -> bool:
    """Whether a table that signing in needs is missing, in the words of the database."""
    if not isinstance(error, DatabaseError):
        return False
    words = re.sub(r"[^\w]", " ", str(error))
    tables = (*TABLES, get_user_model()._meta.db_table)
    if not any(f" {table}" in words for table in tables):
        return False
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)  # psycopg 3 and 2
    return state == "42P01" or error.args[:1] == (1146,) or "no such table" in str(error)


def site_fault(error: Exception) -> SiteUnavailable | None:
    """Return the error that people see for a store of the site that fails; `None` for any other error."""
    store = failed_store(error)
    if not store:
        return None
    # The class alone: a database quotes values in its messages.
    logger.error("a store of this site fails: %s (%s)", store, type(error).__name__, extra={"reason": store})
    return SiteUnavailable(store)


def failed_store(error: Exception) -> str:
    """Return which store of the site fails; "" for any other error.

    Client libraries of caches have errors of their own, so those are known by what was called.
    """
    if isinstance(error, TransactionManagementError):  # Django's word for a transaction in which something failed
        return "database"
    if isinstance(error, MISTAKES):
        return ""
    if isinstance(error, (DatabaseError, InterfaceError)):
        return "database"
    called = (frame.f_locals.get("self") for frame, _line in walk_tb(error.__traceback__))
    return next((name for one in called for kind, name in STORES if isinstance(one, kind)), "")
