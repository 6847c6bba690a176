"""What is changed in the registry, by whomever, takes effect here: in order, once it can be read, and
although the news of it may be lost."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.changes import INTERVAL, Changes
from chatroom.domain.accounts import GONE, Change, RoomRecord, Sanction
from chatroom.domain.errors import Unavailable
from chatroom.domain.registry import CHANGES_KEPT, MAX_CHANGES

from ..logs import Logs
from ..store.memory_registry import MemoryRegistry
from .house import House, Talker, made


class Watch:
    """Changes of a registry, and what was looked into."""

    def __init__(self, *, started: bool = True) -> None:
        self.clock = Clock()
        self.registry = MemoryRegistry()
        self.seen: list[str | None] = []
        self.trouble: Exception | None = None
        self.waiting: Deferred[None] | None = None
        self.changes = Changes(self.registry, self.clock, self.look)
        Deferred.fromCoroutine(self.changes.begin())
        if started:
            self.changes.start()

    async def look(self, change: Change | None) -> None:
        if self.waiting is not None:
            await self.waiting
        if self.trouble is not None:
            raise self.trouble
        self.seen.append(None if change is None else change.subject)

    def change(self, *rooms: str) -> None:
        for room in rooms:
            self.registry.create_room(RoomRecord(room, room), [])

    def catch_up(self) -> list[Any]:
        """What fires once all is looked into."""
        done: list[Any] = []
        Deferred.fromCoroutine(self.changes.catch_up()).addBoth(done.append)
        return done


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_changes_are_looked_into_twice_a_second_in_their_order(watch):
    watch.change("a", "b", "c")
    watch.clock.advance(INTERVAL - 0.001)
    assert watch.seen == []
    watch.clock.advance(0.001)
    assert watch.seen == ["a", "b", "c"]
    watch.clock.advance(INTERVAL)
    assert watch.seen == ["a", "b", "c"]
    watch.change("d")
    watch.clock.advance(INTERVAL)
    assert watch.seen == ["a", "b", "c", "d"]


def test_what_was_changed_before_is_not_looked_into():
    watch = Watch(started=False)
    watch.change("a")
    Deferred.fromCoroutine(watch.changes.begin())
    watch.changes.start()
    watch.change("b")
    watch.clock.advance(INTERVAL)
    assert watch.seen == ["b"]


def test_nothing_is_looked_into_before_the_start():
    watch = Watch(started=False)
    watch.change("a")
    assert watch.catch_up() == [None]
    watch.changes.soon()
    watch.clock.advance(10)
    assert watch.seen == []
    watch.changes.start()
    watch.changes.start()
    watch.clock.advance(INTERVAL)
    assert watch.seen == ["a"]
    assert len(watch.clock.calls) == 1


def test_a_change_of_our_own_is_looked_into_at_once(watch):
    watch.change("a")
    assert watch.catch_up() == [None]
    assert watch.seen == ["a"]
    watch.change("b")
    watch.changes.soon()
    assert watch.seen == ["a"]
    watch.clock.advance(0)
    assert watch.seen == ["a", "b"]


def test_who_asks_while_others_are_being_looked_into_waits_for_theirs_too(watch):
    watch.waiting = Deferred()
    watch.change("a")
    first = watch.catch_up()
    watch.change("b")
    second = watch.catch_up()
    assert (first, second, watch.seen) == ([], [], [])
    waiting, watch.waiting = watch.waiting, None
    waiting.callback(None)
    assert (first, second, watch.seen) == ([None], [None], ["a", "b"])


def test_more_changes_than_are_read_at_once_are_all_looked_into_before_the_answer(watch):
    rooms = [f"room {n:05}" for n in range(2 * MAX_CHANGES + 5)]
    watch.change(*rooms)
    assert watch.catch_up() == [None]
    assert watch.seen == rooms


def test_who_has_missed_changes_that_are_kept_no_more_looks_at_everything(watch):
    watch.change(*(f"room {n}" for n in range(CHANGES_KEPT + 5)))
    watch.clock.advance(INTERVAL)
    assert watch.seen[0] is None
    assert len(watch.seen) == 1 + CHANGES_KEPT - MAX_CHANGES
    watch.change("last")
    watch.clock.advance(INTERVAL)
    assert watch.seen[-2:] == [f"room {CHANGES_KEPT + 4}", "last"]


@pytest.mark.parametrize("where", ["reading", "looking"])
def test_what_cannot_be_looked_into_is_looked_into_later_and_said_once(watch, where):
    trouble = Unavailable("the database is away", 1)
    with Logs() as logs:
        watch.change("a", "b")
        if where == "reading":
            watch.registry.broken = trouble
        else:
            watch.trouble = trouble
        watch.clock.pump([INTERVAL] * 10)
        assert watch.catch_up() == [None]
        assert watch.seen == []
        watch.registry.broken = watch.trouble = None
        watch.clock.advance(INTERVAL)
    assert watch.seen == ["a", "b"]
    assert len(logs.events) == 1


def test_a_mistake_of_ours_is_logged_and_holds_up_nothing_after_it(watch):
    watch.change("a")
    watch.trouble = ValueError("a mistake")
    with Logs() as logs:
        watch.clock.advance(INTERVAL)
    assert len(logs.tracebacks()) == 1
    watch.trouble = None
    watch.change("b")
    watch.clock.advance(INTERVAL)
    assert watch.seen == ["b"]


def test_after_the_end_nothing_is_looked_into_and_nobody_waits(watch):
    watch.waiting = Deferred()
    watch.change("a", "b")
    asked = watch.catch_up()
    watch.changes.soon()
    watch.changes.stop()
    watch.registry.broken = Unavailable("stopping")
    waiting, watch.waiting = watch.waiting, None
    with Logs() as logs:
        waiting.callback(None)
        watch.clock.advance(10)
        assert watch.catch_up() == [None]
    assert asked == [None]
    assert watch.seen == ["a", "b"]
    assert watch.clock.calls == []
    assert logs.events == []


# In a whole server.


@pytest.fixture
def house() -> House:
    return House()


def lose_changes(house: House) -> None:
    """The news of all that was changed so far is kept no more."""
    known = house.registry._changes
    known[:-1] = []
    known[-1] = Change(known[-1].id + 5, known[-1].what, known[-1].subject)


def test_when_news_is_lost_everything_is_looked_at(house):
    ana, bob, carl, dora = (house.member(name) for name in ("Ana", "Bob", "Carl", "Dora"))
    room = made(ana, kind="private")
    for talker in (bob, carl):
        house.place(room, talker.id)
        talker.does("join", room=room)
    carl.does("join", room="lobby")
    key = house.json(token=house.key("read:*"))
    guest = house.json("Gil")
    registry = house.registry
    registry.end_membership(room, bob.id)
    registry.impose(Sanction("ban", "lobby", carl.id, house.now, "u0"))
    registry.set_role(ana.id, "owner")
    registry.close_logins(dora.id)
    registry.revoke_key("key 1", house.now)
    registry.add_account(house.known("New"), None)
    registry.create_room(RoomRecord("made", "Made elsewhere", "announcement"), [])
    lose_changes(house)
    house.elapse(INTERVAL)
    assert bob.fails("leave", room=room) == "not_found"
    assert carl.does("leave", room=room)
    assert carl.fails("leave", room="lobby") == "not_found"
    assert ana.does("audit")
    assert (dora.closed, key.closed) == (4401, 4401)
    assert Talker(house).fails("hello", name="New") == "name_taken"
    assert guest.fails("post", room="made", text="x") == "forbidden"
    assert [one.closed for one in (ana, bob, carl, guest)] == [None] * 4


def test_when_news_is_lost_the_name_of_a_deleted_account_is_free_and_a_banned_user_is_closed(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    house.registry.delete_account(ana.id, GONE)
    house.registry.impose(Sanction("ban", "", bob.id, house.now, "u0"))
    lose_changes(house)
    house.elapse(INTERVAL)
    assert (ana.closed, bob.closed) == (4401, 4403)
    ana.drop()
    assert house.json("Ana").welcome["user"]["kind"] == "guest"


def test_with_the_registry_away_those_who_are_in_talk_on_and_all_heals(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    for talker in (ana, bob):
        talker.does("join", room="lobby")
        talker.does("post", room="lobby", text="hello")
    mo = house.member("Mo", "moderator")
    house.registry.broken = Unavailable("the database is away", 1)
    with Logs() as logs:
        house.elapse(30)
        ana.does("post", room="lobby", text="still here")
        bob.does("typing", room="lobby", on=True)
        bob.does("edit", room="lobby", seq=2, text="hallo")
        guest = house.json("Gil")
        guest.does("join", room="lobby")
        assert guest.fails("join", room="elsewhere") == "unavailable"
        for asked, fields in (("rooms", {}), ("mute", {"user": "Bob"}), ("reports", {})):
            assert mo.fails(asked, **fields) == "unavailable"
        assert Talker(house).fails("hello", token="cs_" + "x" * 43) == "unavailable"
    assert len(logs.events) == 1
    house.registry.broken = None
    house.registry.impose(Sanction("mute", "", bob.id, house.now, "u0"))
    house.elapse(INTERVAL)
    assert bob.fails("post", room="lobby", text="x") == "muted"
    assert [one["text"] for one in ana.events("message")] == ["hello", "hello", "still here"]
    guest.does("join", room="elsewhere")


def test_what_was_read_before_a_change_is_not_kept_after_it(house):
    """A look-up whose answer comes after the news of a change that it does not have yet."""
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind="private")
    ana.does("room.invite", room=room, user="Bob")
    house.registry.stepped = True
    first = bob.say("history", room=room)
    house.registry.work()  # bob's places, with this room
    answer = house.registry._answers.popleft()
    house.registry.end_membership(room, bob.id)
    house.registry.settle()
    house.clock.advance(INTERVAL)
    house.registry.settle()
    house.registry._answers.append(answer)
    house.settle()
    assert bob.answer(first)["code"] == "not_found"
    house.registry.stepped = False
    assert bob.fails("join", room=room) == "not_found"


def test_posts_of_one_connection_stay_in_their_order_although_the_first_has_to_wait(house):
    ana, bob = house.json("Ana"), house.member("Bob")
    house.registry.stepped = True
    first = bob.say("post", room="cave", text="1")
    house.registry.work()
    # Meanwhile what the first one waits for has become known by another way.
    ana.say("join", room="cave")
    bob.say("post", room="cave", text="2")
    for _ in range(3):
        house.registry.settle()
    bob.say("post", room="cave", text="3")
    house.settle()
    assert bob.answer(first)["seq"] == 1
    assert [event.text for event in house.log("cave")] == ["1", "2", "3"]


def test_plain_posts_stay_in_their_order_too(house):
    house.registry.stepped = True
    plain = house.plain("Wes", "cave")
    house.settle()
    house.core.rights.forget_all()
    for text in ("1", "2", "3"):
        plain.say(text)
    house.settle()
    assert [event.text for event in house.log("cave")] == ["1", "2", "3"]
