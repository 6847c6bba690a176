"""Members that follow a room as a client should, and complain at once of what is not as promised."""

from __future__ import annotations

from typing import Any

from .house import House, Talker

LOGGED = ("message", "edited", "deleted", "reaction")


class Follower:
    """What one guest knows of one room, over any number of connections.

    Every event is to come once and in order: first those in the answer to `join`, then live ones,
    and where there is `more`, from `history`, with live ones kept aside meanwhile.
    """

    def __init__(self, house: House, name: str, room: str) -> None:
        self.house = house
        self.name = name
        self.room = room
        self.talker: Talker | None = None
        self.token: str | None = None
        self.state = "away"
        """away (from the room), joining, in, leaving"""
        self.position: int | None = None
        """The last seq applied; None before the first join."""
        self.applied: list[int] = []
        self.said: dict[int, str | None] = {}
        """What each message says, None if it was taken back."""
        self.under: dict[int, set[tuple[str, str]]] = {}
        """What is under each message: emoji, and whose."""
        self.unanswered: dict[int, tuple[str, dict[str, Any]]] = {}
        self.unkept: list[dict[str, Any]] = []
        """Posts that were not answered with ok, to be tried again with their keys."""
        self.aside: list[dict[str, Any]] | None = None
        self.here: set[str] = set()
        """Whom they see in the room."""
        self._until = 0
        self._read = 0

    # What the test makes it do.

    def connect(self) -> None:
        self.talker, self._read = Talker(self.house), 0
        self._ask("hello", name=self.name, token=self.token)

    def join(self) -> None:
        self.state = "joining"
        self._ask("join", room=self.room, since=self.position, epoch="epoch-1")

    def leave(self) -> None:
        self.state = "leaving"
        self._ask("leave", room=self.room)

    def post(self, text: str, key: str) -> None:
        self._ask("post", room=self.room, text=text, key=key)

    def post_again(self) -> None:
        """What was not answered, with the same key."""
        unkept, self.unkept = self.unkept, []
        for fields in unkept:
            self._ask("post", **fields)

    def change(self, kind: str, seq: int, text: str) -> None:
        self._ask(kind, room=self.room, seq=seq, text=text)

    def react(self, seq: int, emoji: str, on: bool) -> None:
        self._ask("react", room=self.room, seq=seq, emoji=emoji, on=on)

    def read_on(self) -> None:
        """Ask for the next part of what it missed."""
        self._ask("history", room=self.room, after=self.position, limit=3)

    def drop(self) -> None:
        """Lose the connection; what was told before is read first."""
        self.hear()
        self.talker.drop()
        self.unkept += [fields for kind, fields in self.unanswered.values() if kind == "post"]
        self.unanswered.clear()
        self.talker, self.state, self.aside = None, "away", None

    @property
    def reading(self) -> bool:
        """Whether it has asked for a part of what it missed and not got it yet."""
        return any(kind == "history" for kind, _ in self.unanswered.values())

    # What it makes of what it is told.

    def hear(self) -> None:
        """Take in all that has come."""
        if self.talker is None:
            return
        heard = self.talker.hear()
        fresh, self._read = heard[self._read :], len(heard)
        for one in fresh:
            if one["type"] in LOGGED:
                self._live(one)
            elif one["type"] == "presence":
                (self.here.add if one["state"] == "online" else self.here.discard)(one["user"]["name"])
            elif "id" in one:
                self._answered(*self.unanswered.pop(one["id"]), one)

    def _ask(self, kind: str, **fields: Any) -> None:
        self.unanswered[self.talker.say(kind, **fields)] = kind, fields

    def _answered(self, kind: str, fields: dict[str, Any], answer: dict[str, Any]) -> None:
        if answer["type"] == "error":
            assert answer["code"] in ("unavailable", "not_found"), answer
            if kind == "post":
                self.unkept.append(fields)
            if kind == "join":
                self.state = "away"
        elif kind == "hello":
            self.token = answer["token"]
        elif kind == "join":
            self._joined(answer)
        elif kind == "history":
            self._caught_up(answer)
        elif kind == "leave":
            self.state, self.aside = "away", None

    def _joined(self, answer: dict[str, Any]) -> None:
        self.state, head, events = "in", answer["room"]["head"], answer["events"]
        self.here = {one["name"] for one in answer["members"]}
        if self.position is None:
            assert not answer["recovered"]
            assert not answer["more"]
            self.position = events[0]["seq"] - 1 if events else head
        else:
            assert answer["recovered"], "it was here before, in the same log"
        for event in events:
            self._apply(event)
        if answer["more"]:
            assert self.position < head
            self.aside, self._until = [], head
        else:
            assert self.position == head

    def _live(self, event: dict[str, Any]) -> None:
        assert self.state in ("in", "leaving"), f"told of {event['seq']} while {self.state}"
        if self.aside is not None:
            assert event["seq"] == (self.aside[-1]["seq"] if self.aside else self._until) + 1
            self.aside.append(event)
        else:
            self._apply(event)

    def _caught_up(self, answer: dict[str, Any]) -> None:
        if self.aside is None:
            return
        for event in answer["events"]:
            if event["seq"] <= self._until:
                self._apply(event)
        if self.position == self._until:
            aside, self.aside = self.aside, None
            for event in aside:
                self._apply(event)
        else:
            assert answer["more"]

    def _apply(self, event: dict[str, Any]) -> None:
        assert event["seq"] == self.position + 1, f"{event['seq']} after {self.position}"
        assert event["room"] == self.room
        self.position = event["seq"]
        self.applied.append(event["seq"])
        if event["type"] == "message":
            self.said[event["seq"]] = None if event.get("deleted") else event["text"]
            tallies = event.get("reactions", [])
            self.under[event["seq"]] = {(one["emoji"], who) for one in tallies for who in one["by"]}
        elif event["type"] == "reaction":
            mark = event["emoji"], event["by"]["id"]
            under = self.under.get(event["target"], set())
            (under.add if event["on"] else under.discard)(mark)
        elif event["target"] in self.said:
            self.said[event["target"]] = event["text"] if event["type"] == "edited" else None
            # An edit of what was deleted since reads as empty, in a log that is read later.
            if event["type"] == "edited" and not event["text"]:
                self.said[event["target"]] = None
