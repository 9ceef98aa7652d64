"""What `manage.py oidc_login_add` knows and writes: the providers with their facts, and the files of a site.

`facts/` has one file for each provider. The page of providers is made from the same files.
"""
