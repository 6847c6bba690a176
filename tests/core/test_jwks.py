"""The keys that a site publishes at a URL."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.web.client import Agent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from chatroom import jwks as module
from chatroom.domain.errors import Unavailable
from chatroom.jwks import AGAIN, OLD, TIMEOUT, FetchFailed, Jwks, fetch, keys_in

from ..logs import Logs
from ..store.keeping import outcome
from .test_sitekeys import EC, ED, RSA, jwk


def published(*keys: dict) -> bytes:
    return json.dumps({"keys": keys}).encode()


class Publisher:
    """What is at the URL: bytes, an error, or for None an answer that is still to come."""

    def __init__(self) -> None:
        self.now: bytes | Exception | None = published(jwk(ED, kid="a"))
        self.fetches = 0
        self.pending: list[Deferred[bytes]] = []

    def __call__(self) -> Deferred[bytes]:
        self.fetches += 1
        if isinstance(self.now, bytes):
            return succeed(self.now)
        if self.now is not None:
            return fail(self.now)
        self.pending.append(Deferred())
        return self.pending[-1]


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.advance(1_700_000_000)
    return made


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def keys(clock, publisher) -> Jwks:
    return Jwks(clock, publisher)


def asked(keys: Jwks, kid: str | None) -> Deferred:
    return Deferred.fromCoroutine(keys.key(kid))


def found(keys: Jwks, kid: str | None):
    """What kind of key that is."""
    key = outcome(asked(keys, kid))
    return key and {"ES256": "ec", "EdDSA": "ed", "RS256": "rsa"}[key.algorithm]


def test_keys_are_fetched_when_first_asked_for_and_once(keys, publisher):
    publisher.now = published(jwk(ED, kid="a"), jwk(EC, kid="b"), jwk(RSA, kid="c"))
    assert publisher.fetches == 0
    assert [found(keys, kid) for kid in ("a", "b", "c", "a")] == ["ed", "ec", "rsa", "ed"]
    assert publisher.fetches == 1


def test_a_token_that_names_no_key_has_the_only_one(keys, publisher, clock):
    assert found(keys, None) == "ed"
    publisher.now = published(jwk(ED, kid="a"), jwk(EC, kid="b"))
    clock.advance(OLD)
    found(keys, "a")
    assert found(keys, None) is None


def test_an_unknown_key_is_looked_for_at_most_once_in_a_while(keys, publisher, clock):
    found(keys, "a")
    for _ in range(100):
        assert found(keys, "b") is None
    assert publisher.fetches == 1
    clock.advance(AGAIN)
    publisher.now = published(jwk(ED, kid="a"), jwk(EC, kid="b"))
    assert found(keys, "b") == "ec"
    assert found(keys, "c") is None
    assert publisher.fetches == 2


def test_a_key_that_was_taken_back_is_forgotten(keys, publisher, clock):
    found(keys, "a")
    publisher.now = published(jwk(EC, kid="b"))
    clock.advance(OLD - 1)
    assert found(keys, "a") == "ed"
    clock.advance(1)
    assert found(keys, "b") == "ec"
    assert found(keys, "a") is None


def test_nobody_with_a_known_key_waits_for_a_newer_one(keys, publisher, clock):
    found(keys, "a")
    publisher.now = None
    clock.advance(OLD)
    assert found(keys, "a") == "ed"
    late = asked(keys, "b")
    assert not late.called
    assert found(keys, "a") == "ed"
    publisher.pending[0].callback(published(jwk(EC, kid="b")))
    assert outcome(late).key == EC.public_key()
    assert publisher.fetches == 2


def test_all_who_wait_have_one_fetch_and_one_who_goes_away_stops_nobody(keys, publisher):
    publisher.now = None
    waiting = [asked(keys, "a") for _ in range(10)]
    waiting[3].addErrback(lambda failure: None)
    waiting[3].cancel()
    publisher.pending[0].callback(published(jwk(ED, kid="a")))
    assert [outcome(one).key for one in waiting[:3] + waiting[4:]] == [ED.public_key()] * 9
    assert publisher.fetches == 1


@pytest.mark.parametrize("wrong", [OSError("no route"), FetchFailed("it answers 500"), b"<html>", b"{}"])
def test_what_was_fetched_is_kept_while_nothing_newer_can_be(keys, publisher, clock, wrong):
    found(keys, "a")
    publisher.now = wrong
    with Logs() as logs:
        for _ in range(5):
            clock.advance(OLD)
            assert found(keys, "a") == "ed"
            assert found(keys, "b") is None
        publisher.now = published(jwk(EC, kid="b"))
        clock.advance(AGAIN)
        assert found(keys, "b") == "ec"
    # Said once, and once that it is over.
    assert len(logs.of(LogLevel.warn)) == 1
    assert logs.of(LogLevel.info) == ["the keys of the site's tokens can be fetched again"]
    assert not logs.tracebacks()


def test_before_anything_was_fetched_nobody_can_tell(keys, publisher, clock):
    publisher.now = ConnectError()
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            found(keys, "a")
        assert refused.value.retry_after == AGAIN
    assert publisher.fetches == 1
    clock.advance(AGAIN)
    publisher.now = published(jwk(ED, kid="a"))
    assert found(keys, "a") == "ed"


def test_a_fetch_that_takes_too_long_is_given_up(keys, publisher, clock):
    publisher.now = None
    late = asked(keys, "a")
    clock.advance(TIMEOUT)
    with pytest.raises(Unavailable):
        outcome(late)
    clock.advance(AGAIN)
    publisher.now = published(jwk(ED, kid="a"))
    assert found(keys, "a") == "ed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"keys": null}',
        b'{"keys": []}',
        b'{"keys": [null, 5, [], "x"]}',
        b'{"keys": [{"kid": 5, "kty": "RSA"}]}',
        b"\xff",
        b'{"keys": ' + b"[" * 100_000,
        b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        published({"kty": "oct", "k": "A" * 43, "kid": "a"}),
    ],
)
def test_what_is_no_set_of_keys_is_refused(body):
    with pytest.raises(FetchFailed):
        keys_in(body)


def test_keys_that_will_not_do_do_not_keep_out_the_others():
    body = published(
        {"kty": "RSA", "kid": "broken"},
        {"kty": "oct", "k": "A" * 43, "kid": "secret"},
        jwk(RSA, kid="enc", use="enc"),
        jwk(EC, kid=["b"]),
        jwk(EC, kid="b"),
        jwk(ED, kid="b"),
    )
    assert {kid: key.algorithm for kid, key in keys_in(body).items()} == {"b": "ES256"}


class Answer(Resource):
    """A web server's answer, as a test wants it."""

    isLeaf = True

    def __init__(self, write: Callable[[Any], object]) -> None:
        super().__init__()
        self._write = write

    def render_GET(self, request: Any) -> int:
        self._write(request)
        return NOT_DONE_YET


