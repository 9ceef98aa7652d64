"""Django's cache, as this package uses it: shared copies may be lost, the memory of used flows may not."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.cache import BaseCache, caches

from oidc_login.conf import settings
from oidc_login.exceptions import SiteUnavailable

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


class BoundedMemory:
    """Remembers names that anybody can make up, the latest ones, in a few entries of the cache.

    With an entry for each name, whoever sends many would push out what the cache keeps for others. Two writers may
    meet, and then one name is lost: what stands here must not be all that protects something.
    """

    def __init__(self, prefix: str, *, entries: int = 16, names_each: int = 128) -> None:
        self._prefix = prefix
        self._entries = entries
        self._names_each = names_each

    def add(self, name: str, *, timeout: int) -> bool:
        """Remember a hexadecimal name; False where the cache fails."""
        key, cache = self._key(name), get_cache()
        try:
            cache.set(key, [*(cache.get(key) or ()), name][-self._names_each :], timeout=timeout)
        except Exception as error:  # each cache backend raises errors of its own client library
            logger.warning("the cache cannot be written: %s", type(error).__name__)
            return False
        return True

    def includes(self, name: str) -> bool:
        return name in (SharedValues().get(self._key(name)) or ())

    def _key(self, name: str) -> str:
        return f"{self._prefix}{int(name[:8], 16) % self._entries}"
