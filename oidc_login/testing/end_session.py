"""The end-session endpoint of the OpenID provider (RP-Initiated Logout 1.0), and its logout notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.authorize_page import (
    AuthorizationRefused,
    confirm_page,
    error_page,
    frames_page,
    message_page,
    parameters_of_url,
    single,
)
from oidc_login.testing.signing import KEY_TYPE_OF_ALG

if TYPE_CHECKING:
    from oidc_login.testing.authorization_endpoint import Session
    from oidc_login.testing.openid import OpenIDProvider

_CONFIRMED = "confirmed"


class EndSessionEndpoint:
    """Ends the session at once with a valid `id_token_hint`, otherwise after a confirmation page."""

    def __init__(self, provider: OpenIDProvider) -> None:
        self.provider = provider

    def without_browser(self, url: str) -> str:
        """Go from the logout URL to the final redirect in one step."""
        parameters = single(parameters_of_url(url))
        hint = self._verified_hint(parameters)
        target = self._target(parameters, hint)
        self.end(hint.get("sid", ""))
        return self._bent(target)

    def answer(self, request: ProviderRequest) -> Answer:
        try:
            parameters = single(request.query_pairs + (request.form_pairs if request.method == "POST" else []))
            hint = self._verified_hint(parameters)
            if not hint and _CONFIRMED not in parameters:
                return Answer.of_page(_question(request, self.provider.name))
            target = self._target(parameters, hint)
            ended = self.end(hint.get("sid", ""), self.provider.cookie_of(request))
            frames = self.provider.logout_notices.frames(ended)
            target = self._bent(target)
            return Answer.of_page(frames_page(frames, target)) if frames else Answer.redirect(target)
        except AuthorizationRefused as refused:
            return Answer.of_page(error_page(refused.error, refused.description), status=400)

    def signed_out(self, request: ProviderRequest) -> Answer:
        return Answer.of_page(message_page("Signed out", f"You are signed out of {self.provider.name}."))

    def end(self, *sids: str) -> list[Session]:
        """End these sessions, or all sessions of these people, and notify the client."""
        sessions = self.provider.sessions
        people = {sessions[sid].sub for sid in sids if sid in sessions} if self.provider.logout_everywhere else set()
        ended = [session for session in sessions.values() if session.sid in sids or session.sub in people]
        for session in ended:
            sessions.pop(session.sid, None)
        self.provider.logout_notices.send(ended)
        return ended

    def _bent(self, target: str) -> str:
        bent: str = self.provider.bent("end_session", target)
        return bent

    def _verified_hint(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The claims of an ID token that this provider signed for this client; it may have expired."""
        if "id_token_hint" not in parameters:
            return {}
        for key in self.provider.published_keys:
            algs = [alg for alg, key_type in KEY_TYPE_OF_ALG.items() if key_type == key.key_type]
            try:
                claims = jwt.decode(
                    parameters["id_token_hint"],
                    key.private_key.public_key(),
                    algorithms=algs,
                    audience=self.provider.client_id,
                    issuer=self.provider.issuer,
                    options={"verify_exp": False, "verify_iat": False},
                )
            except jwt.PyJWTError:
                continue
            return dict(claims)
        raise AuthorizationRefused("invalid_request", "id_token_hint is not of this provider and client")

    def _target(self, parameters: Mapping[str, str], hint: Mapping[str, Any]) -> str:
        target = parameters.get("post_logout_redirect_uri", "")
        if not target:
            return self.provider.url("/signed_out")
        if not hint and parameters.get("client_id") != self.provider.client_id:
            raise AuthorizationRefused("invalid_request", "neither id_token_hint nor client_id says who asks")
        registered = self.provider.post_logout_redirect_uris
        if registered is not None and target not in registered:
            raise AuthorizationRefused("invalid_request", "post_logout_redirect_uri is not registered")
        if "state" not in parameters:
            return target
        return f"{target}{'&' if '?' in target else '?'}{urlencode({'state': parameters['state']})}"


def _question(request: ProviderRequest, name: str) -> str:
    posted = request.form if request.method == "POST" else {}
    return confirm_page(f"Sign out of {name}?", parameters={**posted, _CONFIRMED: "1"}, button="Sign out")
