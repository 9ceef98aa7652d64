"""The management commands `oidc_login_...`."""
