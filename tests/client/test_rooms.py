"""A room's events: each once, in order, whatever happens on the way."""

from __future__ import annotations

import re

import pytest

from chatroom.client import Position, Refused, Reset, Unknown
from chatroom.domain.events import Presence

from .scripted import ANA, Listener, Running, ScriptedServer, client_of, joined, refusal, started


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def test_what_happens_from_now_on_is_given_and_what_was_is_recent(server):
    for text in numbers(1, 60):
        server.happens("lobby", text)
    room = joined(server, started(server))
    listener = Listener(room)
    server.says("lobby", "61")
    assert listener.texts == ["61"]
    assert [event.text for event in room.recent] == numbers(11, 60)


def test_what_came_after_a_place_is_given_first(server):
    for text in numbers(1, 9):
        server.happens("lobby", text)
    listener = Listener(joined(server, started(server), since=4, epoch="e1"))
    server.says("lobby", "10")
    assert listener.texts == numbers(5, 10)


def test_more_than_one_answer_holds_is_read_to_the_end(server):
    for text in numbers(1, 1700):
        server.happens("lobby", text)
    listener = Listener(joined(server, started(server), since=3))
    server.turn()
    server.says("lobby", "1701")
    server.turn()
    assert listener.texts == numbers(4, 1701)


def test_what_happened_while_the_connection_was_lost_is_given(server):
    client = started(server)
    listener = Listener(joined(server, client))
    server.says("lobby", "1")
    server.cut()
    for text in numbers(2, 1200):
        server.happens("lobby", text)
    server.turn(1)
    server.turn(1)
    server.says("lobby", "1201")
    server.turn()
    assert listener.texts == numbers(1, 1201)
    assert server.asked("join")[-1] == {"room": "lobby", "since": 1, "epoch": "e1"}


def test_what_comes_twice_is_given_once(server):
    listener = Listener(joined(server, started(server)))
    server.says("lobby", "1")
    server.peer.tell(**server.logs["lobby"][0])
    server.says("lobby", "2")
    assert listener.texts == ["1", "2"]


def test_a_gap_is_filled_from_the_log(server):
    listener = Listener(joined(server, started(server)))
    server.says("lobby", "1")
    server.happens("lobby", "2")
    server.happens("lobby", "3")
    server.says("lobby", "4")
    server.turn()
    server.says("lobby", "5")
    assert listener.texts == numbers(1, 5)


def test_a_gap_that_the_server_has_nothing_for_is_said(server):
    listener = Listener(joined(server, started(server)))
    server.happens("lobby", "1")
    server.scripts["history"] = lambda _request: {"events": server.logs["lobby"][3:], "more": False}
    for text in numbers(2, 3):
        server.happens("lobby", text)
    server.says("lobby", "4")
    server.turn()
    server.says("lobby", "5")
    assert listener.told[0] == Reset("lobby", 3, "e1")
    assert [event.text for event in listener.told[1:]] == ["4", "5"]


def test_another_log_is_said_and_begun_from_its_newest(server):
    client = started(server)
    room = joined(server, client)
    listener = Listener(room)
    server.says("lobby", "old")
    server.cut()
    server.epoch, server.logs = "e2", {}
    for text in numbers(1, 70):
        server.happens("lobby", text)
    server.turn(1)
    server.says("lobby", "71")
    assert listener.told[1] == Reset("lobby", 20, "e2")
    assert [event.text for event in listener.told[2:]] == numbers(21, 71)
    assert room.position == Position(71, "e2")


def test_who_takes_events_slowly_loses_none_and_holds_few(server):
    room = joined(server, started(server), buffer=10)
    for text in numbers(1, 200):
        server.says("lobby", text)
    assert len(room._sequence) == 10
    taken = []
    for _ in range(200):
        running = Running(room.__anext__())
        server.turn()
        taken.append(running.result.text)
    assert taken == numbers(1, 200)


def test_a_position_counts_what_was_taken_only(server):
    room = joined(server, started(server))
    server.says("lobby", "1")
    server.says("lobby", "2")
    assert room.position == Position(0, "e1")
    Running(room.__anext__())
    assert room.position == Position(1, "e1")


def test_events_of_types_yet_to_come_count_and_are_given(server):
    listener = Listener(joined(server, started(server)))
    server.happens("lobby", "", type="zap", volts=9)
    server.peer.tell(**server.logs["lobby"][0])
    server.happens("lobby", "", type="member", user=ANA, change="promoted")
    server.peer.tell(**server.logs["lobby"][1])
    server.says("lobby", "3")
    server.turn()
    first, second, third = listener.told
    assert isinstance(first, Unknown)
    assert isinstance(second, Unknown)
    assert (first.type, first.seq, first.fields["volts"], second.seq) == ("zap", 1, 9, 2)
    assert third.text == "3"


