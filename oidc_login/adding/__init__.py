"""The data and files of `manage.py oidc_login_add`: facts about providers, settings and environment files.

`facts/` has one file per provider. The documentation page about providers is generated from the same files.
"""
