"""The authorization endpoint of providers without sessions, where people choose who they are each time."""

from __future__ import annotations

from typing import Any

from oidc_login.testing.application import Answer, ProviderApplication, ProviderRequest
from oidc_login.testing.authorize_page import (
    CANCEL,
    CHOSEN_USER,
    AuthorizationAnswer,
    AuthorizationRefused,
    error_page,
    parameters_of,
    parameters_of_url,
    picker_page,
)
from oidc_login.testing.users import User, Users


class PickingProvider(ProviderApplication):
    """A provider checks the authorization request, and decides what follows from the person's choice."""

    title: str
    client_id: str
    users: Users

    @property
    def authorization_endpoint(self) -> str:
        raise NotImplementedError

    def checked(self, pairs: list[tuple[str, str]]) -> Any:
        """Return the request's parameters, or raise `AuthorizationRefused`."""
        raise NotImplementedError

    def decided(self, asked: Any, person: User | None) -> AuthorizationAnswer:
        """Return the response for the person who agreed, or for `None`."""
        raise NotImplementedError

    def scopes(self, asked: Any) -> list[str]:
        """The scopes on the page."""
        return []

    def authorize(self, url: str, user: str | None = "alice") -> str:
        """Act as a person at the provider, without a browser: go from the authorization URL to the callback URL.

        `user=None` cancels. Raise `AuthorizationRefused` if the provider rejects the authorization request.
        """
        return self.authorization_answer(url, user).url

    def authorization_answer(self, url: str, user: str | None = "alice") -> AuthorizationAnswer:
        """Like `authorize`, but return the response itself."""
        if url.partition("?")[0] != self.authorization_endpoint:
            raise AuthorizationRefused("invalid_request", "this is not the provider's authorization endpoint")
        asked = self.checked(parameters_of_url(url))
        return self.decided(asked, None if user is None else self.users.find(user))

    def answer_authorize(self, request: ProviderRequest) -> Answer:
        """Show the page with all people, and handle its buttons."""
        pairs = parameters_of(request)
        try:
            asked = self.checked(pairs)
        except AuthorizationRefused as refused:
            return Answer.of_page(error_page(refused.error, refused.description), status=400)
        choice = request.form if request.method == "POST" else {}
        person = self.users.by_sub(choice.get(CHOSEN_USER, ""))
        if person is not None or CANCEL in choice:
            return self.decided(asked, person).as_http()
        page = picker_page(
            title=self.title,
            client_id=self.client_id,
            scopes=self.scopes(asked),
            users=self.users,
            parameters=pairs,
        )
        return Answer.of_page(page)
