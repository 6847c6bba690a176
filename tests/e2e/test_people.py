"""Who is who and who is where, on a real server: through a crash, and as things change under way."""

from __future__ import annotations

import pytest

from .clients import Json, JsonClient, PlainClient
from .conftest import Start
from .server import Server
from .test_administration import PASSWORD, given


class People:
    """Accounts of a server, made on the command line, and their connections."""

    def __init__(self, server: Server, *names: str) -> None:
        self.server = server
        for name in names:
            given(server, "user", "add", name, "--password-stdin", stdin=PASSWORD)

    def log_in(self, name: str) -> JsonClient:
        client = JsonClient(self.server.ws)
        client.me = client.ask("login", name=name, password=PASSWORD)
        assert client.me["type"] == "welcome", client.me
        return client

    def come_back(self, token: str) -> JsonClient:
        client = JsonClient(self.server.ws)
        client.me = client.hello(token=token)
        return client


@pytest.fixture
def people(server: Start) -> People:
    return People(server("--no-limits"), "Ana", "Bob")


def done(client: JsonClient, kind: str, /, **fields: object) -> Json:
    reply = client.ask(kind, **fields)
    assert reply["type"] == "ok", reply
    return reply


def texts(events: list[Json]) -> list[str]:
    return [event["text"] for event in events if event["type"] == "message"]


def test_a_crash_takes_nobodys_login_place_or_messages(people: People) -> None:
    with people.log_in("Ana") as ana, people.log_in("Bob") as bob, JsonClient(people.server.ws, "Gil") as gil:
        room = done(ana, "room.create", room="plans", kind="private", title="The plans")["room"]["name"]
        for user, role in ((bob, "moderator"), (gil, "member")):
            done(ana, "room.invite", room=room, user=user.me["user"]["id"], role=role)
        done(ana, "room.mute", room=room, user="Gil")
        done(ana, "room.create", room="news", kind="announcement")
        ana.post("the plan", room)
        direct = done(gil, "post", to="Bob", text="psst")["room"]
        done(bob, "read", room=room, seq=2)
        tokens = [one.me["token"] for one in (ana, bob, gil)]
        people.server.kill()
    people.server.start()
    ana, bob, gil = (people.come_back(token) for token in tokens)
    with ana, bob, gil:
        assert [one.me["user"]["name"] for one in (ana, bob)] == ["Ana", "Bob"]
        rooms = {one["name"]: one for one in done(bob, "rooms")["rooms"]}
        assert rooms[room]["role"] == "moderator"
        assert (rooms[room]["title"], rooms[room]["read"], rooms[room]["unread"]) == ("The plans", 2, 2)
        assert (rooms[direct]["other"]["name"], rooms[direct]["unread"]) == ("Gil", 1)
        assert rooms["news"]["kind"] == "announcement"
        assert texts(bob.join(room)["events"]) == ["the plan"]
        assert texts(done(bob, "history", room=direct)["events"]) == ["psst"]
        assert gil.ask("post", room=room, text="x")["code"] == "muted"
        assert gil.ask("post", room="news", text="x")["code"] == "forbidden"
        done(bob, "room.set", room=room, topic="still here")


def test_who_is_kicked_is_told_so_and_nothing_more(people: People) -> None:
    with people.log_in("Ana") as ana, people.log_in("Bob") as bob, JsonClient(people.server.ws, "Gil") as gil:
        room = done(ana, "room.create", room="plans", kind="private")["room"]["name"]
        for one in (bob, gil):
            done(ana, "room.invite", room=room, user=one.me["user"]["id"])
            # Whoever is invited hears of it before they are in the room.
            assert one.event("member")["change"] == "invited"
        for one in (ana, bob, gil):
            one.join(room)
        numbers = [bob.begin("post", room=room, text=str(n)) for n in range(50)]
        kick = ana.begin("room.kick", room=room, user="Bob")
        seq = ana.reply(kick)["seq"]
        ana.post("he is gone", room)
        assert bob.event("member")["seq"] == seq
        told = [bob.reply(number) for number in numbers]
        assert {one.get("code") for one in told} <= {None, "not_found"}
        # Asked last, so that all that was told before it has been read.
        assert bob.ask("join", room=room)["code"] == "not_found"
        heard = [event["seq"] for event in bob.events if event["type"] == "message"]
        assert all(one < seq for one in heard)
        everything = [
            gil.event()["text"] for _ in range(len([one for one in told if one["type"] == "ok"]) + 1)
        ]
        assert "he is gone" in everything
        assert [text for text in everything if text != "he is gone"] == [
            str(n) for n in range(len(everything) - 1)
        ]


