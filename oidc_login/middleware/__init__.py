"""Middleware for a site's `MIDDLEWARE`, behind those of Django for sessions and users."""

from oidc_login.middleware.logout import SessionLogout
from oidc_login.middleware.refresh import SessionRefresh

__all__ = ["SessionLogout", "SessionRefresh"]
