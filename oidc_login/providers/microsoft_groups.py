"""The groups of a person at Microsoft Graph (https://learn.microsoft.com/graph/api/user-list-transitivememberof)."""

from __future__ import annotations

import time
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.client import Request, Response, Transport, retry_after, time_budget, time_left
from oidc_login.protocol.userinfo import userinfo_request

GRAPH_URL = "https://graph.microsoft.com"
# The largest page size, and more pages than anybody needs: a person can be in at most 2,048 groups.
PATH = "/v1.0/me/transitiveMemberOf?$count=true&$top=999&$select="
MAX_PAGES = 20
MAX_WAITS = 3
GROUP = "#microsoft.graph.group"


@sensitive_variables()
def read_groups(transport: Transport, graph_url: str, access_token: str, *, names: bool) -> list[str]:
    """Return the object IDs, or the display names, of all groups of the token's owner.

    Raise `ProviderUnavailable` or `ResponseInvalid` if not all of them can be read within the timeout.
    """
    member = "displayName" if names else "id"
    url, groups = f"{graph_url}{PATH}{'id,displayName' if names else 'id'}", []
    with time_budget(transport.timeout):
        for _ in range(MAX_PAGES):
            page = read_page(_answer(transport, url, access_token))
            groups += [group_in(entry, member) for entry in page["value"] if entry.get("@odata.type", GROUP) == GROUP]
            url = page.get("@odata.nextLink", "")
            if not url:
                return groups
            # Only ever send the token to Graph, even if the response links elsewhere.
            if not isinstance(url, str) or not url.startswith(f"{graph_url}/"):
                raise ResponseInvalid("next_link")
    raise ResponseInvalid("too_many_pages")


@sensitive_variables()
def _answer(transport: Transport, url: str, access_token: str) -> Response:
    """Return one page; if Graph asks to retry later, wait and retry within the remaining time.

    https://learn.microsoft.com/graph/throttling
    """
    for _ in range(MAX_WAITS):
        response = transport.send(page_request(url, access_token))
        pause = retry_after(response, time.time())
        if response.status not in (429, 503):
            return response
        if pause is None or pause >= time_left():
            raise ProviderUnavailable("throttled", retry_after=pause)
        time.sleep(pause)
    raise ProviderUnavailable("throttled")


@sensitive_variables()
def page_request(url: str, access_token: str) -> Request:
    """Return the request for one page.

    `$count` requires the header: https://learn.microsoft.com/graph/aad-advanced-queries
    """
    return userinfo_request(url, access_token, headers={"ConsistencyLevel": "eventual"})


def read_page(response: Response) -> dict[str, Any]:
    """Return a page of objects, or raise `ResponseInvalid`."""
    if response.status >= 500:
        raise ProviderUnavailable("status")
    if response.status != 200:
        raise ResponseInvalid(f"status_{response.status}")
    page = response.json()
    entries = page.get("value") if isinstance(page, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ResponseInvalid("json")
    return dict(page)


def group_in(entry: dict[str, Any], member: str) -> str:
    """Return the ID or the name; Graph sends null for names that the app has no permission to read."""
    value = entry.get(member)
    if not isinstance(value, str) or not value:
        raise ResponseInvalid(member)
    return value
