"""Who is kicked, banned or muted in a room, or loses their place: what they are told, and what no more."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom import fanout
from chatroom.domain.accounts import Sanction
from chatroom.domain.events import Message
from chatroom.domain.model import By

from .house import House, Talker, made, members


@pytest.fixture
def house() -> House:
    return House()


# Kicking and banning.


def inside(house: House, kind: str) -> tuple[Talker, Talker, str]:
    """Ana, who owns a room of that kind, and Bob, who is in it too."""
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind=kind)
    ana.does("room.invite", room=room, user="Bob")
    for talker in (ana, bob):
        talker.does("join", room=room)
    return ana, bob, room


def changes(talker: Talker) -> list[str]:
    """What a member was told of people's places, live."""
    return [event["change"] for event in talker.events("member")]


@pytest.mark.parametrize("kind", ["public", "private"])
@pytest.mark.parametrize(("asked", "change"), [("room.kick", "kicked"), ("room.ban", "banned")])
def test_who_is_put_out_is_told_so_last(house, asked, change, kind):
    ana, bob, room = inside(house, kind)
    again = house.json("Bob", token=bob.token)
    again.does("join", room=room)
    house.elapse(2)
    ana.does(asked, room=room, user="Bob", reason="spam")
    ana.does("post", room=room, text="he is gone")
    ana.does("typing", room=room, on=True)
    house.elapse(2)
    for device in (bob, again):
        told = [one for one in device.hear() if one.get("room") == room and one["type"] != "presence"]
        assert (told[-1]["change"], told[-1]["reason"]) == (change, "spam")
        assert device.closed is None
        assert device.fails("leave", room=room) == "not_found"
    assert ana.does("who", room=room)["count"] == 1
    assert ana.events("presence")[-1]["state"] == "offline"


@pytest.mark.parametrize("asked", ["room.kick", "room.ban"])
def test_a_plain_connection_that_is_put_out_is_closed(house, asked):
    ana = house.json("Ana")
    made(ana)
    plain = house.plain("Wes", "plans")
    house.settle()
    for text in ("1", "2"):
        ana.does("post", room="plans", text=text)
    ana.does(asked, room="plans", user="Wes")
    assert plain.outlet.closed == (4403, "you may not be in plans any more")
    ana.does("post", room="plans", text="3")
    plain.say("too late")
    house.settle()
    assert plain.hear() == ["1", "2"]
    assert [event.text for event in house.log("plans") if hasattr(event, "text")] == ["1", "2", "3"]


def test_what_a_plain_connection_has_sent_before_it_was_put_out_and_is_not_posted_yet_is_not_posted(house):
    ana = house.json("Ana")
    made(ana, "slow")
    ana.does("room.set", room="slow", slow=0.5)
    plain = house.plain("Wes", "slow")
    house.settle()
    for text in ("1", "2", "3"):
        plain.say(text)
    ana.say("room.kick", room="slow", user="Wes")
    house.settle()
    assert [event.text for event in house.log("slow") if isinstance(event, Message)] == ["1"]


def test_who_is_kicked_may_come_back_where_anybody_may(house):
    ana, bob, room = inside(house, "public")
    ana.does("room.kick", room=room, user="Bob")
    bob.does("join", room=room)
    ana.does("post", room=room, text="x")
    assert [one["text"] for one in bob.events()] == ["x"]


def test_who_is_kicked_out_of_a_private_room_has_no_place_there_any_more(house):
    ana, bob, room = inside(house, "private")
    ana.does("room.kick", room=room, user="Bob")
    for asked, fields in (("join", {}), ("history", {}), ("post", {"text": "x"}), ("read", {"seq": 1})):
        assert bob.fails(asked, room=room, **fields) == "not_found"
    assert [one["name"] for one in bob.does("rooms")["rooms"]] == []


@pytest.mark.parametrize("how", ["room.role", "elsewhere"])
def test_who_loses_their_place_in_a_private_room_is_put_out(house, how):
    ana, bob, room = inside(house, "private")
    if how == "elsewhere":
        house.registry.end_membership(room, bob.id)
        house.elapse(0.5)
    else:
        ana.does("room.role", room=room, user="Bob", role="guest")
        assert changes(bob)[-1] == "role"
    ana.does("post", room=room, text="x")
    assert bob.events() == []
    assert bob.fails("join", room=room) == "not_found"


def test_who_loses_their_place_in_a_public_room_stays(house):
    ana, bob, room = inside(house, "public")
    ana.does("room.role", room=room, user="Bob", role="guest")
    house.registry.end_membership(room, bob.id)
    house.elapse(0.5)
    ana.does("post", room=room, text="x")
    assert [one["text"] for one in bob.events()] == ["x"]


def test_what_is_committed_together_with_the_news_is_told_up_to_it(house):
    ana, bob, room = inside(house, "private")
    ana.say("post", room=room, text="before")
    ana.say("room.kick", room=room, user="Bob")
    house.store.append(Message(room=room, at=1, by=By("x", "X"), text="after"))
    house.store.append(Message(room="lobby", at=1, by=By("x", "X"), text="elsewhere"))
    bob.does("join", room="lobby")
    house.settle()
    assert len(house.store._logs[room]) == 4
    assert [one["text"] for one in bob.events() if one["room"] == room] == ["before"]
    assert changes(bob)[-1] == "kicked"
    assert [one["text"] for one in ana.events() if one["room"] == room] == ["before", "after"]


