"""The OpenID provider's logout notifications (Back-Channel and Front-Channel Logout 1.0)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

from oidc_login.testing.signing import UnsignedToken

if TYPE_CHECKING:
    from oidc_login.testing.authorization_endpoint import Session
    from oidc_login.testing.openid import OpenIDProvider

logger = logging.getLogger(__name__)

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120  # seconds
TIMEOUT = 10  # seconds


class LogoutNotices:
    """Posts logout tokens to the client, and builds the frames of a logout page."""

    def __init__(self, provider: OpenIDProvider) -> None:
        self.provider = provider

    def token(self, *, sub: str = "", sid: str = "") -> Any:
        """A signed logout token for one session, or for all sessions of a person (Back-Channel Logout 2.4)."""
        now = int(self.provider.now())
        claims: dict[str, Any] = {
            "iss": self.provider.issuer,
            "aud": self.provider.client_id,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": secrets.token_urlsafe(16),
            "events": {EVENT: {}},
        }
        claims |= {name: value for name, value in (("sub", sub), ("sid", sid)) if value}
        unsigned = self.provider.unsigned_token(claims)
        unsigned.header["typ"] = "logout+jwt"
        token = self.provider.bent("logout_token", unsigned)
        return token.signed() if isinstance(token, UnsignedToken) else token

    def send(self, ended: Iterable[Session]) -> None:
        """Post a logout token for each session, or one per person if all of their sessions ended."""
        if not self.provider.backchannel_logout_uri:
            return
        if self.provider.logout_everywhere:
            tokens = [self.token(sub=sub) for sub in dict.fromkeys(session.sub for session in ended)]
        else:
            tokens = [self.token(sub=session.sub, sid=session.sid) for session in ended]
        for token in tokens:
            self.post(token)

    def post(self, token: Any) -> int:
        """Post a logout token (2.5) and return the status of the response, or 0 without a response."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(
                    self.provider.backchannel_logout_uri,
                    data={"logout_token": token},
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                logger.warning("logout token not delivered: error=%s", type(error).__name__)
                return 0
        return answer.status_code

    def frames(self, ended: Iterable[Session]) -> list[str]:
        """The URLs to load in frames (Front-Channel Logout 2)."""
        uri = self.provider.frontchannel_logout_uri
        if not uri:
            return []
        named = [{"iss": self.provider.issuer, "sid": session.sid} for session in ended]
        return [f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}" for parameters in named]
