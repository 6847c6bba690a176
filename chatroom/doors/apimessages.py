"""The HTTP API's messages: publishing, changing, reading."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from chatroom.domain import commands, replies
from chatroom.domain.errors import ChatError, Internal
from chatroom.doors import apitypes as t
from chatroom.doors.operations import API, Answer, Call, Door
from chatroom.member import Member
from chatroom.reception import Reception

_log = Logger()


class _Numbered(Struct):
    seq: int


_numbered = msgspec.json.Decoder(_Numbered)


class Published(NamedTuple):
    """What became of a post. `status` is 200 where it was there before."""

    body: t.Posted | t.Kept
    status: HTTPStatus


async def publish(reception: Reception, member: Member, command: commands.Post) -> Published:
    """Post it. The status says whether it is a new one, or one that was sent again with its key."""
    asked = reception.chat.now()
    posted: replies.Posted = await reception.ask(member, command)
    if posted.seq is None or posted.at is None:
        return Published(t.Kept(posted.room), HTTPStatus.ACCEPTED)
    status = HTTPStatus.OK if posted.at < asked else HTTPStatus.CREATED
    return Published(t.Posted(posted.room, posted.seq, posted.at), status)


_PUBLISHED: dict[HTTPStatus, type[Struct]] = {HTTPStatus.OK: t.Posted, HTTPStatus.ACCEPTED: t.Kept}


@API.operation(
    "POST",
    "/rooms/<string:room>/messages",
    needs="publish:ROOM",
    body=t.NewMessage,
    answer=t.Posted,
    status=HTTPStatus.CREATED,
    others=_PUBLISHED,
    keyed=True,
)
async def publish_message(door: Door, call: Call, room: str) -> Answer:
    """Publish a message in a room.

    Answered once it is on disk. A request that is sent again with its `Idempotency-Key` publishes
    nothing, and is answered with 200 and what the first one was answered with.
    """
    wanted: t.NewMessage = call.body
    member = call.member
    if wanted.shown_as is not None:
        member = door.reception.member(member.principal, member.address, wanted.shown_as)
    command = commands.Post(
        room=room, text=wanted.text, key=call.key, reply_to=wanted.reply_to, data=wanted.data
    )
    return Answer(*await publish(door.reception, member, command))


@API.operation(
    "POST",
    "/users/<string:name>/messages",
    needs="direct:NAME",
    body=t.NewDirect,
    answer=t.Posted,
    status=HTTPStatus.CREATED,
    others={HTTPStatus.OK: t.Posted},
    keyed=True,
)
async def send_direct_message(door: Door, call: Call, name: str) -> Answer:
    """Send a message to one user, by name or id.

    It is in a room that only the two have, whose name the answer tells.
    """
    wanted: t.NewDirect = call.body
    command = commands.Post(
        to=name, text=wanted.text, key=call.key, reply_to=wanted.reply_to, data=wanted.data
    )
    return Answer(*await publish(door.reception, call.member, command))


@API.operation("GET", "/rooms/<string:room>/messages", needs="read:ROOM", query=t.Stretch, answer=t.Log)
async def read_log(door: Door, call: Call, room: str) -> Answer:
    """Read a room's log.

    It has messages and all else that happened there, each with its `seq`. Whoever has read up to
    a `seq` asks for what is new with `after`.
    """
    wanted: t.Stretch = call.query
    command = commands.History(room=room, before=wanted.before, after=wanted.after, limit=wanted.limit)
    found: replies.Events = await door.reception.ask(call.member, command)
    return Answer(_stretch(found.events, found.more, forward=wanted.after is not None))


@API.operation("GET", "/search", needs="read:ROOM", query=t.Wanted, answer=t.Found)
async def search(door: Door, call: Call) -> Answer:
    """Find messages by their words.

    The newest that have all of the words, as they are now, in one room or in all that the key may read.
    """
    wanted: t.Wanted = call.query
    command = commands.Search(query=wanted.query, room=wanted.room, limit=wanted.limit)
    found: replies.Found = await door.reception.ask(call.member, command)
    # They are encoded already, as everybody gets them.
    encoded: Any = found.messages
    return Answer(t.Found(encoded))


@API.operation(
    "PATCH",
    "/rooms/<string:room>/messages/<int:seq>",
    needs="publish:ROOM",
    body=t.NewText,
    answer=t.Changed,
    keyed=True,
)
async def edit_message(door: Door, call: Call, room: str, seq: int) -> Answer:
    """Give a message of one's own another text."""
    command = commands.Edit(room=room, seq=seq, text=call.body.text, key=call.key)
    return await _changed(door, call, room, command)