def test_a_plain_connection_that_is_banned_from_its_room_is_closed(people: People) -> None:
    with people.log_in("Ana") as ana, PlainClient(people.server.ws + "?room=den&name=Wes") as wes:
        done(ana, "room.create", room="den")
        ana.join("den")
        wes.send("hello")
        user = ana.event()["by"]["id"]
        done(ana, "room.ban", room="den", user=user)
        assert wes.end() == 4403


def test_a_message_to_one_user_reaches_every_device_of_both_once(people: People) -> None:
    with people.log_in("Ana") as ana, people.log_in("Bob") as bob, people.log_in("Bob") as there:
        room = done(ana, "post", to="Bob", text="0")["room"]
        for n in range(1, 20):
            (ana if n % 2 else bob).begin("post", room=room, text=str(n))
        for device in (ana, bob, there):
            assert [device.event()["seq"] for _ in range(20)] == list(range(1, 21))
        assert done(there, "read", room=room, seq=20)["seq"] == 20
        assert bob.event("read")["seq"] == 20


@pytest.mark.parametrize("how", ["here", "command line"])
def test_a_deleted_accounts_name_is_in_no_history(people: People, how: str) -> None:
    with people.log_in("Ana") as ana, people.log_in("Bob") as bob:
        for one in (ana, bob):
            one.join("den")
        for n in range(20):
            ana.post(str(n), "den")
        given(people.server, "user", "role", "Bob", "moderator")
        while bob.ask("room.mute", room="den", user="Ana")["type"] == "error":
            pass  # until the server has noticed
        if how == "here":
            done(ana, "account.delete", password=PASSWORD)
        else:
            given(people.server, "user", "delete", "Ana", "--yes")
        assert ana.end() == 4401
        with JsonClient(people.server.ws, "Gil") as gil:
            for events in (
                gil.join("den")["events"],
                done(gil, "history", room="den", after=0)["events"],
                done(gil, "history", room="den", before=22)["events"],
            ):
                told = {
                    name for one in events for name in (one["by"]["name"], one.get("user", {}).get("name"))
                }
                assert told - {None} == {"deleted", "Bob"}
        with JsonClient(people.server.ws) as again:
            assert again.ask("login", name="Ana", password=PASSWORD)["code"] == "bad_token"
            assert again.hello(name="Ana")["user"]["kind"] == "guest"
    people.server.kill()
    people.server.start()
    with people.log_in("Bob") as bob:
        assert "Ana" not in str(bob.join("den", since=0)["events"])


def test_a_purge_takes_all_that_somebody_has_said(people: People) -> None:
    given(people.server, "user", "role", "Ana", "moderator")
    with people.log_in("Ana") as ana, people.log_in("Bob") as bob, JsonClient(people.server.ws, "Gil") as gil:
        gil.join("den")
        direct = done(bob, "post", to="Gil", text="spam")["room"]
        numbers = [bob.begin("post", room="den", text=f"spam {n}") for n in range(450)]
        for number in numbers:
            assert bob.reply(number)["type"] == "ok"
        gil.post("no spam", "den")
        assert done(ana, "purge", user="Bob")["count"] == 451
        assert len([gil.event("deleted") for _ in range(451)]) == 451
        assert texts(done(gil, "history", room=direct)["events"]) == [""]
        kept = [
            text for text in texts(done(gil, "history", room="den", after=0, limit=500)["events"]) if text
        ]
        assert kept == ["no spam"]
