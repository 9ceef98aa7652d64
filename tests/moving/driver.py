"""Signs people in at a site in a process of its own: `python -m tests.moving.driver METHOD PATH < subs.json`.

The browser is Django's test client, the provider is asked over HTTP, and the answer is the account of each person.
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

import django
import requests
from django.test import Client

from oidc_login.testing.authorize_page import CHOSEN_USER


def sign_in(method: str, path: str, sub: str) -> str:
    """Return the name of the user who is signed in at the end, or what came instead."""
    client = Client(headers={"host": "localhost"})
    begun = client.generic(method, path)
    if begun.status_code != 302:
        return f"begun: {begun.status_code}"
    answer = requests.post(begun["Location"], data={CHOSEN_USER: sub}, allow_redirects=False, timeout=10)
    target = urlsplit(answer.headers["Location"])
    ended = client.get(f"{target.path}?{target.query}")
    key = client.session.get("_auth_user_id")
    if key is None:
        return f"ended: {ended.status_code}"
    from django.contrib.auth import get_user_model

    return str(get_user_model()._default_manager.get(pk=key).get_username())


def main() -> None:
    django.setup()
    method, path = sys.argv[1:]
    print(json.dumps({sub: sign_in(method, path, sub) for sub in json.load(sys.stdin)}))


if __name__ == "__main__":
    main()
