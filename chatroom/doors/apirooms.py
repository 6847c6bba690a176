"""The HTTP API's rooms: which there are, and who is there."""

from __future__ import annotations

from http import HTTPStatus

from chatroom.domain import commands, replies
from chatroom.domain.model import Room
from chatroom.doors import apitypes as t
from chatroom.doors.operations import API, Answer, Call, Door, cursor_after, place_of


@API.operation("GET", "/rooms", needs="read:ROOM", query=t.Paging, answer=t.Rooms)
async def list_rooms(door: Door, call: Call) -> Answer:
    """The rooms that the key may read, by name."""
    wanted: t.Paging = call.query
    after = place_of(wanted.cursor)
    found: replies.RoomList = await door.reception.ask(call.member, commands.Rooms())
    rooms = [room for room in found.rooms if room.name > after]
    page = rooms[: wanted.limit]
    return Answer(t.Rooms(page, cursor_after(page[-1].name) if len(rooms) > len(page) else None))


@API.operation("GET", "/rooms/<string:room>/members", needs="read:ROOM", answer=t.Members)
async def list_members(door: Door, call: Call, room: str) -> Answer:
    """Who is in a room now."""
    found: replies.Members = await door.reception.ask(call.member, commands.Who(room=room))
    return Answer(t.Members(list(found.members), found.count))


@API.operation("POST", "/rooms", needs="manage:rooms", body=t.NewRoom, answer=Room, status=HTTPStatus.CREATED)
async def make_room(door: Door, call: Call) -> Answer:
    """Make a room, and own it."""
    wanted: t.NewRoom = call.body
    command = commands.RoomCreate(room=wanted.room, kind=wanted.kind, title=wanted.title, topic=wanted.topic)
    made: replies.Made = await door.reception.ask(call.member, command)
    return Answer(made.room)


@API.operation("GET", "/rooms/<string:room>", needs="read:ROOM", answer=Room)
async def show_room(door: Door, call: Call, room: str) -> Answer:
    """One room."""
    door.reception.meter(call.member)
    return Answer(await door.rooms.room(call.member, room))


@API.operation("PATCH", "/rooms/<string:room>", needs="manage:rooms", body=t.RoomSettings, answer=t.Changed)
async def set_room(door: Door, call: Call, room: str) -> Answer:
    """Give a room another title, topic or pace."""
    wanted: t.RoomSettings = call.body
    command = commands.RoomSet(room=room, title=wanted.title, topic=wanted.topic, slow=wanted.slow)
    done: replies.Changed = await door.reception.ask(call.member, command)
    return Answer(t.Changed(room, done.seq))