def over_http(write: Callable[[Any], object], *, client: Callable[[Any, str], Coroutine] | None = None):
    """What comes of fetching from a server on the loopback that answers so."""
    reactor = SelectReactor()
    results: list[Any] = []

    def begin() -> None:
        port = reactor.listenTCP(0, Site(Answer(write), reactor=reactor), interface="127.0.0.1")
        url = f"http://127.0.0.1:{port.getHost().port}/jwks.json"
        work = client(reactor, url) if client else fetch(Agent(reactor), url)
        done = Deferred.fromCoroutine(work).addTimeout(20, reactor)
        done.addBoth(lambda result: (results.append(result), reactor.stop()))

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def answers(body: bytes, code: int = 200) -> Callable[[Any], None]:
    def write(request: Any) -> None:
        request.setResponseCode(code)
        request.setHeader("location", "/elsewhere")
        request.write(body)
        request.finish()

    return write


class TestFetch:
    """Over HTTP."""

    def test_keys_come_as_they_are(self):
        body = published(jwk(ED))
        assert over_http(answers(body)) == body
        assert over_http(answers(b"x" * module.MAX_BYTES)) == b"x" * module.MAX_BYTES

    @pytest.mark.parametrize("code", [204, 301, 404, 500])
    def test_another_answer_is_none(self, code):
        with pytest.raises(FetchFailed, match=f"answers {code}, not 200"):
            over_http(answers(b"" if code == 204 else published(jwk(ED)), code))

    def test_too_much_is_not_read(self):
        def endless(request: Any) -> None:
            request.write(b"x" * (module.MAX_BYTES + 1))

        with pytest.raises(FetchFailed, match="more than 256 KiB"):
            over_http(endless)

    def test_an_answer_that_is_cut_off_is_none(self):
        def cut(request: Any) -> None:
            request.setHeader("content-length", "1000")
            request.write(b"{")
            request.transport.loseConnection()

        with pytest.raises(Exception, match="DataLoss"):
            over_http(cut)

    def test_who_waits_no_longer_hangs_up(self):
        came: list[Any] = []
        gone: list[Any] = []

        def slow(request: Any) -> None:
            came.append(request)
            request.notifyFinish().addErrback(gone.append)
            request.write(b"{")

        async def impatient(reactor: Any, url: str) -> bool:
            getting = Deferred.fromCoroutine(fetch(Agent(reactor), url))
            getting.addErrback(lambda failure: None)
            while not gone:
                turned: Deferred[None] = Deferred()
                reactor.callLater(0, turned.callback, None)
                await turned
                if came:
                    getting.cancel()
            return True

        assert over_http(slow, client=impatient)

    def test_the_reason_of_a_failure_is_logged_in_words(self):
        async def nobody_there(reactor: Any, url: str) -> None:
            keys = Jwks(reactor, lambda: fetch(Agent(reactor), "http://127.0.0.1:1/jwks.json"))
            with pytest.raises(Unavailable):
                await keys.key("a")

        def dropped(request: Any) -> None:
            request.transport.abortConnection()

        async def hung_up_on(reactor: Any, url: str) -> None:
            keys = Jwks(reactor, lambda: fetch(Agent(reactor), url))
            with pytest.raises(Unavailable):
                await keys.key("a")

        with Logs() as logs:
            over_http(dropped, client=nobody_there)
            over_http(dropped, client=hung_up_on)
        refused, lost = logs.of(LogLevel.warn)
        assert "refused" in refused
        assert "Connection" in lost
        assert "[<" not in lost
