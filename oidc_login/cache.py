"""The package's use of Django's cache: shared copies may be lost, but not the memory of used flows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.cache import BaseCache, caches

from oidc_login.conf import settings
from oidc_login.exceptions import SiteUnavailable

logger = logging.getLogger(__name__)


def get_cache() -> BaseCache:
    """Return the cache in `OIDC_LOGIN_CACHE`."""
    return caches[settings.CACHE]


class SharedValues:
    """Values that processes share but do not need: copies of discovery documents and key sets, ends of flows.

    If the cache fails, the provider gets another request, but the sign-in still works.
    """

    def get(self, key: str) -> Any:
        try:
            return get_cache().get(key)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("cache read failed: error=%s", type(error).__name__)
            return None

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        try:
            return get_cache().get_many(keys)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("cache read failed: error=%s", type(error).__name__)
            return {}

    def set(self, key: str, value: Any, timeout: int) -> None:
        try:
            get_cache().set(key, value, timeout=timeout)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("cache write failed: error=%s", type(error).__name__)

    def delete(self, key: str) -> None:
        try:
            get_cache().delete(key)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("cache write failed: error=%s", type(error).__name__)


def add_once(key: str, *, timeout: int) -> bool:
    """Add a key and return whether it is new; if the cache fails, refuse, because nothing else remembers the key."""
    try:
        return get_cache().add(key, "", timeout=timeout)
    except Exception as error:  # each cache backend raises errors of its own client library
        raise SiteUnavailable("cache") from error


class BoundedMemory:
    """Remembers the latest of names that anybody can make up, in a few cache entries.

    With an entry per name, a sender of many names could evict other cache entries. If two writers collide, one name is
    lost, so this must never be the only protection.
    """

    def __init__(self, prefix: str, *, entries: int = 16, names_each: int = 128) -> None:
        self._prefix = prefix
        self._entries = entries
        self._names_each = names_each

    def add(self, name: str, *, timeout: int) -> bool:
        """Remember a hexadecimal name; return `False` if the cache fails."""
        key, cache = self._key(name), get_cache()
        try:
            cache.set(key, [*(cache.get(key) or ()), name][-self._names_each :], timeout=timeout)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("cache write failed: error=%s", type(error).__name__)
            return False
        return True

    def includes(self, name: str) -> bool:
        return name in (SharedValues().get(self._key(name)) or ())

    def _key(self, name: str) -> str:
        return f"{self._prefix}{int(name[:8], 16) % self._entries}"
