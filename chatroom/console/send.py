"""`chatroom send`: a message, or one a line of standard input."""

from __future__ import annotations

import argparse
import secrets
import sys
from functools import partial

import msgspec
from msgspec import structs
from twisted.internet.defer import CancelledError, Deferred

from chatroom import terminal
from chatroom.client import Client, ClientError, Refused
from chatroom.console import profiles, running
from chatroom.console.lines import Cutter, Line, Reader
from chatroom.domain import replies
from chatroom.terminal import Commands, Mistake, Options, say

AHEAD = 200
"""So many lines are read that the server has not acknowledged."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "send",
        help="post a message, or one a line of standard input",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Post a message, or one a line of standard input:\n\n"
        "  chatroom send --room ops 'the backup is done'\n"
        "  tail -f app.log | chatroom send --room ops\n\n"
        "It ends when everything is on the server's disk. Where the server is away, it waits and sends\n"
        "again: no line is lost, and none is there twice.",
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the message; standard input without it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--room", metavar="ROOM", default="lobby", help="where to (%(default)s)")
    where.add_argument("--to", metavar="USER", help="to this user alone: a name or an id")
    parser.add_argument("--split", action="store_true", help="send what is too long for a message in pieces")
    parser.add_argument("--json", action="store_true", help="print the server's answer to each, one a line")
    running.add_wait(parser)
    profiles.add_to(parser)
    parser.set_defaults(action=_send)


def _send(options: Options) -> None:
    if options.text == "":
        raise Mistake("an empty message is none", terminal.MISUSED)
    running.talk(
        profiles.chosen(options),
        lambda client: Sending(client, options).whole(),
        agent="send",
        wait=options.wait,
        capacity=AHEAD,
    )


class Sending:
    """Messages on their way. Raises Mistake with the number of the line that cannot be sent, and
    Interrupted with how many were not acknowledged."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._limit = longest(client.limits)
        self._key = secrets.token_hex(12)
        self._count = 0
        self._sent = 0
        self._pending = 0
        self._ended = False
        self._problem: Mistake | None = None
        self._done: Deferred[None] = Deferred()
        self._reader: Reader | None = None
        self._progress = Progress(sys.stderr.isatty() and options.text is None)

    async def whole(self) -> None:
        """Send everything."""
        cutter = Cutter(self._limit, split=self._options.split)
        if self._options.text is None:
            self._reader = Reader(sys.stdin.fileno(), cutter, AHEAD, running.reactor.callFromThread)
            self._reader.start(self._take)
        else:
            for line in pieces(self._options.text, self._limit, self._options.split):
                self._take(line)
            self._take(None)
        try:
            await self._done
        except CancelledError:
            self._client.on_state = None
            raise running.Interrupted(self._unfinished()) from None
        finally:
            self._progress.clear()
        if self._problem is not None:
            raise self._problem

    def _take(self, line: Line | None) -> None:
        """The next message, or the end."""
        if self._problem is not None or self._done.called:
            return
        if line is None:
            self._ended = True
        elif line.text is None:
            self._fail(
                f"{self._name(line)} is longer than {self._limit} characters: --split sends it in pieces",
                terminal.COULD_NOT,
            )
        else:
            self._pending += 1
            self._count += 1
            key = f"{self._key}-{self._count}"
            posting = Deferred.fromCoroutine(self._post(line, line.text, key))
            posting.addBoth(partial(self._posted, line))
        self._check()

    async def _post(self, line: Line, text: str, key: str) -> replies.Posted:
        if self._options.to is not None:
            return await self._client.post(text, to=self._options.to, key=key)
        return await self._client.post(text, room=self._options.room, key=key)

    def _posted(self, line: Line, result: object) -> None:
        self._pending -= 1
        if isinstance(result, replies.Posted):
            self._sent += 1
            self._progress.show(self._sent, self._pending)
            if self._options.json:
                self._print(result)
            if self._reader is not None:
                self._reader.done()
        elif self._problem is None and not self._done.called:
            problem = getattr(result, "value", result)
            if not isinstance(problem, ClientError):
                self._done.errback(problem)  # type: ignore[arg-type]
                return
            of_a_line = self._options.text is None and isinstance(problem, Refused)
            said = f"{self._name(line)}: {problem.message}" if of_a_line else problem.message
            self._fail(said, running.status_of(problem))
        self._check()

    def _print(self, posted: replies.Posted) -> None:
        try:
            say(msgspec.json.encode(structs.replace(posted, id=None)).decode())
            sys.stdout.flush()
        except BrokenPipeError as error:
            if not self._done.called:
                self._done.errback(error)

    def _fail(self, message: str, status: int) -> None:
        """Nothing after this is sent; what was before is waited for."""
        self._problem = Mistake(message, status)

    def _check(self) -> None:
        if not self._done.called and not self._pending and (self._ended or self._problem is not None):
            self._done.callback(None)

    def _name(self, line: Line) -> str:
        return "the message" if self._options.text is not None else f"line {line.number}"

    def _unfinished(self) -> str:
        if not self._pending:
            return "interrupted; all that was read is sent"
        return f"interrupted; {self._pending} of {self._count} messages were not acknowledged"


def longest(limits: dict[str, float]) -> int:
    """How many characters a message may have, so that no encoding of it is too large; 0: any."""
    # At worst a character is \\uXXXX, or four bytes; the rest of the request is small.
    size = limits.get("message_bytes", 0)
    by_bytes = max(1, int((size - 1024) / 6)) if size else 0
    found = [limit for limit in (int(limits.get("text_length", 0)), by_bytes) if limit]
    return min(found, default=0)


def pieces(text: str, limit: int, split: bool) -> list[Line]:
    """A message given as an argument: line ends are part of it."""
    if not limit or len(text) <= limit:
        return [Line(1, text)]
    if not split:
        return [Line(1, None)]
    return [Line(1, text[start : start + limit]) for start in range(0, len(text), limit)]


class Progress:
    """One line on the terminal that says how far it is, where there is a terminal."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._last = 0.0
        self._drawn = False

    def show(self, sent: int, waiting: int) -> None:
        """So many are sent; at most ten times a second."""
        now = running.reactor.seconds()
        if self._shown and now - self._last >= 0.1:
            self._last = now
            self._drawn = True
            sys.stderr.write(f"\r{sent} sent, {waiting} on their way\x1b[K")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave no trace."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
