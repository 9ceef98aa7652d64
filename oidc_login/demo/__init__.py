"""A site to click through: `python -m oidc_login.demo`.

`settings`, `urls`, `views`, `accounts`, `admin` and `templates` are what a site writes. `people`, `tour`, `rules` and
`stage` are the tour: who meets what, and what goes wrong on purpose. `running` starts it all with two test providers.
"""
