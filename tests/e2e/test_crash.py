"""kill -9 in the middle of a burst: what was acknowledged is there, once, and in order."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from .clients import Json, JsonClient
from .conftest import Start
from .server import Server

POSTERS = 4
BURST = 120
CRASHES = 2
CUT_OFF = (ConnectionClosed, ConnectionError, InvalidHandshake)


class Poster:
    """Somebody who keeps posting, and after a crash repeats what was not acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: list[str] = []
        self.acknowledged: dict[str, int] = {}
        self._who: Json = {"name": name}

    def burst(self, url: str, amount: int) -> None:
        """Post what is not acknowledged, then `amount` more, all without waiting."""
        self.keys += [f"{self.name}-{len(self.keys) + number}" for number in range(amount)]
        pending = [key for key in self.keys if key not in self.acknowledged]
        try:
            with JsonClient(url) as client:
                self._who = {"token": client.hello(**self._who)["token"], "name": self.name}
                numbers = [client.begin("post", room="lobby", text=key, key=key) for key in pending]
                for number, key in zip(numbers, pending, strict=True):
                    reply = client.reply(number)
                    assert reply["type"] == "ok", reply
                    self.acknowledged[key] = reply["seq"]
        except CUT_OFF:
            pass


class Watcher:
    """Somebody who is told everything: live, and what was missed on coming back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seqs: list[int] = []
        self._epoch: str | None = None

    def watch(self, url: str, until: int | None = None) -> None:
        """Be in the room until the connection ends, or event `until` is there."""
        try:
            with JsonClient(url) as client:
                self._come_back(client)
                while until is None or self._last() < until:
                    self.seqs.append(client.event()["seq"])
        except CUT_OFF:
            pass

    def _come_back(self, client: JsonClient) -> None:
        epoch = client.hello(name=self.name)["epoch"]
        self._epoch = self._epoch or epoch
        self.seqs += [event["seq"] for event in client.missed(self._last(), self._epoch)]

    def _last(self) -> int:
        return self.seqs[-1] if self.seqs else 0


def test_nothing_acknowledged_is_lost_or_doubled_by_a_crash(server: Start) -> None:
    one = server("--no-limits")
    posters = [Poster(f"poster{number}") for number in range(POSTERS)]
    watchers = [Watcher(f"watcher{number}") for number in range(2)]
    with ThreadPoolExecutor(len(posters) + len(watchers)) as pool:
        for _ in range(CRASHES):
            _crash(one, pool, posters, watchers)
            one.start()
        _finish(pool.submit(poster.burst, one.ws, 1) for poster in posters)
        log = _log(one)
        _finish(pool.submit(watcher.watch, one.ws, len(log)) for watcher in watchers)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    seqs = {event["key"]: event["seq"] for event in log}
    assert len(seqs) == len(log), "a key is there twice"
    for poster in posters:
        assert poster.acknowledged == {key: seqs[key] for key in poster.keys}
        assert list(poster.acknowledged.values()) == sorted(poster.acknowledged.values())
    for watcher in watchers:
        assert watcher.seqs == list(range(1, len(log) + 1))


def _crash(one: Server, pool: ThreadPoolExecutor, posters: list[Poster], watchers: list[Watcher]) -> None:
    """Post until some of it is acknowledged, then kill the server."""

    def acknowledged() -> int:
        return sum(len(poster.acknowledged) for poster in posters)

    before = acknowledged()
    work = [pool.submit(watcher.watch, one.ws) for watcher in watchers]
    work += [pool.submit(poster.burst, one.ws, BURST) for poster in posters]
    one.wait_for(lambda: acknowledged() > before + BURST)
    one.kill()
    _finish(work)


def _finish(work: Iterable[Future[None]]) -> None:
    for one in list(work):
        one.result(timeout=60)


def _log(one: Server) -> list[Json]:
    """The whole log of the room, as anybody can read it."""
    with JsonClient(one.ws, "Reader") as reader:
        return reader.missed(0, reader.me["epoch"])
