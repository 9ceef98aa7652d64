"""The official MCP client in a process of its own: calls the tool at a URL, and signs in where it is asked to.

Run as a script with the folder of `mcp` on the path: URL, subject of the person, client ID, client secret.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

httpx2 = import_module("httpx2")
auth = import_module("mcp.client.auth")
shared = import_module("mcp.shared.auth")
REDIRECT_URI = "http://localhost:1/callback"


class Storage:
    """A client that is registered already, and has no tokens yet."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self.tokens: Any = None
        self.client = shared.OAuthClientInformationFull(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=[REDIRECT_URI],
            token_endpoint_auth_method="client_secret_post",
        )

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client: Any) -> None:
        self.client = client


async def main(url: str, subject: str, client_id: str, client_secret: str) -> None:
    answers: list[dict[str, list[str]]] = []

    async def sign_in(authorization_url: str) -> None:
        address, _, query = authorization_url.partition("?")
        form = {name: values[0] for name, values in parse_qs(query).items()}
        async with httpx2.AsyncClient() as browser:
            response = await browser.post(address, data={**form, "chosen_user": subject})
        answers.append(parse_qs(urlsplit(response.headers["location"]).query))

    async def called_back() -> Any:
        (answer,) = answers
        return shared.AuthorizationCodeResult(**{name: answer[name][0] for name in ("code", "state", "iss")})

    metadata = shared.OAuthClientMetadata(redirect_uris=[REDIRECT_URI], token_endpoint_auth_method="client_secret_post")
    provider = auth.OAuthClientProvider(url, metadata, Storage(client_id, client_secret), sign_in, called_back)
    client_class = import_module("mcp.client.client").Client
    transport = import_module("mcp.client.streamable_http").streamable_http_client
    async with (
        httpx2.AsyncClient(auth=provider) as http,
        client_class(transport(url, http_client=http), mode="legacy") as client,
    ):
        result = await client.call_tool("whoami", {})
    print(result.content[0].text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
