"""Middleware for a site's `MIDDLEWARE`, behind those of Django for sessions and users."""

from .logout import SessionLogout

__all__ = ["SessionLogout"]
