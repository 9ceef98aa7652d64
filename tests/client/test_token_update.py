"""The signal `token_update`: whoever listens hears, whatever arguments they have."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.client.tokens import TokenUpdate

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(params=[False, True], ids=["", "DEBUG"])
def signal(request: pytest.FixtureRequest, settings: Settings) -> TokenUpdate:
    settings.DEBUG = request.param
    return TokenUpdate()


def send(signal: TokenUpdate) -> list[Any]:
    sent = {"name": "company", "token": {"access_token": "new"}, "refresh_token": "old", "access_token": None}
    return [answer for _, answer in signal.send(sender=str, **sent)]


def with_everything(**named: Any) -> set[str]:
    return set(named)


def with_names(
    sender: object, name: str, token: Any, refresh_token: Any = None, access_token: Any = None
) -> tuple[Any, ...]:
    return (sender, name, token["access_token"], refresh_token, access_token)


def of_the_first_documentation(sender: object, token: Any, refresh_token: Any = None, access_token: Any = None) -> str:
    return str(token["access_token"])


def with_nothing() -> str:
    return "heard"


EVERYTHING = {"signal", "sender", "name", "token", "refresh_token", "access_token"}
RECEIVERS: list[tuple[Callable[..., Any], Any]] = [
    (with_everything, EVERYTHING),
    (with_names, (str, "company", "new", "old", None)),
    (of_the_first_documentation, "new"),
    (with_nothing, "heard"),
]


@pytest.mark.parametrize(("receiver", "heard"), RECEIVERS, ids=[row[0].__name__ for row in RECEIVERS])
def test_receiver(signal: TokenUpdate, receiver: Callable[..., Any], heard: Any) -> None:
    signal.connect(receiver)
    signal.connect(receiver)

    assert send(signal) == [heard]

    assert signal.disconnect(receiver)
    assert send(signal) == []


class Listener:
    def __init__(self) -> None:
        self.heard = 0

    def hear(self, token: Any) -> None:
        self.heard += 1


def test_method(signal: TokenUpdate) -> None:
    listener = Listener()
    signal.connect(listener.hear)
    send(signal)

    assert listener.heard == 1
    assert signal.disconnect(listener.hear)


def test_receiver_that_nobody_else_holds(signal: TokenUpdate) -> None:
    signal.connect(lambda token: "heard")
    gc.collect()

    assert send(signal) == ["heard"]


def test_receiver_that_is_gone() -> None:
    """As with any signal of Django's."""
    signal = TokenUpdate()
    signal.connect(lambda **named: "heard")
    gc.collect()

    assert send(signal) == []


def test_receiver_of_another_sender(signal: TokenUpdate) -> None:
    signal.connect(with_nothing, sender=int)
    assert send(signal) == []

    signal.connect(with_nothing, sender=str)
    assert send(signal) == ["heard"]


def test_receiver_with_a_name_of_its_own(signal: TokenUpdate) -> None:
    signal.connect(with_nothing, dispatch_uid="once")
    signal.connect(with_names, dispatch_uid="once")

    assert send(signal) == ["heard"]
    assert signal.disconnect(dispatch_uid="once")


def test_asynchronous_receiver(signal: TokenUpdate) -> None:
    async def hear(token: Any) -> str:
        await asyncio.sleep(0)
        return str(token["access_token"])

    signal.connect(hear)

    assert send(signal) == ["new"]
