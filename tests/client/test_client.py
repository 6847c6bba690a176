"""The client's connection: coming, going, coming back, and being refused."""

from __future__ import annotations

import re

import pytest

from chatroom.client import Disconnected, Refused, State, Stopped, Unreachable
from chatroom.client.backoff import LONGEST
from chatroom.domain import commands, replies

from .scripted import Running, ScriptedServer, client_of, joined, refusal, started


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


def test_it_says_who_it_is_and_is_welcome(server):
    client = client_of(server, name="Ana")
    running = Running(client.start())
    server.turn()
    assert running.result.user == client.me
    assert (client.me.name, client.epoch) == ("Ana", "e1")
    assert server.asked("hello") == [{"name": "Ana", "token": None, "client": "chatroom.client"}]


def test_a_key_is_shown_as_the_token(server):
    started(server, key="ck_secret")
    assert server.asked("hello") == [{"name": None, "token": "ck_secret", "client": "chatroom.client"}]


def test_a_password_is_shown_once_and_then_the_token_it_was_good_for(server):
    started(server, name="Ana", password="secret")
    server.cut()
    server.turn(1)
    assert [one["password"] for one in server.asked("login")] == ["secret"]
    assert [one["token"] for one in server.asked("hello")] == ["t1"]


def test_who_comes_back_is_the_same_guest(server):
    started(server, name="Ana")
    server.cut()
    server.turn(1)
    assert [one["token"] for one in server.asked("hello")] == [None, "t1"]


def test_a_server_that_is_not_there_is_tried_again_and_again(server):
    server.down = True
    client = client_of(server)
    waits = []
    client.on_state = lambda standing: waits.append(standing.wait)
    running = Running(client.start())
    for _ in range(9):
        server.turn(LONGEST)
    assert [wait for wait in waits if wait][:8] == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert not running.done
    server.down = False
    server.turn(LONGEST)
    assert running.result.user.name == "Ana"


def test_so_many_attempts_and_no_more_are_waited_for(server):
    server.down = True
    running = Running(client_of(server).start(attempts=2))
    server.turn()
    assert not running.done
    server.turn(0.5)
    problem = running.error
    assert isinstance(problem, Unreachable)
    assert re.search(r"nothing listens at server\.example:80", problem.message)


def test_a_server_that_says_when_to_come_back_is_left_alone_until_then(server):
    client = started(server)
    states = []
    client.on_state = states.append
    server.peer.tell(type="closing", reason="the server is restarting", reconnect_after=30)
    server.close(4000)
    server.turn()
    assert states[0].wait == 31
    assert "the server is restarting" in states[0].error.message
    server.turn(30.9)
    assert len(server.peers) == 1
    server.turn(0.2)
    assert len(server.peers) == 2
    assert states[-1].state is State.ONLINE


@pytest.mark.parametrize(
    ("code", "word"), [(4401, "bad_token"), (4403, "forbidden"), (4429, "too_many_connections")]
)
def test_whom_the_server_does_not_want_does_not_come_back(server, code, word):
    client = started(server)
    server.scripts["post"] = lambda _request: None
    waiting = [Running(client.post("hello", room="lobby")), Running(joined(server, client).__anext__())]
    server.close(code, "go away")
    server.turn(100)
    assert len(server.peers) == 1
    for one in (*waiting, Running(client.start()), Running(client.join("other"))):
        assert (type(one.error), one.error.code, one.error.message) == (Refused, word, "go away")


def test_a_hello_that_is_refused_for_good_is_not_said_again(server):
    server.scripts["hello"] = lambda _request: refusal("bad_token", "this API key is unknown here")
    client = client_of(server, key="ck_old")
    running = Running(client.start())
    server.turn(100)
    problem = running.error
    assert isinstance(problem, Refused)
    assert re.search("unknown here", problem.message)
    assert len(server.peers) == 1


def test_a_hello_that_came_too_often_is_said_again_later(server):
    server.scripts["hello"] = lambda _request: refusal("rate_limited", "too fast", 7)
    running = Running(client_of(server).start())
    server.turn()
    del server.scripts["hello"]
    server.peer.transport.loseConnection()
    server.turn(7.5)
    assert not running.done
    server.turn(0.6)
    assert running.result.user.name == "Ana"


