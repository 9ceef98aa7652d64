"""The standards, without Django: OAuth 2.0, OpenID Connect Core and Discovery, JOSE.

Building a request and judging an answer are pure functions over frozen values; `transport` alone
talks to the network.
"""
