"""The costs that no scenario shows apart: of the bus, of the beat, of commits. A few seconds in all.

CPU is read from the scheduler's clock. What is timed (commits) is a mean over many.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from threading import Thread
from typing import cast
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import insert, select
from twisted.internet.task import Clock

from bench import engines
from bench.accounting import cpu_seconds
from bench.engines import Engine
from bench.plan.costs import WRITERS
from bench.plan.drafts import post
from bench.plan.writing import commits_a_second
from bench.servers import family
from chatroom.domain.events import Event
from chatroom.domain.model import User
from chatroom.domain.ports import Store
from chatroom.hub import Hub
from chatroom.namesakes import Namesakes
from chatroom.ordering import Ordering
from chatroom.roster import Beat, Moved, Own, Present, Roster
from chatroom.store.commit import commit
from chatroom.store.opening import open_engines
from chatroom.store.sql import MOST_NAMED
from chatroom.store.tables import room
from chatroom.wire.dialects import json_dialect
from chatroom.wire.json import encode_any

_POSTS = 5_000
_ROOMS = 10_000
_PEOPLE = 16_000
_MOVES = 200
_BATCHES = (1, 100)
_SUBSCRIBERS = (1, 33)
_SECONDS = 2.0

Found = dict[str, float]


def measured(core: int, scratch: Path) -> Found:
    """Microseconds where a name ends in `_us`, else bytes."""
    return {**_bus_message(), **_moved(), **_beat(), **_redis(core, scratch), **_postgresql(core, scratch)}


def _bus_message() -> Found:
    """A post of another node's is read and put in order; what its members cost is measured elsewhere."""
    dialect, clock, store = json_dialect(), Clock(), cast(Store, None)
    payloads = [b"[" + (dialect.event(post("lobby", seq)) or b"") + b"]" for seq in range(1, _POSTS + 1)]
    hub = Hub(clock)
    lobby = hub.open("lobby")
    hub.loaded(lobby, [], 0)
    ordering = Ordering(store, hub, clock, hub.deliver)
    events = msgspec.json.Decoder(list[Event])

    def hear() -> None:
        for payload in payloads:
            ordering.take([(event, None) for event in events.decode(payload)])

    took = _own_cpu(hear)
    assert lobby.head == _POSTS
    return {"bus_heard_us": took / _POSTS, "bus_message_bytes": mean(map(len, payloads)) + 17}


def _beat() -> Found:
    """A beat of many rooms is made, and heard by a node that has people in each of them."""
    own, hub, user = Own(), Hub(Clock()), User("u" + "0" * 24, "Ana")
    roster = Roster(hub, Clock(), lambda _room: None, Namesakes())
    names = [f"room-{number:06}" for number in range(_ROOMS)]
    for name in names:
        own.came(name, user)
        roster.open(hub.open(name))
    payload = encode_any(own.whole())
    decoder = msgspec.json.Decoder(Beat)
    made, heard = (
        median(_own_cpu(work) for _ in range(5))
        for work in (
            lambda: encode_any(own.whole()),
            lambda: roster.beat("another", decoder.decode(payload)),
        )
    )
    return {
        "beat_room_bytes": len(payload) / _ROOMS,
        "beat_made_us": made / _ROOMS,
        "beat_heard_us": heard / _ROOMS,
    }


def _moved() -> Found:
    """One comes, on a node that knows of many of another's people in that room."""
    hub = Hub(Clock())
    roster = Roster(hub, Clock(), lambda _room: None, Namesakes())
    hub.loaded(lobby := hub.open("lobby"), [], 0)
    roster.open(lobby)
    users = [User(f"u{number:024}", "Ana") for number in range(_PEOPLE)]
    roster.beat("another", Beat(_PEOPLE, {"lobby": (_PEOPLE, _PEOPLE)}))
    roster.present("another", "lobby", Present(_PEOPLE, users))
    told = [
        encode_any(Moved(_PEOPLE + at, _PEOPLE + at - 1, True, User(f"v{at:024}", "Ana")))
        for at in range(1, _MOVES + 1)
    ]
    decoder = msgspec.json.Decoder(Moved)

    def hear() -> None:
        for payload in told:
            roster.moved("another", "lobby", decoder.decode(payload))

    return {"moved_us": _own_cpu(hear) / _MOVES}


