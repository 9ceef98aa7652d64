"""The authorization endpoint of providers where people pick who they are each time; nobody stays signed in there."""

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
    """A provider says what it makes of an authorization request, and what follows from somebody's choice."""

    title: str
    client_id: str
    users: Users

    @property
    def authorization_endpoint(self) -> str:
        raise NotImplementedError

    def checked(self, pairs: list[tuple[str, str]]) -> Any:
        """What the request asks for, or `AuthorizationRefused`."""
        raise NotImplementedError

    def decided(self, asked: Any, person: User | None) -> AuthorizationAnswer:
        """The answer for the person who said yes, or for nobody."""
        raise NotImplementedError

    def scopes(self, asked: Any) -> list[str]:
        """The scopes that the page names."""
        return []

    def authorize(self, url: str, user: str | None = "alice") -> str:
        """What a person does at the provider, without a browser: from the authorization URL to the callback URL.

        `user=None` cancels. An authorization request that this provider does not accept raises `AuthorizationRefused`.
        """
        return self.authorization_answer(url, user).url

    def authorization_answer(self, url: str, user: str | None = "alice") -> AuthorizationAnswer:
        """The same as `authorize` with its parts apart."""
        if url.partition("?")[0] != self.authorization_endpoint:
            raise AuthorizationRefused("invalid_request", "this is not the provider's authorization endpoint")
        asked = self.checked(parameters_of_url(url))
        return self.decided(asked, None if user is None else self.users.find(user))

    def answer_authorize(self, request: ProviderRequest) -> Answer:
        """The page with everybody on it, and what follows from its buttons."""
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
