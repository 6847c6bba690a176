"""Who is online, and being the same guest again."""

import pytest

from chatroom.domain.accounts import Principal
from chatroom.domain.commands import Hello
from chatroom.domain.errors import BadRequest, BadToken, Forbidden, NameTaken, RateLimited
from chatroom.domain.limits import Limits
from chatroom.domain.model import User
from chatroom.member import Member
from chatroom.people import People
from chatroom.wire.dialects import json_dialect

from .outlets import FakeOutlet


@pytest.fixture
def people() -> People:
    return People(Limits())


def arrive(people: People, user: User) -> None:
    """One connection of a user more."""
    people.arrive(Member(Principal(user), FakeOutlet(json_dialect())))


def depart(people: People, user: User) -> None:
    """One connection of that user and name less."""
    people.depart(next(one for one in people.connections(user.id) if one.user == user))


def arrived(people: People, name: str | None = None, token: str | None = None):
    user, token = people.identify(Hello(name=name, token=token))
    arrive(people, user)
    return user, token


def test_a_guest_has_the_name_they_ask_for(people):
    user, token = people.identify(Hello(name="  Ana  Maria "))
    assert (user.name, user.kind) == ("Ana Maria", "guest")
    assert len(token) == 22


def test_every_guest_is_another(people):
    guests = [people.identify(Hello(name="Ana")) for _ in range(50)]
    assert len({user.id for user, _ in guests}) == len({token for _, token in guests}) == 50


def test_the_token_makes_the_same_guest_again_on_any_server(people):
    user, token = people.identify(Hello(name="Ana"))
    again, same = People(Limits()).identify(Hello(name="Ana", token=token))
    assert (again, same) == (user, token)


def test_an_id_does_not_give_the_token_away(people):
    user, token = people.identify(Hello(name="Ana"))
    assert token not in user.id
    with pytest.raises(BadToken):
        people.identify(Hello(name="Ana", token=user.id))


@pytest.mark.parametrize("token", ["", "x", "x" * 21, "x" * 23, "x" * 21 + "!", "x" * 22 + "\n", "é" * 22])
def test_a_token_that_is_none_is_refused(people, token):
    with pytest.raises(BadToken):
        people.identify(Hello(name="Ana", token=token))


@pytest.mark.parametrize("name", ["", "x" * 33, "a\nb", "\u202e"])
def test_a_name_that_is_none_is_refused(people, name):
    with pytest.raises(BadRequest):
        people.identify(Hello(name=name))


def test_guests_can_be_kept_out():
    with pytest.raises(Forbidden):
        People(Limits(), guests=False).identify(Hello(name="Ana"))


@pytest.mark.parametrize("name", ["Ana", "ANA", "  ana ", "\uff21na"])
def test_somebody_elses_name_is_taken(people, name):
    arrived(people, "Ana")
    with pytest.raises(NameTaken):
        people.identify(Hello(name=name))


def test_a_name_is_its_owners_on_every_connection(people):
    user, token = arrived(people, "Ana")
    assert arrived(people, "ana", token)[0].id == user.id


def test_a_name_is_free_when_its_last_connection_is_gone(people):
    user, token = arrived(people, "Ana")
    arrived(people, "Ana", token)
    depart(people, user)
    with pytest.raises(NameTaken):
        people.identify(Hello(name="Ana"))
    depart(people, user)
    assert people.identify(Hello(name="Ana"))[0].id != user.id


def test_a_guest_may_have_two_names_on_two_connections(people):
    ana, token = arrived(people, "Ana")
    anna, _ = arrived(people, "Anna", token)
    depart(people, ana)
    assert people.identify(Hello(name="Ana"))
    with pytest.raises(NameTaken):
        people.identify(Hello(name="Anna"))
    depart(people, anna)
    assert people.identify(Hello(name="Anna"))


def test_a_guest_without_a_name_gets_one_that_is_theirs_again(people):
    user, token = arrived(people)
    assert arrived(people, None, token)[0] == user


def test_a_guest_without_a_name_gets_one_that_nobody_has(people):
    user, token = people.identify(Hello())
    arrived(people, user.name)
    again, _ = people.identify(Hello(token=token))
    assert again.id == user.id
    assert again.name != user.name


def test_one_user_is_connected_only_so_often():
    people = People(Limits(connections_per_user=2))
    user, _ = arrived(people, "Ana")
    arrive(people, user)
    with pytest.raises(RateLimited):
        arrive(people, user)
    arrived(people, "Bob")
    depart(people, user)
    arrive(people, user)


def test_without_that_limit_as_often_as_they_like():
    people = People(Limits(connections_per_user=0))
    user, _ = arrived(people, "Ana")
    for _ in range(100):
        arrive(people, user)


def test_who_is_refused_leaves_no_trace():
    people = People(Limits(connections_per_user=1))
    user, _ = arrived(people, "Ana")
    with pytest.raises(RateLimited):
        arrive(people, user)
    depart(people, user)
    assert people.identify(Hello(name="Ana"))
    assert not people._names
    assert not people._members


def test_a_free_name_is_the_wanted_one_or_one_with_a_number(people):
    assert people.free_name(" Ana ") == "Ana"
    for expected in ("Ana", "Ana-2", "Ana-3"):
        assert people.free_name("Ana") == expected
        arrived(people, expected)


def test_a_free_name_is_no_longer_than_a_name_may_be(people):
    for _ in range(12):
        name = people.free_name("x" * 32)
        assert len(name) <= 32
        arrived(people, name)


def test_a_free_name_is_one_that_could_be_asked_for(people):
    arrived(people, "Ana B")
    arrived(people, "x" * 29 + " y")
    for wanted in ("  Ana   B ", "x" * 29 + " y"):
        name = people.free_name(wanted)
        assert people.identify(Hello(name=name))[0].name == name
        assert "  " not in name
        assert " -" not in name


def test_an_accounts_name_is_nobody_elses_until_it_has_none(people):
    people.register("u1", "ana")
    with pytest.raises(NameTaken):
        people.identify(Hello(name="Ana"))
    assert people.account_named("ANA") == "u1"
    assert people.free_name("Ana") == "Ana-2"
    assert people.free_name("Ana", "u1") == "Ana"
    people.register("u1", None)
    assert people.identify(Hello(name="Ana"))
    assert people.account_named("Ana") is None


def test_a_name_that_another_account_has_by_now_stays_its(people):
    people.register("u1", "ana")
    people.register("u2", "ana")
    people.register("u1", None)
    assert people.account_named("ana") == "u2"


def test_all_names_are_known_anew(people):
    people.register("u1", "ana")
    people.register_all({"u2": "bob"})
    assert (people.account_named("ana"), people.account_named("bob")) == (None, "u2")
    people.register("u2", None)
    assert people.account_named("bob") is None