def _redis(core: int, scratch: Path) -> Found:
    """What a PUBLISH costs Redis, and what each subscriber adds."""
    with engines.started([engines.REDIS], core, scratch) as started:
        redis = started[engines.REDIS]
        few, many = (_published(redis, count) for count in _SUBSCRIBERS)
    each = (many - few) / (_SUBSCRIBERS[1] - _SUBSCRIBERS[0])
    return {"redis_publish_us": few - each * _SUBSCRIBERS[0], "redis_subscriber_us": each}


def _published(redis: Engine, subscribers: int) -> float:
    address, listening = ("127.0.0.1", urlsplit(redis.url).port), []
    for _ in range(subscribers):
        one = socket.create_connection(address)
        one.sendall(b"SUBSCRIBE lobby\r\n")
        one.recv(1_000)
        listening.append(one)
        Thread(target=_drain, args=(one,), daemon=True).start()
    publisher = socket.create_connection(address)
    message = b"*3\r\n$7\r\nPUBLISH\r\n$5\r\nlobby\r\n$256\r\n" + b"x" * 256 + b"\r\n"
    before = cpu_seconds(redis.pid)
    for _ in range(_POSTS):
        # One at a time, as they come from members.
        publisher.sendall(message)
        publisher.recv(100)
    took = cpu_seconds(redis.pid) - before
    for one in (publisher, *listening):
        one.close()
    return took / _POSTS * 1e6


def _drain(one: socket.socket) -> None:
    try:
        while one.recv(1 << 16):
            pass
    except OSError:
        pass


def _postgresql(core: int, scratch: Path) -> Found:
    """Commits to one room, one after the other, of one event and of many; looking at many heads."""
    with engines.started([engines.POSTGRESQL], core, scratch) as started:
        pid, url = started[engines.POSTGRESQL].pid, started[engines.POSTGRESQL].url
        writing, reading = open_engines(url)
        try:
            (one, cpu), (many, cpu_many) = (_commits(pid, writing, batch) for batch in _BATCHES)
            more = _BATCHES[1] - _BATCHES[0]
            event, event_cpu = (many - one) / more, (cpu_many - cpu) / more
            return {
                "commit_us": one - event,
                "commit_event_us": event,
                "commit_cpu_us": cpu - event_cpu,
                "commit_event_cpu_us": event_cpu,
                "head_us": _heads(pid, writing, reading),
                "one_room_commits": commits_a_second(url, ["lobby"] * WRITERS, _SECONDS),
                "own_rooms_commits": commits_a_second(url, [f"room-{n}" for n in range(WRITERS)], _SECONDS),
            }
        finally:
            writing.dispose()
            reading.dispose()


def _commits(pid: int, engine: SqlEngine, batch: int) -> tuple[float, float]:
    """The time of each, and PostgreSQL's CPU: so many events with a key each, as clients give them."""
    done, until = 0, time.perf_counter() + _SECONDS
    with engine.connect() as connection:
        before, began = _all_cpu(pid), time.perf_counter()
        while time.perf_counter() < until:
            drafts = [post("lobby", key=f"{batch} {done} {number}") for number in range(batch)]
            with connection.begin():
                commit(connection, drafts, careful=False)
            done += 1
        took, cpu = time.perf_counter() - began, _all_cpu(pid) - before
    return took / done * 1e6, cpu / done * 1e6


def _heads(pid: int, writing: SqlEngine, reading: SqlEngine) -> float:
    """PostgreSQL's CPU for each room whose head is asked for, so many at a time as a node asks."""
    names = [f"head-{number:06}" for number in range(MOST_NAMED)]
    with writing.begin() as connection:
        connection.execute(
            insert(room), [{"name": one, "title": one, "kind": "public", "head": 1} for one in names]
        )
    query, times = select(room.c.name, room.c.head).where(room.c.name.in_(names)), 20
    with reading.connect() as connection:
        connection.execute(query).all()
        before = _all_cpu(pid)
        for _ in range(times):
            assert len(connection.execute(query).all()) == MOST_NAMED
        return (_all_cpu(pid) - before) / times / MOST_NAMED * 1e6


def _own_cpu(work: Callable[[], object]) -> float:
    """The CPU that it takes this thread, in microseconds."""
    before = time.thread_time()
    work()
    return (time.thread_time() - before) * 1e6


def _all_cpu(pid: int) -> float:
    return sum(cpu_seconds(one) for one in family(pid))
