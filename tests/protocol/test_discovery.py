"""Documents that are fetched when due and kept while the provider is down (Discovery 4, Core 10.1.1)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from oidc_login.protocol.documents import (
    DEFAULT_AGE,
    MAX_AGE,
    MAX_DOCUMENT,
    MIN_AGE,
    NEWER_WAIT,
    RETRY_INTERVAL,
    CachedDocument,
    Store,
    age_of,
)
from oidc_login.protocol.errors import MetadataInvalid, ProtocolError, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.bounds import CircuitBreaker
from oidc_login.protocol.http.client import Response, Transport
from oidc_login.protocol.keys import COOL_DOWN, EMPTY_COOL_DOWN, KeySet
from oidc_login.protocol.metadata import ProviderMetadata
from oidc_login.testing import Answer, OpenIDProvider, serve
from tests.support.signing import ids, jwk, key

NOW = 1_800_000_000.0


class Shared:
    """A store that two processes could share; like Django's cache it may hold anything."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any, timeout: int) -> None:
        self.values[key] = value


def a_transport() -> Transport:
    return Transport(timeout=5, breaker=CircuitBreaker())


def keys_of(op: OpenIDProvider, store: Store | None = None) -> CachedDocument[KeySet]:
    """The provider's key set as one process holds it."""
    return CachedDocument(
        op.url("/jwks"), parse=KeySet.from_json, transport=a_transport(), store=store, cool_down=KeySet.cool_down
    )


def kids(keys: KeySet) -> list[str | None]:
    return [entry.kid for entry in keys.keys]


def published(op: OpenIDProvider) -> list[str]:
    return [entry.kid for entry in op.published_keys]


def fail(_good: Answer) -> Answer:
    return Answer(status=503, headers={"Retry-After": "7"}, body=b"")


@pytest.fixture
def op() -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider(max_age=600)
    with serve(provider):
        yield provider


# Age (RFC 9111 5.2.2)

AGES: list[tuple[str, str, int]] = [
    ("nothing said", "", DEFAULT_AGE),
    ("within the bounds", "public, max-age=7200", 7200),
    ("quoted", 'max-age="7200"', 7200),
    ("other case", "Public, Max-Age=7200", 7200),
    ("too short", "max-age=1", MIN_AGE),
    ("zero", "max-age=0", MIN_AGE),
    ("too long", "max-age=31536000, immutable", MAX_AGE),
    ("endless", "max-age=" + "9" * 400, MAX_AGE),
    ("negative", "max-age=-1", DEFAULT_AGE),
    ("a word", "max-age=long", DEFAULT_AGE),
    ("not to be stored", "no-store, max-age=7200", MIN_AGE),
    ("to be asked again", "no-cache", MIN_AGE),
    ("for others", "private", DEFAULT_AGE),
]


@pytest.mark.parametrize(("header", "seconds"), [row[1:] for row in AGES], ids=ids(AGES))
def test_the_age_is_what_the_provider_says_within_bounds(header: str, seconds: int) -> None:
    headers = {"cache-control": header} if header else {}
    assert age_of(Response(status=200, content_type="", headers=headers, body=b"")) == seconds
    assert 5 * 60 <= seconds <= 24 * 3600


def test_a_document_is_fetched_once_for_its_age(op: OpenIDProvider) -> None:
    document = keys_of(op)
    first = document.get(now=NOW)
    assert document.get(now=NOW + 599) is first
    assert op.asked() == ["jwks"]
    assert document.get(now=NOW + 600) is not first
    assert op.asked() == ["jwks", "jwks"]


def test_a_withdrawn_key_is_distrusted_after_the_age(op: OpenIDProvider) -> None:
    document = keys_of(op)
    old = kids(document.get(now=NOW))
    op.rotate_keys(keep_old=False)
    assert kids(document.get(now=NOW + 599)) == old
    assert kids(document.get(now=NOW + 600)) == published(op)
    assert not set(old) & set(published(op))


# What is kept


