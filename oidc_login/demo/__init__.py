"""A site to click through: `python -m oidc_login.demo`.

`settings`, `urls`, `views` and `templates` are what a site writes. `people`, `running`, `browser` and `check` start it
together with two test providers, and walk through it.
"""
