"""Middleware for a site's `MIDDLEWARE`, behind those of Django for sessions and users."""

from oidc_login.middleware.login_required import LoginRequiredMiddleware
from oidc_login.middleware.logout import SessionLogout
from oidc_login.middleware.refresh import SessionRefresh

__all__ = ["LoginRequiredMiddleware", "SessionLogout", "SessionRefresh"]
