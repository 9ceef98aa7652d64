"""Caches that fail, as a cache server does that is not there."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.locmem import LocMemCache


class BrokenCache(LocMemCache):
    """Neither reads nor writes."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("the cache is away")

    add = set = has_key = delete = get


class ForgetfulCache(LocMemCache):
    """Remembers used flows and refuses everything else."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("the cache is away")

    set = get