def test_a_name_that_somebody_took_meanwhile_does_not_keep_us_out(server):
    started(server, name="Ana")
    server.scripts["hello"] = lambda request: (
        refusal("name_taken", "taken") if request["name"] else server._hello(request)
    )
    server.cut()
    for _ in range(6):
        server.turn(1)
    assert server.asked("hello")[-1] == {"name": None, "token": "t1", "client": "chatroom.client"}


def test_a_silent_server_is_asked_and_then_given_up(server):
    started(server)
    for _ in range(10):
        server.turn(20)
    assert len(server.peers) == 1
    server.alive = False
    server.turn(25)
    server.turn(21)
    server.turn(20)
    assert len(server.peers) == 2


def test_a_request_that_is_not_answered_ends_the_connection(server):
    client = started(server)
    server.scripts["who"] = lambda _request: None
    running = Running(client.who("lobby"))
    server.turn(31)
    problem = running.error
    assert isinstance(problem, Disconnected)
    assert re.search("does not answer", problem.message)


def test_a_request_without_a_connection_fails_at_once(server):
    running = Running(client_of(server).who("lobby"))
    assert isinstance(running.error, Disconnected)


def test_patience_that_is_asked_for_is_had(server):
    client = started(server)
    server.scripts["rooms"] = lambda _request: refusal("rate_limited", "too fast", 2)
    running = Running(client.rooms())
    server.turn()
    del server.scripts["rooms"]
    server.turn(2)
    assert running.result == []


def test_any_request_can_be_made_with_the_type_of_its_answer(server):
    client = started(server)
    running = Running(client.ask(commands.Who(room="lobby"), replies.Members))
    server.turn()
    assert running.result.count == 1


def test_an_answer_of_another_shape_is_a_refusal_and_no_crash(server):
    client = started(server)
    server.scripts["who"] = lambda _request: {"members": 7}
    running = Running(client.who("lobby"))
    server.turn()
    problem = running.error
    assert isinstance(problem, Refused)
    assert re.search("not understood", problem.message)


def test_what_is_no_json_and_what_answers_nothing_is_passed_over(server):
    client = started(server)
    server.peer.sendMessage(b"[1,2")
    server.peer.sendMessage(b"[]")
    server.peer.sendMessage(b"\x00", isBinary=True)
    server.peer.tell(type="ok", id=99)
    server.peer.tell(type="ok", id="x")
    running = Running(client.who("lobby"))
    server.turn()
    assert running.result.count == 1


def test_who_stops_takes_leave_and_what_is_under_way_fails(server):
    client = started(server)
    server.scripts["post"] = lambda _request: None
    post, more = Running(client.post("hello", room="lobby")), Running(client.start())
    listening = Running(joined(server, client).__anext__())
    stopping = Running(client.stop())
    server.turn()
    assert stopping.results == [None]
    assert more.results
    assert isinstance(post.error, Stopped)
    assert isinstance(listening.error, StopAsyncIteration)
    assert server.peer.remoteCloseCode == 1000
    server.turn(100)
    assert len(server.peers) == 1


def test_who_stops_while_waiting_is_stopped_too(server):
    server.down = True
    client = client_of(server)
    starting = Running(client.start())
    server.turn()
    stopping = Running(client.stop())
    assert stopping.results == [None]
    assert isinstance(starting.error, Stopped)


def test_what_belongs_to_no_room_is_told_to_whoever_listens(server):
    client = started(server)
    heard = []
    client.on_event = heard.append
    server.says("d-ana-bob", "psst")
    server.peer.tell(type="notice", text="hello all")
    server.flush()
    assert [event.text for event in heard] == ["psst", "hello all"]


def test_who_stops_during_the_handshake_is_stopped_too(server):
    client = client_of(server)
    starting = Running(client.start())
    stopping = Running(client.stop())
    server.turn()
    assert isinstance(starting.error, Stopped)
    assert stopping.results == [None]


def test_a_server_that_says_nothing_is_given_up(server):
    server.scripts["hello"] = lambda _request: None
    running = Running(client_of(server).start(attempts=1))
    server.turn(25)
    server.turn()
    assert isinstance(running.error, Unreachable)