def test_in_a_large_room_too_who_is_put_out_is_told_so_and_of_all_before(house, monkeypatch):
    monkeypatch.setattr(fanout, "SLICE", 1)
    ana, bob, room = inside(house, "private")
    rest = [house.json(f"Guest {n}") for n in range(4)]
    for one in rest:
        ana.does("room.invite", room=room, user=one.id)
        one.does("join", room=room)
    last = rest[-1]
    ana.say("post", room=room, text="before")
    ana.say("room.kick", room=room, user=last.id)
    house.store.settle()
    house.store.append(Message(room=room, at=1, by=By("x", "X"), text="after"))
    house.settle()
    assert [one["text"] for one in last.events()] == ["before"]
    assert changes(last)[-1] == "kicked"
    for one in (ana, bob, *rest[:-1]):
        assert [event["text"] for event in one.events()] == ["before", "after"]
        assert changes(one)[-1] == "kicked"


@pytest.mark.parametrize("asked", ["room.kick", "room.ban", "room.role"])
@pytest.mark.parametrize("poll", range(12))
def test_the_news_comes_before_the_loss_whenever_changes_are_looked_at(house, asked, poll):
    """Between any two steps of losing a place, another look at the registry's changes."""
    ana, bob, room = inside(house, "private")
    house.registry.stepped = True
    more: dict[str, Any] = {"role": "guest"} if asked == "room.role" else {}
    ana.say(asked, room=room, user=bob.id, **more)
    for _ in range(poll):
        if house.steps:
            house.steps[0]()
    house.clock.advance(0.5)
    house.settle()
    assert changes(bob)[-1] in ("kicked", "banned", "role")
    assert bob.fails("join", room=room) in ("not_found", "banned")


def test_who_is_on_the_way_in_while_they_lose_their_place_does_not_get_in(house):
    ana, bob, room = inside(house, "private")
    for talker in (ana, bob):
        talker.does("leave", room=room)
    number = bob.say("join", room=room)
    house.store.read()
    house.registry.end_membership(room, bob.id)
    house.clock.advance(0.5)
    house.settle()
    assert bob.answer(number)["code"] == "not_found"
    assert house.hub.room(room) is None


def test_who_reads_while_they_lose_their_place_is_told_nothing_of_after_it(house):
    ana, bob, room = inside(house, "private")
    number = bob.say("history", room=room)
    house.registry.end_membership(room, bob.id)
    house.clock.advance(0.5)
    house.store.append(Message(room=room, at=1, by=By(ana.id, "Ana"), text="after"))
    house.settle()
    assert bob.answer(number)["code"] == "not_found"


@pytest.mark.parametrize("kind", ["public", "private"])
def test_a_ban_from_a_room_that_another_process_imposes_puts_out(house, kind):
    _ana, bob, room = inside(house, kind)
    house.registry.impose(Sanction("ban", room, bob.id, house.now, "u0"))
    house.elapse(0.5)
    assert bob.fails("leave", room=room) == "not_found"
    assert bob.closed is None


# Muting.


def test_who_is_muted_listens_and_does_not_speak_until_then(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    bob.does("join", room="plans")
    bob.does("post", room="plans", text="noise")
    ana.does("room.mute", room="plans", user="Bob", until=house.now + 10_000, reason="noise")
    for asked, fields in (
        ("post", {"text": "x"}),
        ("edit", {"seq": 1, "text": "x"}),
        ("delete", {"seq": 1}),
        ("typing", {"on": True}),
    ):
        answer = bob.ask(asked, room="plans", **fields)
        assert (answer["code"], answer["retry_after"]) == ("muted", 10)
        assert "noise" in answer["message"]
    bob.does("post", room="lobby", text="elsewhere")
    ana.does("post", room="plans", text="quiet")
    assert [one["text"] for one in bob.events("message")] == ["noise", "quiet"]
    assert [(one["change"], one["until"]) for one in bob.events("member")] == [("muted", house.now + 10_000)]
    house.elapse(10)
    bob.does("post", room="plans", text="x")


def test_a_mute_and_a_ban_are_taken_back_and_can_be_only_once(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    for asked, done, undone in (("room.mute", "muted", "unmuted"), ("room.ban", "banned", "unbanned")):
        assert ana.fails(asked, room="plans", user="Bob", until=0) == "not_found"
        ana.does(asked, room="plans", user="Bob")
        ana.does(asked, room="plans", user="Bob", until=0)
        assert ana.fails(asked, room="plans", user="Bob", until=0) == "not_found"
        assert [change for _, change, _ in members(house, "plans")][-2:] == [done, undone]
    bob.does("post", room="plans", text="back")


def test_who_is_banned_is_told_until_when_and_gets_in_after_that(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    ana.does("room.ban", room="plans", user="Bob", until=house.now + 60_000, reason="spam")
    for asked, fields in (("join", {}), ("history", {}), ("post", {"text": "x"}), ("who", {})):
        answer = bob.ask(asked, room="plans", **fields)
        assert (answer["code"], answer["retry_after"]) == ("banned", 60)
        assert "spam" in answer["message"]
    house.elapse(60)
    bob.does("join", room="plans")


def test_an_invitation_does_not_undo_a_ban(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind="private")
    ana.does("room.ban", room=room, user=bob.id)
    assert bob.fails("join", room=room) == "not_found"
    ana.does("room.invite", room=room, user="Bob")
    assert bob.fails("join", room=room) == "banned"
    ana.does("room.ban", room=room, user="Bob", until=0)
    bob.does("join", room=room)
