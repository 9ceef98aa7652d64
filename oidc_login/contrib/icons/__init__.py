"""Logos of well-known services for buttons: templates that `{% provider_icon %}` finds. See docs/theming.md."""
