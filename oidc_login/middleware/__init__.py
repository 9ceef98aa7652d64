"""Middleware for a site's `MIDDLEWARE`, behind those of Django for sessions and users."""

from .logout import SessionLogout
from .refresh import SessionRefresh

__all__ = ["SessionLogout", "SessionRefresh"]
