"""The pages of a test provider: a page to choose a person, and the redirect to the site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qsl, urlencode

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.users import User

# The names of the page's own buttons; all other form fields belong to the authorization request.
CHOSEN_USER = "chosen_user"
CANCEL = "cancel"
PUSHED_LIFETIME = 60  # seconds


class AuthorizationRefused(Exception):
    """The authorization request is invalid, so the provider shows an error instead of redirecting."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(slots=True, kw_only=True)
class AuthorizationAnswer:
    """The authorization response on its way through the browser, as `bend("authorize", ...)` gets it.

    `parameters` are pairs, so that a name can occur twice.
    """

    redirect_uri: str
    parameters: list[tuple[str, str]] = field(default_factory=list, repr=False)
    response_mode: str = "query"

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self.parameters if key == name)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.parameters)

    def with_(self, **parameters: str) -> AuthorizationAnswer:
        """Replace the parameters with these names."""
        kept = [(name, value) for name, value in self.parameters if name not in parameters]
        return self._with_parameters([*kept, *parameters.items()])

    def without(self, *names: str) -> AuthorizationAnswer:
        return self._with_parameters([(name, value) for name, value in self.parameters if name not in names])

    def and_also(self, name: str, value: str) -> AuthorizationAnswer:
        """Append a parameter, even if its name already exists."""
        return self._with_parameters([*self.parameters, (name, value)])

    def _with_parameters(self, parameters: list[tuple[str, str]]) -> AuthorizationAnswer:
        return AuthorizationAnswer(
            redirect_uri=self.redirect_uri, parameters=parameters, response_mode=self.response_mode
        )

    @property
    def url(self) -> str:
        """The redirect URL in `query` mode (RFC 6749 4.1.2); the query of redirect_uri is kept."""
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode(self.parameters)}"

    def as_http(self) -> Answer:
        """A redirect, or in `form_post` mode a page that submits itself (OAuth 2.0 Form Post Response Mode 2)."""
        if self.response_mode == "form_post":
            return Answer.of_page(form_post_page(self))
        return Answer.redirect(self.url)


def parameters_of(request: ProviderRequest) -> list[tuple[str, str]]:
    """The parameters of an authorization request by GET or POST (OpenID Connect Core 3.1.2.1)."""
    posted = request.form_pairs if request.method == "POST" else []
    return [pair for pair in [*request.query_pairs, *posted] if pair[0] not in (CHOSEN_USER, CANCEL)]


def parameters_of_url(url: str) -> list[tuple[str, str]]:
    return parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True)


def single(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; a repeated one is an error (RFC 6749 3.1), and an empty one is absent."""
    found: dict[str, str] = {}
    for name, value in parameters:
        if name in found:
            raise AuthorizationRefused("invalid_request", f"{name} is there twice")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def picker_page(
    *, title: str, client_id: str, scopes: Iterable[str], users: Iterable[User], parameters: list[tuple[str, str]]
) -> str:
    """A page with a button for each person and one to cancel; works without JavaScript."""
    # The request stays in the query of the action; the body only contains the choice.
    action = escape(f"?{urlencode(parameters)}")
    buttons = "".join(_user_button(user) for user in users)
    asked = escape(", ".join(scopes)) or "nothing"
    return _page(
        title,
        f"<p><strong>{escape(client_id)}</strong> asks who you are, and for: {asked}.</p>\n"
        f'<form method="post" action="{action}">\n{buttons}'
        f'<button class="quiet" name="{CANCEL}" value="1">Cancel</button>\n</form>',
    )


def _user_button(user: User) -> str:
    verified = "verified" if user.email_verified else "not verified"
    address = f"{user.email} ({verified})" if user.email else "no email address"
    return (
        f'<button name="{CHOSEN_USER}" value="{escape(user.sub)}">Continue as {escape(user.name or user.username)}'
        f"<small>{escape(address)}</small></button>\n"
    )


def error_page(error: str, description: str) -> str:
    return _page("This request cannot be answered", f"<p>{escape(description)}</p><p><code>{escape(error)}</code></p>")


def message_page(title: str, text: str) -> str:
    return _page(title, f"<p>{escape(text)}</p>")


def frames_page(urls: Iterable[str], target: str) -> str:
    """A page that signs out at other sites in frames, and continues when they have had time to load."""
    frames = "".join(f'<iframe src="{escape(url)}" title="Signing out"></iframe>\n' for url in urls)
    going_on = f'<meta http-equiv="refresh" content="2;url={escape(target)}">'
    return _page("Signing out", f'{going_on}\n{frames}<p><a href="{escape(target)}">Continue</a></p>')


def confirm_page(title: str, *, parameters: Mapping[str, str], button: str) -> str:
    """A question with one button that posts to the page's URL."""
    inputs = _inputs(parameters.items())
    return _page(title, f'<form method="post">\n{inputs}<button>{escape(button)}</button>\n</form>')


def form_post_page(answer: AuthorizationAnswer) -> str:
    return _page(
        "Back to the site",
        f'<form method="post" action="{escape(answer.redirect_uri)}">\n{_inputs(answer.parameters)}'
        "<noscript><p>Your browser does not run scripts.</p><button>Continue</button></noscript>\n</form>\n"
        "<script>document.forms[0].submit()</script>",
    )


def _inputs(parameters: Iterable[tuple[str, str]]) -> str:
    def hidden() -> Iterator[str]:
        for name, value in parameters:
            yield f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'

    return "".join(hidden())


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{content}
</main>
</body>
</html>
"""


_STYLE = """
:root { color-scheme: light dark; --line: #7d8796; --accent: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --accent: #8ab4ff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 26rem; margin: 8vh auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; }
form { display: grid; gap: .6rem; }
button { padding: .7rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: transparent;
  color: inherit; font: inherit; text-align: left; cursor: pointer; }
button:hover { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button small { display: block; }
button.quiet { border-color: transparent; text-align: center; text-decoration: underline; }
"""