def test_what_is_not_kept_is_told_apart(server):
    room = joined(server, started(server))
    passing = []
    room.on_passing = passing.append
    server.peer.tell(type="presence", room="lobby", count=7)
    server.peer.tell(type="glow", room="lobby", on=True)
    server.peer.tell(type="read", room="lobby", seq=9)
    server.flush()
    assert passing[0] == Presence(room="lobby", count=7)
    assert (passing[1].type, passing[1].seq) == ("glow", None)
    listener = Listener(room)
    server.says("lobby", "1")
    assert listener.texts == ["1"]


def test_the_servers_spelling_of_a_name_is_the_rooms(server):
    room = joined(server, started(server), "Lobby")
    listener = Listener(room)
    server.says("lobby", "1")
    assert (room.name, listener.texts) == ("lobby", ["1"])


def test_a_room_that_was_left_ends(server):
    client = started(server)
    room = joined(server, client)
    listener = Listener(room)
    Running(room.leave())
    server.turn()
    assert listener.running.result == "ended"
    assert server.asked("leave") == [{"room": "lobby"}]
    server.cut()
    server.turn(1)
    assert len(server.asked("join")) == 1
    assert joined(server, client) is not room


def test_a_room_that_may_not_be_come_into_says_so(server):
    client = started(server)
    server.scripts["join"] = lambda _request: refusal("forbidden", "not for you")
    running = Running(client.join("secret"))
    server.turn()
    problem = running.error
    assert isinstance(problem, Refused)
    assert re.search("not for you", problem.message)
    del server.scripts["join"]
    assert joined(server, client, "secret").name == "secret"


def test_a_room_is_joined_once(server):
    client = started(server)
    joined(server, client)
    problem = Running(client.join("lobby")).error
    assert isinstance(problem, Refused)
    assert re.search("already", problem.message)


def test_who_is_put_out_is_told_what_was_before_and_why(server):
    listener = Listener(joined(server, started(server)))
    server.says("lobby", "1")
    server.happens("lobby", "", type="member", user=ANA, change="banned", reason="spam")
    server.peer.tell(**server.logs["lobby"][-1])
    server.flush()
    problem = listener.running.error
    assert isinstance(problem, Refused)
    assert re.search("spam", problem.message)
    assert problem.code == "banned"
    assert len(listener.told) == 2


def test_a_room_is_waited_for_until_there_is_a_connection(server):
    server.down = True
    client = client_of(server)
    Running(client.start())
    running = Running(client.join("lobby"))
    server.turn()
    server.down = False
    server.turn(1)
    server.turn()
    assert running.result.name == "lobby"


def test_history_and_people_can_be_asked_for(server):
    for text in numbers(1, 9):
        server.happens("lobby", text)
    room = joined(server, started(server))
    page, people = Running(room.history(before=5, limit=2)), Running(room.who())
    server.turn()
    assert [event.text for event in page.result.events] == ["3", "4"]
    assert [user.name for user in people.result] == ["Ana"]


def test_giving_up_waiting_does_no_harm(server):
    room = joined(server, started(server))
    given_up = Running(room.__anext__())
    given_up.deferred.cancel()
    running = Running(room.__anext__())
    server.says("lobby", "1")
    assert running.result.text == "1"


def test_coming_back_into_many_rooms_keeps_to_the_servers_rate(server):
    server.limits = {"requests_per_second": 20}
    client = started(server)
    rooms = [Running(client.join(f"room{number}")) for number in range(100)]
    for _ in range(100):
        server.turn(0.05)
    assert all(room.results for room in rooms)
    server.cut()
    server.turn(1)
    assert len(server.asked("join")) <= 140
    for _ in range(100):
        server.turn(0.05)
    assert len(server.asked("join")) == 200


def test_an_entry_that_a_lost_connection_has_overtaken_does_no_harm(server):
    for text in numbers(1, 5):
        server.happens("lobby", text)
    client = started(server)
    server.scripts["join"] = lambda _request: refusal("rate_limited", "too fast", 3)
    running = Running(client.join("lobby", since=2))
    server.turn()
    del server.scripts["join"]
    server.cut()
    server.turn(1)
    listener = Listener(running.result)
    server.turn(3)
    server.says("lobby", "6")
    assert listener.texts == numbers(3, 6)
