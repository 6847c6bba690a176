"""A site whose users come in by tokens of its own."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.domain.errors import BadToken
from chatroom.domain.model import Millis, Role

JWT = "a.b.c"


class Told(NamedTuple):
    """What the site says of somebody."""

    name: str = "Sue"
    id: str = "s" + "1" * 24
    role: Role = "member"
    rooms: tuple[str, ...] | None = None
    until: Millis = 2**50


class FakeSite:
    """Knows the tokens that a test writes down here."""

    def __init__(self) -> None:
        self.known: dict[str, Told] = {JWT: Told()}

    async def check(self, token: str) -> Told:
        try:
            return self.known[token]
        except KeyError:
            raise BadToken("not of this site") from None
