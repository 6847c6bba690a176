"""What nodes tell each other of who is where, word by word."""

from __future__ import annotations

from twisted.internet.task import Clock

from chatroom.domain.model import User
from chatroom.hub import Hub, LiveRoom
from chatroom.namesakes import Namesakes
from chatroom.neighbours import _INTRODUCTIONS
from chatroom.roster import BEAT, REPEATS, TURNS, Beat, Own, Present, Roster

from .nodes import Nodes

ANA, BOB = User("u1", "Ana"), User("u2", "Bob")


def full(own: Own, rooms: int) -> list[str]:
    """So many rooms have somebody in them, and that is told."""
    names = [f"room-{number}" for number in range(rooms)]
    for name in names:
        own.came(name, ANA)
    for _ in range(REPEATS + 1):
        own.beat()
    return names


class Listening:
    """A roster of one room, `lobby`, that another node tells of."""

    def __init__(self) -> None:
        self.hub = Hub(Clock())
        self.asked: list[str] = []
        self.names = Namesakes()
        self.roster = Roster(self.hub, Clock(), self.asked.append, self.names)
        self.lobby: LiveRoom = self.hub.open("lobby")
        self.hub.loaded(self.lobby, [], 0)
        self.roster.open(self.lobby)
        self.own = Own()
        self.roster.beat("another", self.own.whole())
        self.asked.clear()

    def hear(self, beat: Beat) -> None:
        """A beat; and what was asked for is answered."""
        self.roster.beat("another", beat)
        asked, self.asked[:] = list(self.asked), []
        for room in asked:
            self.roster.present("another", room, self.own.present(room))


def test_a_beat_names_where_somebody_moved_lately_and_a_part_of_the_rest():
    own = Own()
    names = full(own, 600)
    own.came(names[0], BOB)
    own.went(names[1], ANA)
    for _ in range(REPEATS):
        beat = own.beat()
        assert beat.rooms[names[0]][1] == 2
        assert beat.rooms[names[1]][1] == 0
        assert len(beat.rooms) < 100
    assert names[1] not in own.beat().rooms


def test_every_room_is_named_once_in_so_many_beats():
    own = Own()
    names = full(own, 100)
    named = [name for _ in range(TURNS) for name in own.beat().rooms]
    assert sorted(named) == sorted(names)
    assert own.whole().rooms.keys() == set(names)


def test_what_is_lost_in_all_beats_that_tell_of_it_is_noticed_in_the_rooms_turn():
    there = Listening()
    there.own.came("lobby", ANA)
    for _ in range(REPEATS):
        there.own.beat()
    for _ in range(TURNS):
        there.hear(there.own.beat())
    assert ANA.id in there.lobby.presences
    there.own.went("lobby", ANA)
    for _ in range(REPEATS):
        there.own.beat()
    for _ in range(TURNS):
        there.hear(there.own.beat())
    assert ANA.id not in there.lobby.presences
    assert there.roster.count("lobby") == 0


def test_one_who_comes_or_goes_among_many_is_told_alone():
    there = Listening()
    crowd = [User(f"u{number}", f"User {number}") for number in range(10, 200)]
    for user in crowd:
        there.own.came("lobby", user)
    there.hear(there.own.beat())
    assert len(there.lobby.presences) == there.roster.count("lobby") == len(crowd)
    came = there.own.came("lobby", ANA)
    went = there.own.went("lobby", crowd[3])
    assert came is not None
    assert went is not None
    there.roster.moved("another", "lobby", came)
    there.roster.moved("another", "lobby", came)
    there.roster.moved("another", "lobby", went)
    assert there.asked == []
    assert ANA.id in there.lobby.presences
    assert crowd[3].id not in there.lobby.presences
    assert len(there.lobby.presences) == there.roster.count("lobby") == len(crowd)
    # Each is there once: nothing is left when the node has nobody any more.
    there.roster.present("another", "lobby", Present(went.version, []))
    assert len(there.lobby.presences) == 0


def test_a_word_that_does_not_follow_on_what_is_known_is_asked_for():
    there = Listening()
    there.own.came("lobby", ANA)
    there.hear(there.own.beat())
    there.own.came("lobby", BOB)
    later = there.own.came("lobby", User("u3", "Cleo"))
    assert later is not None
    there.roster.moved("another", "lobby", later)
    assert there.asked == ["lobby"]


def test_nodes_that_all_come_back_at_once_do_not_tell_each_other_everything_each_time():
    nodes = Nodes(6)
    nodes.elapse(2 * BEAT)
    guests = [house.json(f"Guest {number}") for number, house in enumerate(nodes.houses)]
    for guest in guests:
        guest.say("join", room="lobby")
    nodes.elapse(1)
    nodes.network.break_down()
    nodes.elapse(BEAT)
    for bus in nodes.network.buses:
        bus.published.clear()
    nodes.network.mend()
    nodes.settle()
    told = [sum(payload[16:17] == b"B" for _topic, payload in bus.published) for bus in nodes.network.buses]
    assert max(told) <= _INTRODUCTIONS
    nodes.elapse(2 * BEAT)
    number = guests[0].say("who", room="lobby")
    nodes.settle()
    assert len(guests[0].answer(number)["members"]) == 6
