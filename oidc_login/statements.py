"""The statement about connections that every repeat sign-in runs.

It is what the ORM makes of the same query; to make it anew takes longer than a database needs to run it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import F, Manager, QuerySet

from .claims import Identity

Statement = tuple[str, tuple[str, ...]]


def find_users(identity: Identity) -> Iterable[Any]:
    """Return the user whose connection has this identity, with the key of the connection as `_connection_key`."""
    model: Any = get_user_model()
    using = router.db_for_read(model)
    if type(model._base_manager) is not Manager:  # what the site's own leaves out may depend on the request
        return users_with(model, using, identity.provider_key, identity.issuer, identity.subject)
    sql, names = selecting(model, using, bool(identity.issuer))
    return QuerySet[Any](model, using=using).raw(sql, [getattr(identity, name, "") for name in names])


def users_with(model: Any, using: str, provider_key: str, issuer: str, subject: str) -> QuerySet[Any]:
    users = model._base_manager.using(using).filter(
        oauth_connections__provider_key=provider_key,
        oauth_connections__issuer=issuer,
        oauth_connections__provider_user_id=subject,
    )
    found: QuerySet[Any] = users.annotate(_connection_key=F("oauth_connections__pk"))
    return found


@lru_cache(maxsize=8)
def selecting(model: Any, using: str, has_issuer: bool) -> Statement:
    """Return the statement of `users_with`, and the members of an `Identity` that are its parameters, in order.

    Without an issuer it may be another statement: not every database keeps an empty text.
    """
    users = users_with(model, using, "provider_key", "issuer" if has_issuer else "", "subject")
    statement: Statement = users.query.get_compiler(using).as_sql()
    return statement