def test_a_copy_past_its_age_is_used_while_the_provider_is_down() -> None:
    op = OpenIDProvider(max_age=600)
    with serve(op):
        document = keys_of(op)
        first = document.get(now=NOW)
    # Nobody listens there any more.
    assert document.get(now=NOW + 600) is first
    assert document.get(now=NOW + 3 * 86_400) is first


def test_while_it_is_down_it_is_asked_once_a_minute(op: OpenIDProvider) -> None:
    document = keys_of(op)
    first = document.get(now=NOW)
    with op.bend("jwks", fail):
        later = NOW + 600
        assert document.get(now=later) is document.get(now=later + RETRY_INTERVAL - 1) is first
        assert len(op.requests) == 2
        assert document.get(now=later + RETRY_INTERVAL) is first
        assert len(op.requests) == 3
    assert document.get(now=later + 2 * RETRY_INTERVAL) is not first
    assert len(op.requests) == 4


BAD: list[tuple[str, Callable[[Answer], Answer]]] = [
    ("503", fail),
    ("429", lambda good: Answer(status=429, body=b"")),
    ("404", lambda good: Answer(status=404, body=good.content())),
    ("204", lambda good: Answer(status=204, body=b"")),
    ("redirect", lambda good: Answer.redirect("https://evil.example/jwks")),
    ("HTML", lambda good: Answer.of_page("<p>Please sign in to the network</p>")),
    ("empty", lambda good: Answer(body=b"")),
    ("cut off", lambda good: Answer(body=good.content()[:-1])),
    ("name twice", lambda good: Answer(body=b'{"keys": [], "keys": []}')),
    ("not UTF-8", lambda good: Answer(body=b'{"keys": [], "x": "\xff"}')),
    ("a list", lambda good: Answer.of_json([])),
    ("no keys member", lambda good: Answer.of_json({})),
    ("101 keys", lambda good: Answer.of_json({"keys": good.json["keys"] * 21})),
    ("over 512 kB", lambda good: Answer.of_json({**good.json, "padding": "x" * MAX_DOCUMENT})),
    ("closed at once", lambda good: Answer(raw=lambda write: write(b""))),
    ("not HTTP", lambda good: Answer(raw=lambda write: write(b"SSH-2.0-\r\n"))),
]


@pytest.mark.parametrize("change", [row[1] for row in BAD], ids=ids(BAD))
def test_a_bad_document_never_replaces_a_good_one(op: OpenIDProvider, change: Callable[[Answer], Answer]) -> None:
    store = Shared()
    document = keys_of(op, store)
    first, stored = document.get(now=NOW), dict(store.values)
    with op.bend("jwks", change):
        assert document.get(now=NOW + 600) is first
        assert document.newer_than(first, now=NOW + 600) is first
    assert store.values == stored
    assert kids(document.get(now=NOW + 600 + RETRY_INTERVAL)) == published(op)


@pytest.mark.parametrize("change", [row[1] for row in BAD], ids=ids(BAD))
def test_without_any_good_document_the_first_use_fails(op: OpenIDProvider, change: Callable[[Answer], Answer]) -> None:
    store = Shared()
    document = keys_of(op, store)
    with op.bend("jwks", change), pytest.raises((ProviderUnavailable, ResponseInvalid)):
        document.get(now=NOW)
    assert store.values == {}
    # It is no answer to remember: the next sign-in asks again.
    assert kids(document.get(now=NOW)) == published(op)


@pytest.mark.parametrize("status", [429, 503])
def test_an_outage_at_first_use_says_when_to_come_back(op: OpenIDProvider, status: int) -> None:
    def later(_good: Answer) -> Answer:
        return Answer(status=status, headers={"Retry-After": "7"}, body=b"")

    with op.bend("jwks", later), pytest.raises(ProviderUnavailable) as caught:
        keys_of(op).get(now=NOW)
    assert caught.value.retry_after == 7


