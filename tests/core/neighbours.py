"""A server with people on it whose things are none of a stranger's, and the strangers."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import jwt
from twisted.internet.defer import Deferred

from chatroom import tokens
from chatroom.domain.accounts import Account, ApiKey
from chatroom.sitekeys import OneKey, SigningKey
from chatroom.sitetokens import SiteTokens, SiteUser

from ..store.keeping import outcome
from .house import House, PlainTalker, Talker

SECRET = "0123456789abcdef" * 4
"""What the site signs its tokens with."""
PASSWORD = "correct horse"
"""Everybody's."""

PRIVATE_WORDS = ("the vault is behind the mirror", "nobody knows of us", "Title of the Vault", "topic of it")
"""What was said and written where the stranger is not."""

STRANGERS = ("nobody", "guest", "member", "site", "key", "muted")
"""Who may ask: not even a guest yet, somebody with an account, one of a site's people who is let into
one room, a program with a narrow key, a guest who may only listen."""


class Neighbours:
    """Ana, Olga (who owns the server) and Wes (on the plain dialect), at home, and a stranger.

    `things` are what a stranger may have got hold of: names and ids of what is others'.
    """

    def __init__(self, stranger: str) -> None:
        site = _Site()
        house = self.house = House(site=site)
        site.tokens = SiteTokens(OneKey(SigningKey("HS256", SECRET.encode())), house.clock, audience="chat")
        self.tokens = {name: house.account(name, role) for name, role in _PEOPLE.items()}
        self.ana = house.json(token=self.tokens["Ana"])
        self.olga = house.json(token=self.tokens["Olga"])
        self.wes: PlainTalker = house.plain("Wes")
        self.private = self._make_room("plans")
        self.vault = self._make_room("vault", title=PRIVATE_WORDS[2], topic=PRIVATE_WORDS[3])
        self.ana.ask("post", room=self.private, text=PRIVATE_WORDS[0])
        self.ana.ask("post", room=self.vault, text=PRIVATE_WORDS[0])
        self.direct = self.ana.ask("post", to="Olga", text=PRIVATE_WORDS[1])["room"]
        for room in ("lobby", self.private):
            self.ana.ask("join", room=room)
        self.olga.ask("post", room="lobby", text="welcome, everybody")
        self.tablet = Talker(house, address="198.51.100.98")
        self.tablet.ask("login", name="Ana", password=PASSWORD)
        devices = self.ana.ask("sessions")["sessions"]
        self.known, self.unknown = [one["id"] for one in devices]
        self.stranger = self._stranger(stranger)
        self._before = self.theirs()
        self.ana.hear()
        self.wes.hear()

    def _make_room(self, name: str, **more: str) -> str:
        made = put(self.ana, {"type": "room.create", "room": name, "kind": "private", **more})
        assert made is not None
        return str(made["room"]["name"])

    @property
    def things(self) -> dict[str, Any]:
        """What a stranger may have got hold of, by what it is."""
        return {
            "<private>": self.private,
            "<direct>": self.direct,
            "<ana>": self.ana.id,
            "<olga>": self.olga.id,
            "<session>": self.known,
            "<digest>": tokens.digest(self.tokens["Ana"]),
            "<dressed digest>": f"cs_{tokens.digest(self.tokens['Ana'])[:43]}",
            "<expired>": self.site_token(exp=self.house.clock.seconds() - 60),
            "<elsewhere>": self.site_token(aud="another"),
            "<as ana>": self.site_token(sub=self.ana.id, name="Ana", role="owner"),
            "<unsigned>": jwt.encode(self._claims(), "", "none"),
        }

    def site_token(self, key: str = SECRET, **claims: Any) -> str:
        """A token of the site's, for its Sue in the lobby unless `claims` say otherwise."""
        return jwt.encode(self._claims(**claims), key, "HS256")

    def _claims(self, **more: Any) -> dict[str, Any]:
        until = self.house.clock.seconds() + 600
        return {"sub": "sue", "name": "Sue", "aud": "chat", "rooms": ["lobby"], "exp": until, **more}

    def _stranger(self, which: str) -> Talker:
        house = self.house
        if which == "nobody":
            return Talker(house)
        if which == "member":
            return house.json(token=self.tokens["Mallory"])
        if which == "site":
            return house.json(token=self.site_token())
        if which == "key":
            secret = tokens.make(tokens.KEY)
            house.registry.add_account(Account("b" + "0" * 24, "sensor", "sensor", "bot"), None)
            key = ApiKey("k1", "sensor", "b" + "0" * 24, ("publish:lobby", "read:lobby"), 0)
            house.registry.add_key(key, tokens.digest(secret))
            return house.json(token=secret)
        guest = house.json("Mallory the guest")
        if which == "muted":
            assert self.olga.ask("mute", user=guest.id)["type"] == "ok"
        return guest

    def theirs(self) -> dict[str, Any]:
        """All that is Ana's and Olga's alone."""
        registry, found = self.house.registry, {}
        for who in (self.ana, self.olga):
            found[who.id] = [
                outcome(registry.account(who.id)),
                outcome(registry.memberships_of(who.id)),
                outcome(registry.logins(who.id)),
            ]
        for room in (self.private, self.vault):
            found[room] = [self.house.log(room), outcome(registry.memberships(room))]
            found[room].append(outcome(registry.room(room)))
        found[self.direct] = self.house.log(self.direct)
        found["lobby"] = self.house.log()[:1]
        return found

    def are_unharmed(self) -> None:
        """Nothing of theirs is another, and they are still there and hear what is said."""
        after = self.theirs()
        for what, before in self._before.items():
            if what in (self.ana.id, self.olga.id):
                # A stranger may write to anybody: that makes a direct room, and nothing else.
                account, places, logins = after[what]
                after[what] = [account, [one for one in places if one in before[1]], logins]
            assert after[what] == before
        present = (self.ana, self.tablet, self.olga, self.wes)
        assert [one.outlet.closed for one in present] == [None] * 4
        words = f"still here at {self.house.log()[-1].seq}"
        assert self.olga.ask("post", room="lobby", text=words)["type"] == "ok"
        self.house.settle()
        assert words in [event["text"] for event in self.ana.events("message")]
        assert words in self.wes.hear()
        again = Talker(self.house, address="198.51.100.99")
        assert again.ask("login", name="Ana", password=PASSWORD)["type"] == "welcome"

    def invitation(self) -> str:
        """An invitation of Olga's."""
        principal = self.house.people.connections(self.olga.id)[0].principal
        made = Deferred.fromCoroutine(self.house.core.accounts.invite(principal, "member", None, 1, 1))
        return str(outcome(made))

    def leaked(self) -> list[str]:
        """What the stranger has heard, and could not know."""
        told = json.dumps(self.stranger.hear(), ensure_ascii=False)
        hidden = (*PRIVATE_WORDS, self.vault, self.unknown, *self.tokens.values())
        return [words for words in hidden if words in told]


_PEOPLE: dict[str, Any] = {"Ana": "member", "Olga": "owner", "Mallory": "member"}


def put(talker: Talker, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The one answer to a request of any shape; None from a connection that was closed before."""
    number = f"asked {next(_numbers)}"
    listening = talker.outlet.closed is None
    talker.send(json.dumps(asked | {"id": number}).encode())
    talker.house.settle()
    found = [one for one in talker.hear() if one.get("id") == number]
    assert len(found) == (1 if listening else 0), found
    return found[0] if found else None


_numbers = count(1)


class _Site:
    """Judges a site's tokens by a clock that is there only once the house is."""

    tokens: SiteTokens

    async def check(self, token: str) -> SiteUser:
        return await self.tokens.check(token)
