"""Compatibility with mozilla-django-oidc: its settings, hooks, attributes and session states."""