def test_a_refused_document_says_what_is_wrong_with_it(op: OpenIDProvider) -> None:
    def without_token_endpoint(good: Answer) -> Answer:
        return Answer.of_json({**good.json, "token_endpoint": None})

    with op.bend("discovery", without_token_endpoint), pytest.raises(MetadataInvalid, match="token_endpoint"):
        CachedDocument(op.discovery_url, parse=ProviderMetadata.from_json, transport=a_transport()).get(now=NOW)


# Many threads


def all_at_once(work: Callable[[], Any], *, threads: int) -> list[Any]:
    """The results of as many threads, which start together; an error is a result too."""
    start = threading.Barrier(threads)

    def run() -> Any:
        start.wait()
        try:
            return work()
        except ProtocolError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(threads)]]


def slowly(good: Answer) -> Answer:
    """Late enough for every thread to have asked meanwhile."""
    good.delay = 0.15
    return good


def held_until(answered: threading.Event, asked: threading.Event) -> Callable[[Answer], Answer]:
    """Let the answer wait, and say that it was asked for."""

    def bend(good: Answer) -> Answer:
        asked.set()
        answered.wait(5)
        return good

    return bend


def test_twenty_threads_fetch_a_document_once(op: OpenIDProvider) -> None:
    document = keys_of(op)
    with op.bend("jwks", slowly):
        found = all_at_once(lambda: document.get(now=NOW), threads=20)
    assert len({id(value) for value in found}) == 1
    assert op.asked() == ["jwks"]


def test_twenty_threads_share_one_failure(op: OpenIDProvider) -> None:
    document = keys_of(op)
    with op.bend("jwks", lambda good: slowly(fail(good))):
        found = all_at_once(lambda: document.get(now=NOW), threads=20)
    assert {type(error) for error in found} == {ProviderUnavailable}
    assert op.asked() == ["jwks"]


