"""What is run from a shell: `manage.py oidc_login_...`."""
