"""The time zone of this machine: the demo runs on the desk of the person who looks at it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

LOCALTIME = Path("/etc/localtime")
DATABASE = "zoneinfo/"


def local_time_zone(environment: Mapping[str, str] = os.environ, localtime: Path = LOCALTIME) -> str:
    """Return the zone's name from `TZ` or from the system's link, "UTC" where neither names one."""
    named = environment.get("TZ", "").removeprefix(":")
    linked = str(localtime.resolve()).rpartition(DATABASE)[2] if localtime.is_symlink() else ""
    return next((name for name in (named, linked) if is_time_zone(name)), "UTC")


def is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # a path, a folder of the database, no such zone
        return False
    return True
