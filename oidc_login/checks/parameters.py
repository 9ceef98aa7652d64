"""The checks of extra parameters for the authorization request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import dictionary
from oidc_login.protocol.authorization import FLOW_PARAMETERS

# The response is checked against these, so they have their own arguments.
ARGUMENT_PARAMETERS = ("scope", "response_mode", "max_age")

PARAMETER_RESERVED = Report(
    "E016",
    "{subject} sets {name!r}, {reason}.",
    "Remove {name!r} from authorization_params{instead}.",
)


def authorization_params(value: Any) -> Iterator[Problem]:
    """Extra parameters do not replace anything that the flow depends on (RFC 9700 4.7)."""
    yield from dictionary(value)
    for name in value if isinstance(value, Mapping) else ():
        if name in FLOW_PARAMETERS:
            yield PARAMETER_RESERVED.problem(name=name, reason="which the package sets for each sign-in", instead="")
        if name in ARGUMENT_PARAMETERS:
            reason = f"which has its own argument {name}"
            yield PARAMETER_RESERVED.problem(name=name, reason=reason, instead=f" and write {name!r} into the entry")
