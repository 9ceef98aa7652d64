"""Which modules lose their rules, which tests have to notice, and what became of a mutant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutants.equivalent import EQUIVALENT

ROOT = Path(__file__).parent.parent.parent
PROTOCOL, LOGIN, HOSTILE = "tests/protocol/test_", "tests/login/test_", "tests/hostile/test_"
LINKING = "tests/linking/test_"
SESSIONS, MOZILLA = "tests/sessions/test_", "tests/mozilla/test_"

# The tests of each module: those that are quick and near first, as the first failure ends the run.
TESTS: dict[str, Sequence[str]] = {
    "protocol/id_token": (f"{PROTOCOL}id_token.py", f"{PROTOCOL}refreshed_id_token.py", f"{HOSTILE}id_token.py"),
    "protocol/authorization": (
        f"{PROTOCOL}authorization.py",
        f"{LOGIN}callback.py",
        f"{HOSTILE}authorization_answers.py",
        f"{HOSTILE}begin.py",
    ),
    "protocol/logout_token": (f"{PROTOCOL}logout.py", "tests/logout/test_back_channel.py"),
    "protocol/keys": (f"{PROTOCOL}keys.py", f"{HOSTILE}keys.py"),
    "protocol/userinfo": (f"{PROTOCOL}userinfo.py", f"{HOSTILE}userinfo.py"),
    "protocol/oauth1": (f"{PROTOCOL}oauth1.py", f"{LOGIN}oauth1.py", f"{LOGIN}oauth1_checks.py"),
    "protocol/oauth1_signature": (f"{PROTOCOL}oauth1.py", f"{LOGIN}oauth1.py", f"{LOGIN}oauth1_checks.py"),
    "protocol/http/oauth1_session": ("tests/tokens/test_oauth1_sessions.py",),
    "providers/oauth1": (
        f"{LOGIN}oauth1.py",
        "tests/providers/test_oauth1_shapes.py",
        "tests/tokens/test_oauth1_sessions.py",
        f"{LOGIN}oauth1_checks.py",
    ),
    "flow/cookies": (f"{LOGIN}cookies.py", f"{LOGIN}flow.py", f"{LOGIN}theming.py"),
    "signin/admission": ("tests/gate/test_standing.py", "tests/gate/test_gate.py", f"{LINKING}reasons.py"),
    "signin/linking": (
        f"{HOSTILE}decisions.py",
        f"{LOGIN}linking.py",
        f"{LOGIN}connect.py",
        f"{LOGIN}backend_hooks.py",
        f"{LOGIN}step_up.py",
        f"{LINKING}confirm_link.py",
        f"{LINKING}reasons.py",
        f"{LINKING}allauth.py",
        f"{HOSTILE}claims.py",
    ),
    "signin/decide": (f"{LOGIN}linking.py", f"{LOGIN}connect.py", f"{LOGIN}backend_hooks.py", f"{LOGIN}step_up.py"),
    "protocol/access_token": (f"{PROTOCOL}access_token.py", "tests/drf/test_bearer.py"),
    "protocol/tokens": (f"{PROTOCOL}tokens.py", f"{PROTOCOL}pushed.py", f"{HOSTILE}token_answers.py"),
    "protocol/pushed": (f"{PROTOCOL}pushed.py", f"{LOGIN}pushed.py"),
    "protocol/metadata": (f"{PROTOCOL}metadata.py", f"{PROTOCOL}discovery_fixtures.py", f"{HOSTILE}discovery.py"),
    "protocol/jose": (f"{PROTOCOL}jose.py", f"{PROTOCOL}id_token.py", f"{PROTOCOL}keys.py", f"{HOSTILE}id_token.py"),
    "protocol/private_key": (f"{PROTOCOL}jose.py", f"{PROTOCOL}client_auth.py", f"{HOSTILE}id_token.py"),
    "protocol/issuer": (f"{HOSTILE}keys.py", f"{HOSTILE}discovery.py", "tests/logout/test_back_channel.py"),
    "protocol/client_auth": (
        f"{PROTOCOL}client_auth.py",
        f"{HOSTILE}token_answers.py",
        f"{HOSTILE}discovery.py",
        "tests/providers/test_oauth2.py",
    ),
    "middleware/refresh": (f"{SESSIONS}silently.py", f"{SESSIONS}by_refresh_token.py"),
    "middleware/requests": (f"{SESSIONS}silently.py", f"{SESSIONS}by_refresh_token.py"),
    "sessions/renewal": (f"{SESSIONS}silently.py", f"{SESSIONS}by_refresh_token.py"),
    "sessions/schedule": (f"{SESSIONS}silently.py", f"{SESSIONS}by_refresh_token.py", f"{SESSIONS}async.py"),
    "mozilla/states": (f"{MOZILLA}upstream_middleware.py",),
    "mozilla/entry": (f"{MOZILLA}settings.py", f"{MOZILLA}documented_site.py", f"{MOZILLA}checks.py"),
    "mozilla/hooks": (f"{MOZILLA}every_hook.py", f"{MOZILLA}settings.py"),
    "mozilla/provider": (f"{MOZILLA}issuer.py", f"{MOZILLA}settings.py", f"{MOZILLA}checks.py"),
    "protocol/documents": (f"{PROTOCOL}discovery.py", f"{HOSTILE}discovery.py", f"{HOSTILE}keys.py"),
}
STRICT = (
    "protocol/id_token",
    "protocol/access_token",
    "protocol/authorization",
    "protocol/logout_token",
    "protocol/keys",
    "protocol/userinfo",
    "protocol/jose",
    "protocol/private_key",
    "protocol/tokens",
    "protocol/metadata",
    "protocol/pushed",
    "flow/cookies",
    "signin/admission",
    "signin/linking",
)


class Outcome(NamedTuple):
    """What became of one mutant."""

    module: str
    what: str
    line: int
    noticed_by: str
    seconds: float

    @property
    def reason(self) -> str:
        """Why a mutant may survive."""
        return EQUIVALENT.get((self.module, self.what), "")

    @property
    def survived(self) -> bool:
        return not self.noticed_by and not self.reason


def source_of(module: str) -> Path:
    return ROOT / "oidc_login" / f"{module}.py"


def line_of(outcome: Outcome, number: int, total: int) -> str:
    """Return the line of progress for one mutant."""
    what = f"{outcome.module}.py:{outcome.line} {outcome.what}"
    if outcome.noticed_by:
        end = f"noticed by {outcome.noticed_by}"
    else:
        end = f"equivalent: {outcome.reason}" if outcome.reason else "SURVIVED"
    return f"[{number}/{total}] {what}: {end} ({outcome.seconds:.1f} s)"
