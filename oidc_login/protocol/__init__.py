"""The standards without Django: OAuth 2.0, OpenID Connect Core and Discovery, JOSE.

Pure functions over frozen values build requests and judge responses; only `http` talks to the network.
"""
