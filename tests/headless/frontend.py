"""A front end for tests: JSON requests with the cookies and headers that a browser would send."""

from __future__ import annotations

import json
from typing import Any

from tests.headless.conformance import check_answer
from tests.support.browser import Browser

ORIGIN = "https://app.example.com"
API = "/api/auth/"


class FrontEnd:
    """The page of a single-page application at `origin`, in the browser of one person."""

    def __init__(self, *, origin: str = ORIGIN) -> None:
        self.browser = Browser(https=True)
        self.origin = origin

    def get(self, path: str, **headers: str) -> Any:
        return self._send("GET", path, None, headers)

    def post(self, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        return self._send("POST", path, {} if body is None else body, self._with_token(token, headers))

    def delete(self, path: str, *, token: str | None = None, **headers: str) -> Any:
        return self._send("DELETE", path, None, self._with_token(token, headers))

    def csrf_token(self) -> str:
        return str(self.get("session/").json()["csrf_token"])

    def sign_in(self, op: Any, user: str | None = "alice", **body: Any) -> Any:
        """Begin as a front end does, go to the provider, and return the answer of the callback."""
        return self.end(op, self.post("op/begin/", body), user)

    def end(self, op: Any, begun: Any, user: str | None = "alice") -> Any:
        assert begun.status_code == 200, begun.content
        return self.browser.end(op.authorization_answer(begun.json()["authorization_url"], user))

    def _with_token(self, token: str | None, headers: dict[str, str]) -> dict[str, str]:
        return {"X-CSRFToken": self.csrf_token() if token is None else token, **headers}

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        sent = {"Origin": self.origin, "Sec-Fetch-Dest": "empty", **headers}
        if body is None:
            response = self.browser.request(method, API + path, headers=sent)
        else:
            text = json.dumps(body)
            response = self.browser.request(method, API + path, text, headers=sent, content_type="application/json")
        if path != "openapi.json":
            check_answer(method, API + path, response)
        return response


def problem(response: Any) -> tuple[int, str]:
    """Return status and code of a problem document (RFC 9457)."""
    assert response["Content-Type"] == "application/problem+json", response.content
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"] and document["detail"]
    return response.status_code, document["code"]
