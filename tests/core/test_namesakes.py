"""Names of guests on several nodes: nobody takes the name of one who is known of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain.model import User
from chatroom.namesakes import Namesakes
from chatroom.roster import BEAT, LEASE

from .house import House, Talker
from .nodes import Nodes


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


def there(nodes: Nodes, house: House, name: str, room: str = "lobby") -> Talker:
    talker = house.json(name)
    talker.say("join", room=room)
    nodes.settle()
    return talker


def refused(house: House, name: str) -> str:
    return str(Talker(house).ask("hello", name=name)["code"])


def test_a_guest_does_not_take_the_name_of_one_on_another_node(nodes):
    one, two = nodes.houses
    there(nodes, one, "Ana")
    eve = there(nodes, two, "Eve")
    assert refused(one, "eve") == "name_taken"
    assert one.json(token=eve.token, name="Eve").id == eve.id, "they may be on both"
    plain = one.plain("Eve")
    nodes.settle()
    plain.say("hello")
    nodes.settle()
    assert eve.events("message")[0]["by"]["name"] == "Eve-2"


def test_a_name_is_free_again_when_its_guest_is_gone_or_their_node_is(nodes):
    one, two = nodes.houses
    there(nodes, one, "Ana")
    eve, finn = there(nodes, two, "Eve"), there(nodes, two, "Finn")
    eve.drop()
    nodes.elapse(BEAT)
    assert one.json("Eve").welcome["type"] == "welcome"
    assert refused(one, "Finn") == "name_taken"
    assert finn.closed is None
    nodes.die(two)
    nodes.elapse(2 * LEASE)
    assert one.json("Finn").welcome["type"] == "welcome"


def test_a_name_in_a_room_that_nobody_here_is_in_any_more_is_not_known(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    there(nodes, two, "Eve")
    ana.drop()
    nodes.elapse(BEAT)
    assert one.people.elsewhere._names == {}
    assert one.json("Eve").welcome["type"] == "welcome"


def test_no_name_is_taken_elsewhere_while_nobody_hears_who_goes(nodes):
    one, two = nodes.houses
    there(nodes, one, "Ana")
    there(nodes, two, "Eve").drop()
    nodes.network.break_down()
    assert one.json("Eve").welcome["type"] == "welcome"


def test_a_guest_on_another_node_can_be_written_to_by_name(nodes):
    one, two = nodes.houses
    ana, eve = there(nodes, one, "Ana"), there(nodes, two, "Eve")
    ana.say("post", to="eve", text="psst")
    nodes.settle()
    assert [one["text"] for one in eve.events("message")] == ["psst"]


USERS = [User(one, name) for one, name in [("g1", "Ana"), ("g2", "ana"), ("s3", "Bob"), ("u4", "Ana")]]


@given(st.lists(st.sampled_from(USERS)), st.randoms())
def test_who_came_as_often_as_they_went_has_no_name(came, random):
    names = Namesakes()
    for user in came:
        names.came(user)
    for user in random.sample(came, len(came)):
        assert names.taken("ana", "g0") is any(one.id in ("g1", "g2") for one in came)
        names.went(user)
        came = [one for one in came if one is not user] + [user] * (sum(one is user for one in came) - 1)
    assert names._names == {}
    assert names.named("Ana") is None
