"""A provider's answer that is handed over to its own URL, sealed, by a request that carries the session.

The browser withholds a `SameSite` cookie from a request that another site caused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables

from oidc_login import sealing
from oidc_login.conf import django
from oidc_login.exceptions import ParameterInvalid, ProviderUnknown
from oidc_login.flow.cookies import session_cookie_is_strict
from oidc_login.flow.pending import read_flow_cookie
from oidc_login.registry import get_provider

LIFETIME = 120  # seconds that a handover may take
MAX_BYTES = 8192  # Django refuses a redirect above 16 kB, and servers in front of it a shorter one

Parameters = list[tuple[str, str]]


def answer_parameters(data: QueryDict) -> Parameters:
    """Return the parameters of an answer as they were sent, with every repetition."""
    return [(name, value) for name, values in data.lists() for value in values]


def needs_handover(request: HttpRequest, state: str) -> bool:
    """Whether an answer came without the session in which its flow began. The flow is not taken yet."""
    if not session_cookie_is_strict() or django.SESSION_COOKIE_NAME in request.COOKIES:
        return False
    flow = read_flow_cookie(request, state)
    return flow is not None and (flow.had_session or flow.purpose != "login")


@sensitive_variables()
def handover_url(request: HttpRequest, provider_key: str, parameters: Parameters) -> str:
    """Return this very URL with the sealed answer."""
    known = parameters_for_url(parameters, answer_names(provider_key))
    return f"{request.path}?{urlencode({'answer': seal_answer(known, provider_key)})}"


def answer_names(provider_key: str) -> Sequence[str]:
    """Return the parameters of the provider's answers; for an unknown provider the state, so that the flow ends."""
    with suppress(ProviderUnknown):
        return get_provider(provider_key).response_parameters
    return ("state",)


def parameters_for_url(parameters: Parameters, names: Sequence[str]) -> Parameters:
    """Return the named parameters; if they are too long for a URL only the state, so that the flow ends."""
    known = [(name, value) for name, value in parameters if name in names]
    return known if len(json.dumps(known)) <= MAX_BYTES else [pair for pair in known if pair[0] == "state"]


@sensitive_variables()
def seal_answer(parameters: Parameters, provider_key: str) -> str:
    answer = [int(time.time()), parameters]
    return sealing.seal_json(answer, purpose="answer", bound_to=provider_key.encode(), secrets=sealing.flow_keys())


@sensitive_variables()
def unseal_answer(answer: str, provider_key: str) -> Parameters:
    """Return the parameters that were handed over just now, or raise `ParameterInvalid`."""
    try:
        _sealed_at, parameters = sealing.unseal_json(
            answer,
            purpose="answer",
            bound_to=provider_key.encode(),
            secrets=sealing.flow_keys(),
            expires_at=lambda value: float(value[0] + LIFETIME),
        )
    except sealing.SealError as error:
        raise ParameterInvalid("answer") from error
    return [(name, value) for name, value in parameters]
