"""Django's cache, as this package uses it: shared copies may be lost, the memory of used flows may not."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.cache import BaseCache, caches

from .conf import settings
from .exceptions import SiteUnavailable

logger = logging.getLogger(__name__)


def get_cache() -> BaseCache:
    """Return the cache that `OIDC_LOGIN_CACHE` names."""
    return caches[settings.CACHE]


class SharedValues:
    """What processes share and can do without: copies of discovery documents and key sets, ends of flows.

    A cache that fails costs a request to the provider, not a sign-in.
    """

    def get(self, key: str) -> Any:
        try:
            return get_cache().get(key)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("the cache cannot be read: %s", type(error).__name__)
            return None

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        try:
            return get_cache().get_many(keys)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("the cache cannot be read: %s", type(error).__name__)
            return {}

    def set(self, key: str, value: Any, timeout: int) -> None:
        try:
            get_cache().set(key, value, timeout=timeout)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("the cache cannot be written: %s", type(error).__name__)

    def delete(self, key: str) -> None:
        try:
            get_cache().delete(key)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("the cache cannot be written: %s", type(error).__name__)


def add_once(key: str, *, timeout: int) -> bool:
    """Whether the key was added just now; an error of the cache refuses, since nothing else remembers."""
    try:
        return get_cache().add(key, "", timeout=timeout)
    except Exception as error:  # each cache backend raises errors of its own client library
        raise SiteUnavailable("cache") from error
