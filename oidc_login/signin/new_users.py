"""Which users are new: a site's `create_user` may return one that existed before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.signals import post_save

_created: ContextVar[set[Any] | None] = ContextVar("oidc_login_created_users", default=None)


@contextmanager
def collect_created_users() -> Iterator[set[Any]]:
    """Collect the primary keys of the users that are created inside this block."""
    created: set[Any] = set()
    token = _created.set(created)
    try:
        yield created
    finally:
        _created.reset(token)


def add_created_user(sender: Any, *, instance: Any, created: bool = False, **kwargs: Any) -> None:
    """Add a user that was just created to the block that collects them (`post_save`)."""
    collected = _created.get()
    if collected is not None and created and isinstance(instance, get_user_model()):
        collected.add(instance.pk)


post_save.connect(add_created_user, dispatch_uid="oidc_login.created_users")
