"""Points in time as Django stores them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from oidc_login.conf import django


def stored_moment(moment: datetime | None) -> datetime | None:
    """Return a point in time as `USE_TZ` demands it: aware, or naive in the site's time zone.

    Providers send a lifetime, from which an aware one is computed.
    """
    if moment is None or timezone.is_aware(moment) == django.USE_TZ:
        return moment
    if django.USE_TZ:
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone().replace(tzinfo=None)  # by the clock that Django's `timezone.now()` reads
