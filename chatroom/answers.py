"""What a webhook answers: a text that its bot says, in the room that it was told of."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.chat import Chat
from chatroom.domain import commands
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import ChatError, RateLimited, Unavailable
from chatroom.domain.model import Seq
from chatroom.domain.registry import Registry
from chatroom.domain.webhooks import Webhook
from chatroom.member import Member
from chatroom.metering import Meters
from chatroom.reception import SILENT


class Answer(Struct, frozen=True):
    """What of an answer's JSON is looked at."""

    text: str
    data: dict[str, Any] | None = None
    reply_to: Seq | None = None


_decoder = msgspec.json.Decoder(Answer)


class Answers:
    """Posts them, by the rules that hold for everybody, and at their pace."""

    _log = Logger()

    def __init__(self, chat: Chat, registry: Registry, meters: Meters) -> None:
        self._chat = chat
        self._registry = registry
        self._meters = meters

    async def post(self, hook: Webhook, room: str, message: str, body: bytes) -> None:
        """What was answered to `message` is said in `room`, once, however often it is answered.

        What is no answer is passed over. Raises Unavailable.
        """
        try:
            answer = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # most receivers answer `ok`, or nothing
        bot = await self._registry.account(hook.account)
        if bot is None or bot.deleted or not answer.text:
            return
        # What a key with these scopes may, its webhook's bot may.
        can = ("direct:*", *(f"publish:{one}" for one in hook.rooms))
        member = Member(Principal(bot.user, bot.role, scopes=can), SILENT)
        post = commands.Post(
            room=room, text=answer.text, key=f"webhook-{message}", data=answer.data, reply_to=answer.reply_to
        )
        try:
            self._chat.rights.check_entry(member.principal, None)
            await self._in_turn(bot.id)
            await self._chat.post(member, post)
        except Unavailable:
            raise
        except ChatError as error:
            self._log.warn(
                "webhook {name} may not say that in {room}: {why}",
                name=hook.name,
                room=room,
                why=error.message,
            )

    async def _in_turn(self, bot: str) -> None:
        """Wait until the bot may post: a webhook that is answered late is told late."""
        while True:
            try:
                return self._meters.post(bot, None)
            except RateLimited as error:
                moment: Deferred[None] = Deferred()
                self._chat.clock.callLater(error.retry_after or 1.0, moment.callback, None)
                await moment
