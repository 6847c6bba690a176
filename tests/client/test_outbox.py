"""What is posted is there once, in order, whatever happens on the way."""

from __future__ import annotations

import pytest

from chatroom.client import Refused

from .scripted import Running, ScriptedServer, client_of, refusal, started


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


def texts(server: ScriptedServer, room: str = "lobby") -> list[str]:
    return [event["text"] for event in server.logs.get(room, ())]


def test_posts_arrive_in_their_order_and_are_answered_with_their_place(server):
    client = started(server)
    posts = [Running(client.post(str(number), room="lobby")) for number in range(20)]
    server.turn()
    assert texts(server) == [str(number) for number in range(20)]
    assert [post.result.seq for post in posts] == list(range(1, 21))
    assert client.unsent == 0


def test_a_post_whose_answer_was_lost_is_there_once(server):
    client = started(server)

    def cut_off(request):
        server._post(request)
        del server.scripts["post"]
        server.clock.callLater(0, server.cut)

    server.scripts["post"] = cut_off
    posts = [Running(client.post(text, room="lobby")) for text in ("one", "two", "three")]
    for _ in range(4):
        server.turn(1)
    assert texts(server) == ["one", "two", "three"]
    assert [post.result.seq for post in posts] == [1, 2, 3]
    first, again = [one for one in server.asked("post") if one["text"] == "one"]
    assert first == again


def test_what_is_posted_without_a_connection_waits_for_one(server):
    client = client_of(server)
    post = Running(client.post("early", room="lobby", key="k1"))
    Running(client.start())
    server.turn()
    assert post.result.seq == 1
    assert server.asked("post")[0]["key"] == "k1"


def test_a_server_that_asks_for_patience_is_asked_again_in_the_same_order(server):
    client = started(server)
    refusals = iter([3, 0.5])

    def slow(request):
        wait = next(refusals, None)
        if wait is None:
            return server._post(request)
        return refusal("rate_limited", "too fast", wait)

    server.scripts["post"] = slow
    posts = [Running(client.post(text, room="lobby")) for text in ("one", "two")]
    server.turn()
    server.turn(2.9)
    assert len(server.asked("post")) == 1
    server.turn(0.2)
    server.turn(1)
    assert texts(server) == ["one", "two"]
    assert all(post.results for post in posts)


def test_a_post_that_is_refused_fails_and_the_next_goes_on(server):
    client = started(server)
    server.scripts["post"] = lambda request: (
        refusal("forbidden", "no") if request["text"] == "bad" else server._post(request)
    )
    bad, good = Running(client.post("bad", room="lobby")), Running(client.post("good", room="lobby"))
    server.turn()
    assert isinstance(bad.error, Refused)
    assert good.result.seq == 1


def test_a_post_at_which_the_server_hangs_up_is_not_sent_for_ever(server):
    client = started(server)

    def too_big(request):
        if request["text"] == "huge":
            server.clock.callLater(0, server.close, 1009)
            return None
        return server._post(request)

    server.scripts["post"] = too_big
    huge, good = Running(client.post("huge", room="lobby")), Running(client.post("good", room="lobby"))
    for _ in range(4):
        server.turn(1)
    assert huge.error.code == "too_long"
    assert good.result.seq == 1


def test_one_room_does_not_wait_for_another(server):
    client = started(server)
    server.scripts["post"] = lambda request: None if request["room"] == "stuck" else server._post(request)
    stuck, free = Running(client.post("a", room="stuck")), Running(client.post("b", room="free"))
    direct = Running(client.post("c", to="Bob"))
    server.turn()
    assert not stuck.done
    assert (free.result.seq, direct.result.seq) == (1, 1)


def test_only_so_many_wait_and_the_others_keep_their_order(server):
    client = client_of(server, capacity=2)
    posts = [Running(client.post(str(number), room="lobby")) for number in range(6)]
    assert client.unsent == 2
    Running(client.start())
    server.turn()
    assert texts(server) == ["0", "1", "2", "3", "4", "5"]
    assert all(post.results for post in posts)


def test_a_post_that_nobody_waits_for_any_more_harms_no_other(server):
    client = started(server)
    server.down = True
    server.cut()
    first, second = Running(client.post("one", room="lobby")), Running(client.post("two", room="lobby"))
    first.deferred.cancel()
    server.down = False
    server.turn(1)
    assert second.result.seq == len(texts(server))


def test_edits_and_deletions_go_the_same_way(server):
    client = started(server)
    server.scripts["edit"] = server.scripts["delete"] = lambda _request: {"seq": 7}
    edited, deleted = Running(client.edit("lobby", 1, "new")), Running(client.delete("lobby", 1))
    server.turn()
    assert (edited.result.seq, deleted.result.seq) == (7, 7)
    assert server.asked("edit")[0]["text"] == "new"


def test_posts_keep_to_the_servers_rate(server):
    server.limits = {"posts_per_second": 10}
    client = started(server)
    posts = [Running(client.post(str(number), room=f"room{number % 7}")) for number in range(100)]
    server.turn()
    at_once = len(server.asked("post"))
    assert 10 <= at_once <= 20
    for second in range(1, 12):
        for _ in range(20):
            server.turn(0.05)
        assert len(server.asked("post")) <= 20 + 10 * second
    assert all(post.results for post in posts)


def test_a_post_while_the_server_takes_its_leave_is_sent_on_the_next_connection(server):
    client = started(server)
    transport = server.peer.transport
    end, transport.abortConnection = transport.abortConnection, lambda: None
    transport.loseConnection = transport.abortConnection
    server.close(4000)
    post = Running(client.post("late", room="lobby"))
    server.turn()
    assert not post.done
    end()
    for _ in range(3):
        server.turn(1)
    assert post.result.seq == 1
    assert texts(server) == ["late"]
