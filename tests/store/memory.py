"""A store in memory, for tests of what stands on a store: each step is taken when the test says so."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs
from twisted.internet.defer import Deferred

from chatroom.domain.errors import ChatError, Conflict, NotFound
from chatroom.domain.events import NAMED, Deleted, Edited, Event, MemberChanged, Message, Reaction, Tally
from chatroom.domain.model import By
from chatroom.domain.ports import PAGE_BYTES, Committed, Origin, Page
from chatroom.domain.rules import MOST_EMOJI


class MemoryStore:
    """A `chatroom.domain.ports.Store`, held to the contract by `contract`.

    What is asked of it waits for a step: `write` commits all drafts that wait, `announce` tells of
    the oldest commit that was not told of; `read` looks up the oldest question, `answer` gives the
    oldest answer. So a test can put anything between them. `broken` is what they fail with, if set;
    `cut` is what who appends is told while the commit is made all the same. `beside` is another
    node's, with the same logs.
    """

    def __init__(self, beside: MemoryStore | None = None) -> None:
        self.epoch = "epoch-1"
        self.on_commit: Callable[[Committed], None] = lambda _committed: None
        self.broken: ChatError | None = None
        self.cut: ChatError | None = None
        self.reads = 0
        self._logs: dict[str, list[Event]] = {}
        # What is under each message: emoji and author, in the order they came.
        self._marks: dict[tuple[str, int], list[tuple[str, str]]] = {}
        self._drafts: list[tuple[Event, Origin, Deferred[Event]]] = []
        self._commits: deque[list[tuple[Any, bool, Origin, Deferred[Event]]]] = deque()
        self._questions: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self._answers: deque[tuple[Any, Deferred[Any]]] = deque()
        if beside is not None:
            self._logs, self._marks = beside._logs, beside._marks

    # The steps.

    @property
    def steps(self) -> list[Callable[[], None]]:
        """Those that have something to do."""
        todo = [
            (self._drafts, self.write),
            (self._commits, self.announce),
            (self._questions, self.read),
            (self._answers, self.answer),
        ]
        return [step for waiting, step in todo if waiting]

    def settle(self) -> None:
        """Take steps until nothing waits."""
        while self.steps:
            self.steps[0]()

    def write(self) -> None:
        """Commit every draft that waits."""
        drafts, self._drafts = self._drafts, []
        made = [(*self._committed(draft), origin, done) for draft, origin, done in drafts]
        if self.cut is not None:
            made = [(self.cut, False, origin, done) for _result, _new, origin, done in made]
        self._commits.append(made)

    def announce(self) -> None:
        """Tell of the oldest commit."""
        fresh = []
        for result, new, origin, done in self._commits.popleft():
            if isinstance(result, ChatError):
                done.errback(result)
                continue
            if new:
                fresh.append((result, origin))
            done.callback(result)
        if fresh:
            self.on_commit(fresh)

    def read(self) -> None:
        """Look up the oldest question, as the log is now."""
        work, done = self._questions.popleft()
        self.reads += 1
        self._answers.append((self.broken or work(), done))

    def answer(self) -> None:
        """Give the oldest answer."""
        result, done = self._answers.popleft()
        if isinstance(result, ChatError):
            done.errback(result)
        else:
            done.callback(result)

    # The port.

    def append(self, draft: Event, origin: Origin = None) -> Deferred[Event]:
        done: Deferred[Event] = Deferred()
        self._drafts.append((draft, origin, done))
        return done

    def repeated(self, room: str, author: str, key: str) -> Deferred[Event | None]:
        return self._asked(lambda: self._repeated(room, author, key))

    def after(self, room: str, seq: int, limit: int, size: int = PAGE_BYTES) -> Deferred[Page]:
        return self._asked(lambda: _page([e for e in self._told(room) if e.seq > seq], limit, size))

    def before(self, room: str, seq: int | None, limit: int, size: int = PAGE_BYTES) -> Deferred[Page]:
        def work() -> Page:
            events = [e for e in self._told(room) if seq is None or e.seq < seq]
            page = _page(events[::-1], limit, size)
            return Page(page.events[::-1], page.more)

        return self._asked(work)

    def head(self, room: str) -> Deferred[int]:
        return self._asked(lambda: len(self._logs.get(room, [])))

    def heads(self, rooms: Collection[str]) -> Deferred[Mapping[str, int]]:
        return self._asked(lambda: {room: len(self._logs.get(room, [])) for room in rooms})

    def search(self, words: Sequence[str], rooms: Collection[str], limit: int) -> Deferred[Sequence[Message]]:
        wanted = {word.lower() for word in words}

        def work() -> Sequence[Message]:
            said = [e for room in rooms for e in self._told(room) if isinstance(e, Message) and not e.deleted]
            found = [e for e in said if wanted <= set(re.findall(r"\w+", e.text.lower()))]
            return sorted(found, key=lambda e: (e.at, e.seq), reverse=True)[:limit]

        return self._asked(work)

    def message(self, room: str, seq: int) -> Deferred[Message | None]:
        return self._asked(lambda: self._message(room, seq))

    # For a registry beside it.

    def logs(self) -> Mapping[str, Sequence[Event]]:
        """What is in each room's log, as it was written."""
        return self._logs

    def all_heads(self) -> dict[str, int]:
        """The `seq` of each room's newest event."""
        return {room: len(log) for room, log in self._logs.items()}

    def messages_by(self, author: str) -> list[Message]:
        """Somebody's messages that are not deleted."""
        said = [event for room in self._logs for event in self._events(room) if event.by.id == author]
        return [event for event in said if isinstance(event, Message) and not event.deleted]

    def rename_author(self, author: str, name: str) -> None:
        """Write another name over the author's."""
        for log in self._logs.values():
            log[:] = [_renamed(event, author, name) for event in log]

    def reactions_of(self, author: str) -> list[tuple[str, int, str]]:
        """What somebody has put under messages: room, message and emoji."""
        return [
            (room, seq, emoji)
            for (room, seq), marks in self._marks.items()
            for emoji, who in marks
            if who == author
        ]

    def forget_reactions(self, author: str) -> None:
        """Take all of theirs away."""
        for marks in self._marks.values():
            marks[:] = [mark for mark in marks if mark[1] != author]

    # What is behind it.

    def _asked(self, work: Callable[[], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self._questions.append((work, done))
        return done

    def _committed(self, draft: Event) -> tuple[Event | ChatError, bool]:
        if self.broken is not None:
            return self.broken, False
        first = draft.key and self._repeated(draft.room, draft.by.id, draft.key)
        if first:
            return first, False
        if isinstance(draft, Edited | Deleted | Reaction):
            target = self._message(draft.room, draft.target)
            if target is None or target.deleted:
                return NotFound("no such message"), False
            if isinstance(draft, Reaction):
                refused = self._react(draft)
                if refused is not None:
                    return refused, False
            if isinstance(draft, Deleted):
                self._marks.pop((draft.room, draft.target), None)
        log = self._logs.setdefault(draft.room, [])
        log.append(structs.replace(draft, seq=len(log) + 1))
        return log[-1], True

    def _react(self, draft: Reaction) -> Event | ChatError | None:
        marks = self._marks.setdefault((draft.room, draft.target), [])
        mark, kinds = (draft.emoji, draft.by.id), {emoji for emoji, _who in marks}
        if (mark in marks) == draft.on:
            return draft
        if not draft.on:
            marks.remove(mark)
        elif draft.emoji not in kinds and len(kinds) >= MOST_EMOJI:
            return Conflict(f"a message has at most {MOST_EMOJI} different reactions")
        else:
            marks.append(mark)
        return None

    def _tallies(self, room: str, seq: int) -> tuple[Tally, ...]:
        by: dict[str, list[str]] = {}
        for emoji, who in self._marks.get((room, seq), []):
            by.setdefault(emoji, []).append(who)
        return tuple(Tally(emoji, tuple(all_[:NAMED]), len(all_)) for emoji, all_ in by.items())

    def _told(self, room: str) -> list[Event]:
        """The log, with what is under each message."""
        return [
            structs.replace(event, reactions=self._tallies(room, event.seq))
            if isinstance(event, Message) and not event.deleted
            else event
            for event in self._events(room)
        ]

    def _events(self, room: str) -> list[Event]:
        """The log as it reads now: every text is what its message says now."""
        now: dict[int, Message] = {}
        for event in self._logs.get(room, []):
            if isinstance(event, Message):
                now[event.seq] = event
            elif isinstance(event, Edited):
                now[event.target] = structs.replace(now[event.target], text=event.text, edited=event.at)
            elif isinstance(event, Deleted):
                now[event.target] = structs.replace(now[event.target], text="", data=None, deleted=True)
        return [_current(event, now) for event in self._logs.get(room, [])]

    def _repeated(self, room: str, author: str, key: str) -> Event | None:
        return next((e for e in self._events(room) if (e.by.id, e.key) == (author, key)), None)

    def _message(self, room: str, seq: int) -> Message | None:
        found = [e for e in self._events(room) if e.seq == seq and isinstance(e, Message)]
        return found[0] if found else None


def _renamed(event: Event, user: str, name: str) -> Event:
    if event.by.id == user:
        event = structs.replace(event, by=By(user, name))
    if isinstance(event, MemberChanged) and event.user.id == user:
        event = structs.replace(event, user=structs.replace(event.user, name=name))
    return event


def _current(event: Event, now: dict[int, Message]) -> Event:
    if isinstance(event, Edited):
        return structs.replace(event, text=now[event.target].text)
    if isinstance(event, Reaction) and now[event.target].deleted:
        return structs.replace(event, emoji="")
    return now[event.seq] if isinstance(event, Message) else event


def _page(events: list[Event], limit: int, size: int) -> Page:
    chosen: list[Event] = []
    for event in events:
        if len(chosen) == limit or (chosen and size <= 0):
            return Page(chosen, True)
        chosen.append(event)
        size -= len(msgspec.json.encode(event))
    return Page(chosen, False)
