"""What goes wrong on purpose: the tour makes Example ID fail once, in the next sign-in."""

from __future__ import annotations

from dataclasses import replace

from oidc_login.testing import Answer, OpenIDProvider, UnsignedToken, generate_key


class Stage:
    """The provider behind the tour; `running` sets it, since the program runs one demo."""

    openid: OpenIDProvider

    def reset(self) -> None:
        """Let Example ID answer well again."""
        self.openid.mend()

    def forge_a_token(self) -> None:
        """Let a stranger sign the next ID token, under the name of a key that Example ID published."""
        stranger = generate_key("RSA")

        def forged(token: UnsignedToken) -> UnsignedToken:
            self.openid.mend("id_token")
            return replace(token, key=stranger)

        self.openid.bend("id_token", forged)

    def go_down(self) -> None:
        """Let Example ID hang up instead of answering the next token request."""

        def hang_up(answer: Answer) -> Answer:
            self.openid.mend("token")
            return replace(answer, raw=lambda write: None)

        self.openid.bend("token", hang_up)

    def sign_out_url(self) -> str:
        """Where a person leaves Example ID."""
        return self.openid.url("/end_session")


stage = Stage()