@API.operation(
    "DELETE",
    "/rooms/<string:room>/messages/<int:seq>",
    needs="publish:ROOM",
    answer=t.Changed,
    keyed=True,
)
async def delete_message(door: Door, call: Call, room: str, seq: int) -> Answer:
    """Take a message of one's own back."""
    command = commands.Delete(room=room, seq=seq, key=call.key)
    return await _changed(door, call, room, command)


async def _changed(door: Door, call: Call, room: str, command: commands.Command) -> Answer:
    done: replies.Changed = await door.reception.ask(call.member, command)
    return Answer(t.Changed(room, done.seq))


def _stretch(events: list[Raw], more: bool, *, forward: bool) -> t.Log:
    # They are encoded already, as everybody gets them.
    encoded: Any = events
    if not more or not events:
        return t.Log(encoded, more)
    return t.Log(encoded, more, _numbered.decode(events[-1 if forward else 0]).seq)


@API.operation("POST", "/messages", needs="publish:ROOM", body=t.Batch, answer=t.Results)
async def publish_batch(door: Door, call: Call) -> Answer:
    """Publish several messages, to rooms or to users.

    Each is answered by itself, in the order they were given in: one that cannot be published keeps no
    other back. Messages to one room are published in this order.
    """
    wanted: t.Batch = call.body
    done = [await _in_order(door.reception, call.member, message) for message in wanted.messages]
    return Answer(t.Results([await one for one in done]))


async def _in_order(reception: Reception, member: Member, message: t.BatchMessage) -> Deferred[t.Result]:
    """Start publishing a message, and wait as far as the next one has to."""
    chat = reception.chat
    if message.to is None and not chat.overlaps(member, message.room):
        await chat.prepare(member, message.room)
    overlaps = message.to is None and chat.overlaps(member, message.room)
    started = Deferred.fromCoroutine(_result(reception, member, message))
    if overlaps:
        return started
    return succeed(await started)


async def _result(reception: Reception, member: Member, message: t.BatchMessage) -> t.Result:
    command = commands.Post(
        room=message.room,
        to=message.to,
        text=message.text,
        key=message.key,
        reply_to=message.reply_to,
        data=message.data,
    )
    try:
        if message.shown_as is not None:
            member = reception.member(member.principal, member.address, message.shown_as)
        posted: replies.Posted = await reception.ask(member, command)
    except ChatError as error:
        return t.Result(error=t.Error(error.code, error.message, error.retry_after))
    except Exception:
        _log.failure("a message of several failed")
        wrong = Internal("the server made a mistake; it is logged")
        return t.Result(error=t.Error(wrong.code, wrong.message))
    return t.Result(posted.room, posted.seq, posted.at)


@API.operation(
    "PUT",
    "/rooms/<string:room>/messages/<int:seq>/reactions/<string:emoji>",
    needs="publish:ROOM",
    answer=t.Reacted,
)
async def react(door: Door, call: Call, room: str, seq: int, emoji: str) -> Answer:
    """Put an emoji under a message."""
    return await _reacted(door, call, commands.React(room=room, seq=seq, emoji=emoji, on=True))


@API.operation(
    "DELETE",
    "/rooms/<string:room>/messages/<int:seq>/reactions/<string:emoji>",
    needs="publish:ROOM",
    answer=t.Reacted,
)
async def take_reaction_back(door: Door, call: Call, room: str, seq: int, emoji: str) -> Answer:
    """Take one's own emoji away from under a message."""
    return await _reacted(door, call, commands.React(room=room, seq=seq, emoji=emoji, on=False))


async def _reacted(door: Door, call: Call, command: commands.React) -> Answer:
    done: replies.Reacted = await door.reception.ask(call.member, command)
    return Answer(t.Reacted(command.room, done.seq))