def test_nobody_waits_for_ever_for_the_first_document(op: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_login.protocol.documents.MAX_WAIT", 0.05)
    document = keys_of(op)
    asked, answered = threading.Event(), threading.Event()

    with op.bend("jwks", held_until(answered, asked)), ThreadPoolExecutor(1) as pool:
        first = pool.submit(document.get, now=NOW)
        assert asked.wait(5)
        assert document.body == ""
        with pytest.raises(ProviderUnavailable) as caught:
            document.get(now=NOW)
        answered.set()

        assert caught.value.reason == "busy"
        assert document.get(now=NOW) is first.result()
    assert op.asked() == ["jwks"]


def not_found_just_in_time(good: Answer) -> Answer:
    return Answer(status=404, body=b"", delay=0.3)


def test_a_slow_failure_is_remembered_for_twice_as_long_as_it_took(
    op: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer, so the circuit stays closed; without the memory, each request would wait for the next one."""
    monkeypatch.setattr("oidc_login.protocol.documents.SLOW", 0.2)
    document = keys_of(op)
    began = time.monotonic()
    with op.bend("jwks", not_found_just_in_time):
        for _ in range(5):
            with pytest.raises(MetadataInvalid, match="status"):
                document.get(now=NOW)
        assert op.asked() == ["jwks"]

    time.sleep(2 * (time.monotonic() - began))
    assert kids(document.get(now=NOW)) == published(op)


def test_after_a_slow_failure_one_asks_again_and_nobody_waits(
    op: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_login.protocol.documents.SLOW", 0.2)
    document = keys_of(op)
    began = time.monotonic()
    with op.bend("jwks", not_found_just_in_time), pytest.raises(MetadataInvalid):
        document.get(now=NOW)
    time.sleep(2 * (time.monotonic() - began))
    asked, answered = threading.Event(), threading.Event()

    with op.bend("jwks", held_until(answered, asked)), ThreadPoolExecutor(1) as pool:
        again = pool.submit(document.get, now=NOW)
        assert asked.wait(5)
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(MetadataInvalid):
                document.get(now=NOW)
        assert time.monotonic() - began < 0.2
        answered.set()
        assert kids(again.result()) == published(op)
    assert kids(document.get(now=NOW)) == published(op)


def test_a_quick_failure_is_not_remembered(op: OpenIDProvider) -> None:
    document = keys_of(op)
    with op.bend("jwks", lambda good: Answer(status=404, body=b"")), pytest.raises(MetadataInvalid):
        document.get(now=NOW)

    assert kids(document.get(now=NOW)) == published(op)


def test_nobody_waits_for_the_renewal_of_a_document(op: OpenIDProvider) -> None:
    document = keys_of(op)
    first = document.get(now=NOW)
    asked, answered = threading.Event(), threading.Event()

    with op.bend("jwks", held_until(answered, asked)), ThreadPoolExecutor(1) as pool:
        renewal = pool.submit(document.get, now=NOW + 600)
        assert asked.wait(5)
        assert [document.get(now=NOW + 600) for _ in range(20)] == [first] * 20
        answered.set()
        assert renewal.result() is not first
    assert len(op.requests) == 2


# Keys that nobody knows (Core 10.1.1)


def test_an_unknown_key_causes_one_fetch_in_a_cool_down(op: OpenIDProvider) -> None:
    document = keys_of(op)
    keys = document.get(now=NOW)
    op.rotate_keys()
    newer = document.newer_than(keys, now=NOW)
    assert kids(newer) == published(op)
    assert document.get(now=NOW) is newer
    for _ in range(5):
        assert document.newer_than(newer, now=NOW + COOL_DOWN - 1) is newer
    assert len(op.requests) == 2
    document.newer_than(newer, now=NOW + COOL_DOWN)
    assert len(op.requests) == 3


def test_a_hundred_threads_with_unknown_keys_cause_one_fetch(op: OpenIDProvider) -> None:
    document = keys_of(op)
    keys = document.get(now=NOW)
    op.rotate_keys()
    with op.bend("jwks", slowly):
        found = all_at_once(lambda: document.newer_than(keys, now=NOW), threads=100)
    assert len({id(value) for value in found}) == 1
    assert kids(found[0]) == published(op)
    assert op.asked() == ["jwks", "jwks"]
    # Forged tokens go on coming: no more is asked.
    all_at_once(lambda: document.newer_than(found[0], now=NOW + 1), threads=100)
    assert op.asked() == ["jwks", "jwks"]


def test_an_answer_that_is_slow_parks_nobody_who_names_an_unknown_key(op: OpenIDProvider) -> None:
    """Anybody can name one: each waits a moment, and once it has been a long one nobody else begins to."""
    document = keys_of(op)
    keys = document.get(now=NOW)
    asked, answered = threading.Event(), threading.Event()

    with op.bend("jwks", held_until(answered, asked)), ThreadPoolExecutor(1) as pool:
        fetch = pool.submit(document.newer_than, keys, now=NOW)
        assert asked.wait(5)
        began = time.monotonic()
        found = all_at_once(lambda: document.newer_than(keys, now=NOW), threads=20)
        waited = time.monotonic() - began
        assert found == [keys] * 20
        assert NEWER_WAIT <= waited < NEWER_WAIT + 1.5
        late = all_at_once(lambda: document.newer_than(keys, now=NOW), threads=20)
        assert late == [keys] * 20
        assert time.monotonic() - began - waited < 1
        answered.set()
        assert fetch.result() is not keys
    assert len(op.requests) == 2


def test_an_empty_set_is_asked_for_again_soon(op: OpenIDProvider) -> None:
    """A provider that publishes its keys a moment late must not keep people out for a whole cool-down."""
    document = keys_of(op)
    keys = document.get(now=NOW)
    op.rotate_keys()
    with op.bend("jwks", lambda _: Answer.of_json({"keys": []})):
        empty = document.newer_than(keys, now=NOW)
        assert kids(empty) == []
        assert document.newer_than(empty, now=NOW + EMPTY_COOL_DOWN - 1) is empty
        assert len(op.requests) == 2
        empty = document.newer_than(empty, now=NOW + EMPTY_COOL_DOWN)
        assert len(op.requests) == 3
    mended = document.newer_than(empty, now=NOW + 2 * EMPTY_COOL_DOWN)
    assert kids(mended) == published(op)
    assert document.newer_than(mended, now=NOW + 2 * EMPTY_COOL_DOWN + COOL_DOWN - 1) is mended
    assert len(op.requests) == 4


def test_an_empty_set_that_was_fetched_first_is_asked_for_again_soon(op: OpenIDProvider) -> None:
    document = keys_of(op)
    with op.bend("jwks", lambda _: Answer.of_json({"keys": []})):
        empty = document.get(now=NOW)
    with op.bend("jwks", fail):
        assert document.newer_than(empty, now=NOW) is empty
    assert kids(document.newer_than(empty, now=NOW + EMPTY_COOL_DOWN)) == published(op)


def test_an_ordinary_fetch_starts_no_cool_down(op: OpenIDProvider) -> None:
    """A key that is replaced just after a renewal is found at once."""
    document = keys_of(op)
    document.get(now=NOW)
    keys = document.get(now=NOW + 600)
    op.rotate_keys()
    assert kids(document.newer_than(keys, now=NOW + 600)) == published(op)


def test_whoever_comes_late_gets_what_is_there_already(op: OpenIDProvider) -> None:
    document = keys_of(op)
    keys = document.get(now=NOW)
    newer = document.newer_than(keys, now=NOW)
    assert document.newer_than(keys, now=NOW) is newer
    assert len(op.requests) == 2


def test_while_the_provider_is_down_an_unknown_key_stays_unknown(op: OpenIDProvider) -> None:
    document = keys_of(op)
    keys = document.get(now=NOW)
    with op.bend("jwks", fail):
        assert document.newer_than(keys, now=NOW) is keys
        assert document.newer_than(keys, now=NOW + COOL_DOWN - 1) is keys
        assert len(op.requests) == 2
    assert document.get(now=NOW + COOL_DOWN) is keys


# Between processes


def test_a_second_process_takes_the_copy_of_the_first(op: OpenIDProvider) -> None:
    store = Shared()
    first = keys_of(op, store).get(now=NOW)
    second = keys_of(op, store)
    assert kids(second.get(now=NOW + 1)) == kids(first)
    assert len(op.requests) == 1
    second.get(now=NOW + 600)
    assert len(op.requests) == 2


def test_a_renewal_of_one_process_serves_the_other(op: OpenIDProvider) -> None:
    store = Shared()
    one, other = keys_of(op, store), keys_of(op, store)
    one.get(now=NOW)
    other.get(now=NOW)
    op.rotate_keys()
    one.get(now=NOW + 600)
    assert kids(other.get(now=NOW + 601)) == published(op)
    assert len(op.requests) == 2


def test_an_unknown_key_is_first_looked_for_in_the_shared_copy(op: OpenIDProvider) -> None:
    store = Shared()
    one, other = keys_of(op, store), keys_of(op, store)
    mine, theirs = one.get(now=NOW), other.get(now=NOW)
    op.rotate_keys()
    one.newer_than(mine, now=NOW + 1)
    assert kids(other.newer_than(theirs, now=NOW + 2)) == published(op)
    assert len(op.requests) == 2


def test_a_process_that_starts_while_the_provider_is_down_takes_the_shared_copy(op: OpenIDProvider) -> None:
    store = Shared()
    first = keys_of(op, store).get(now=NOW)
    with op.bend("jwks", fail):
        assert kids(keys_of(op, store).get(now=NOW + 86_400)) == kids(first)


def test_copies_of_two_urls_do_not_meet(op: OpenIDProvider) -> None:
    store = Shared()
    keys_of(op, store).get(now=NOW)
    document = CachedDocument(op.discovery_url, parse=ProviderMetadata.from_json, transport=a_transport(), store=store)
    assert document.get(now=NOW).issuer == op.issuer
    assert len(store.values) == 2


EMPTY_SET = json.dumps({"keys": []})
LIES: list[tuple[str, Any]] = [
    ("a string", "x"),
    ("a number", 7),
    ("too few", (EMPTY_SET, 1)),
    ("an object", {"a": 1, "b": 2, "c": 3}),
    ("a body that is a number", (5, NOW, NOW + 60)),
    ("no body", (None, NOW, NOW + 60)),
    ("a body of bytes", (b"\xff", NOW, NOW + 60)),
    ("a body that is not JSON", ("<html>", NOW, NOW + 60)),
    ("a document of another kind", ('{"issuer": "x"}', NOW, NOW + 60)),
    ("times that are words", (EMPTY_SET, "then", "later")),
    ("no times", (EMPTY_SET, None, None)),
    ("a time that is an object", (EMPTY_SET, NOW, {})),
    ("a time beyond all numbers", (EMPTY_SET, NOW, 10**400)),
    ("times that are not numbers", (EMPTY_SET, float("nan"), float("nan"))),
    ("out of date", (EMPTY_SET, NOW - 1, NOW - 1)),
]


@pytest.mark.parametrize("lie", [row[1] for row in LIES], ids=ids(LIES))
def test_a_shared_copy_that_is_none_is_fetched_anew(op: OpenIDProvider, lie: Any) -> None:
    store = Shared()
    keys_of(op, store).get(now=NOW)
    store.values = dict.fromkeys(store.values, lie)
    assert kids(keys_of(op, store).get(now=NOW)) == published(op)
    document = keys_of(op, store)
    keys = document.get(now=NOW)
    store.values = dict.fromkeys(store.values, lie)
    assert kids(document.newer_than(keys, now=NOW)) == published(op)


def test_a_shared_copy_is_used_for_a_day_at_most(op: OpenIDProvider) -> None:
    store = Shared()
    keys_of(op, store).get(now=NOW)
    body = json.dumps({"keys": [jwk(key("P-256"), kid="shared")]})
    store.values = dict.fromkeys(store.values, (body, NOW, 1e300))
    document = keys_of(op, store)
    assert kids(document.get(now=NOW)) == ["shared"]
    store.values.clear()
    assert kids(document.get(now=NOW + MAX_AGE - 1)) == ["shared"]
    assert kids(document.get(now=NOW + MAX_AGE)) == published(op)


def test_nothing_secret_is_shared(op: OpenIDProvider) -> None:
    store = Shared()
    keys_of(op, store).get(now=NOW)
    ((name, (body, *_)),) = store.values.items()
    assert op.base_url not in name
    assert "localhost" not in name
    assert json.loads(body) == op.jwks()


# The command


def describe(url: str) -> str:
    out = StringIO()
    call_command("oidc_login_diagnose", discovery_url=url, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_would_be_used(op: OpenIDProvider) -> None:
    encryption_key = {**op.jwks()["keys"][0], "use": "enc", "kid": "for encryption"}
    op.bend("jwks", lambda good: Answer.of_json({"keys": [*good.json["keys"], encryption_key]}))
    told = json.loads(describe(op.discovery_url))
    assert told["metadata"]["issuer"] == op.issuer
    assert [entry["kid"] for entry in told["keys"]] == published(op)
    assert told["keys_not_used"] == [{"kid": "for encryption", "reason": "use"}]


def test_the_command_says_why_a_document_is_refused(op: OpenIDProvider) -> None:
    op.bend("discovery", lambda good: Answer.of_json({**good.json, "issuer": good.json["issuer"] + "/INVALID"}))
    with pytest.raises(CommandError, match="The document cannot be used: MetadataInvalid: issuer_mismatch"):
        describe(op.discovery_url)


@pytest.mark.parametrize("url", ["http://op.example/", "file:///etc/passwd", "nonsense", ""])
def test_the_command_requests_no_url_that_a_site_could_not(url: str) -> None:
    with pytest.raises(CommandError, match="The document cannot be used: MetadataInvalid: url"):
        describe(url)
