"""The HTTP API's rooms: which there are, and who is there."""

from __future__ import annotations

from chatroom.domain import commands, replies
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
