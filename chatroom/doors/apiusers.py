"""The HTTP API's users: accounts, who is connected, who is kept out."""

from __future__ import annotations

from http import HTTPStatus

from chatroom.domain import commands
from chatroom.domain.accounts import Principal
from chatroom.doors import apitypes as t
from chatroom.doors.operations import API, Answer, Call, Door, cursor_after, place_of

_ADDRESS = "address:"
_PASSED = 0
"""An `until` that has passed, which lifts a ban."""


@API.operation("GET", "/users", needs="manage:users", query=t.Paging, answer=t.People)
async def list_users(door: Door, call: Call) -> Answer:
    """The accounts of this server, by name."""
    wanted: t.Paging = call.query
    door.reception.meter(call.member)
    found = await door.users.users(call.member.principal, place_of(wanted.cursor), wanted.limit + 1)
    page = found[: wanted.limit]
    people = [_person(door, Principal(one.user, one.role)) for one in page]
    return Answer(t.People(people, cursor_after(page[-1].key) if len(found) > len(page) else None))


@API.operation(
    "POST", "/users", needs="manage:users", body=t.NewUser, answer=t.Person, status=HTTPStatus.CREATED
)
async def add_user(door: Door, call: Call) -> Answer:
    """Make an account, with which somebody can log in.

    A key makes members; an owner can make anybody anything.
    """
    wanted: t.NewUser = call.body
    door.reception.meter(call.member)
    principal = call.member.principal
    return Answer(_person(door, await door.users.add(principal, wanted.name, wanted.password, wanted.role)))


@API.operation("GET", "/users/<string:name>", needs="manage:users", answer=t.Person)
async def show_user(door: Door, call: Call, name: str) -> Answer:
    """One user, by name or id."""
    door.reception.meter(call.member)
    return Answer(_person(door, await door.users.user(call.member.principal, name)))


@API.operation("PATCH", "/users/<string:name>", needs="manage:users", body=t.NewRole, answer=t.Person)
async def set_role(door: Door, call: Call, name: str) -> Answer:
    """Give an account another role on the server, below one's own."""
    door.reception.meter(call.member)
    return Answer(_person(door, await door.users.set_role(call.member.principal, name, call.body.role)))


@API.operation("POST", "/users/<string:name>/disconnect", needs="manage:users", answer=t.Disconnected)
async def disconnect_user(door: Door, call: Call, name: str) -> Answer:
    """End all connections of a user. They can connect again; a ban keeps them out."""
    door.reception.meter(call.member)
    return Answer(t.Disconnected(await door.users.disconnect(call.member.principal, name)))


@API.operation("GET", "/bans", needs="manage:users", query=t.Paging, answer=t.Bans)
async def list_bans(door: Door, call: Call) -> Answer:
    """Who is kept off the server."""
    wanted: t.Paging = call.query
    door.reception.meter(call.member)
    after = place_of(wanted.cursor)
    found = [one for one in await door.users.bans(call.member.principal) if one.sanction.subject > after]
    page = found[: wanted.limit]
    shown = [
        t.Ban(
            one.sanction.subject,
            one.sanction.by,
            one.sanction.at,
            one.sanction.until,
            one.sanction.reason,
            one.user,
        )
        for one in page
    ]
    more = len(found) > len(page)
    return Answer(t.Bans(shown, cursor_after(page[-1].sanction.subject) if more else None))


@API.operation("POST", "/bans", needs="manage:users", body=t.NewBan, status=HTTPStatus.NO_CONTENT)
async def ban(door: Door, call: Call) -> Answer:
    """Keep a user or an address off the server, from now on."""
    wanted: t.NewBan = call.body
    command = commands.Ban(user=wanted.user, address=wanted.address, until=wanted.until, reason=wanted.reason)
    await door.reception.ask(call.member, command)
    return Answer(None)


@API.operation("DELETE", "/bans/<string:subject>", needs="manage:users", status=HTTPStatus.NO_CONTENT)
async def lift_ban(door: Door, call: Call, subject: str) -> Answer:
    """Let a user (by id or name) or an address (as `address:192.0.2.1`) in again."""
    if subject.startswith(_ADDRESS):
        command = commands.Ban(address=subject.removeprefix(_ADDRESS), until=_PASSED)
    else:
        command = commands.Ban(user=subject, until=_PASSED)
    await door.reception.ask(call.member, command)
    return Answer(None)


def _person(door: Door, found: Principal) -> t.Person:
    user = found.user
    return t.Person(user.id, user.name, user.kind, found.role, door.users.connections(user.id))
