"""Moments as the models of a site have them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from oidc_login.conf import django


def stored_moment(moment: datetime | None) -> datetime | None:
    """Return a moment as the site's models have it: in a time zone, or in the site's own without saying so.

    Providers say how long a token lives, from which an aware time is made; with `USE_TZ = False` Django has others.
    """
    if moment is None or timezone.is_aware(moment) == django.USE_TZ:
        return moment
    if django.USE_TZ:
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone().replace(tzinfo=None)  # by the clock that Django's `timezone.now()` reads
