"""Failures of the site's own stores: database, sessions and cache.

Every entry point uses `seen_as` to translate errors, so that all failures look the same to people.
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

# The prefixes of the tables that each sign-in needs: those of this package, of accounts and of sessions.
TABLES = ("oidc_login_", "auth_", "django_")

# Errors that may pass: a lock, a lost connection, no free connection, a database that became read-only.
# Drivers use different classes: psycopg raises InternalError for a read-only database.
STORE_FAULTS = (OperationalError, InterfaceError, InternalError)

# The outermost first, because a session may be stored in the cache.
STORES: tuple[tuple[type, str], ...] = ((SessionBase, "sessions"), (BaseCache, "cache"))

# Errors about a statement or a value are mistakes in code, which Django reports.
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
    """Return the error to show for an exception, or `None` for a mistake in code."""
    if isinstance(error, (OAuthError, ProtocolError)):
        return as_oauth_error(error)
    if is_missing_table(error):
        return SiteMisconfigured("tables_missing")
    return site_fault(error)


def is_missing_table(error: Exception) -> bool:
    """Whether a table that a sign-in needs is missing, according to the database's message."""
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
    """Return the error to show if one of the site's stores failed, or `None` for any other exception."""
    store = failed_store(error)
    if not store:
        return None
    # Only log the class: messages of databases quote values.
    logger.error("store of the site failed: %s error=%s", store, type(error).__name__, extra={"reason": store})
    return SiteUnavailable(store)


def failed_store(error: Exception) -> str:
    """Return which store of the site failed, or "" for any other exception.

    Client libraries of caches have their own exceptions, so these are recognized by the called module.
    """
    if isinstance(error, TransactionManagementError):  # Django raises this in a transaction after an earlier error
        return "database"
    if isinstance(error, MISTAKES):
        return ""
    if isinstance(error, (DatabaseError, InterfaceError)):
        return "database"
    called = (frame.f_locals.get("self") for frame, _line in walk_tb(error.__traceback__))
    return next((name for one in called for kind, name in STORES if isinstance(one, kind)), "")
