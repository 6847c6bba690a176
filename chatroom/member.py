"""A connection whose user is known, and the rooms it is in."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.domain.accounts import Principal
from chatroom.domain.errors import CloseCode
from chatroom.domain.model import User
from chatroom.domain.ports import Outlet
from chatroom.hub import LiveRoom


class Grant(NamedTuple):
    """What was found out once: whoever asks to post into `asked` may, and it is called `room`.

    It holds while the rights' version is `version`.
    """

    asked: str
    room: str
    version: int


class Member:
    """Somebody on one connection. `address` is where from, None if that says nothing.

    `listening`: the one room of which the connection tells, and whose members do not see it.
    """

    __slots__ = ("address", "expelled", "gone", "grant", "listening", "outlet", "principal", "rooms")

    def __init__(
        self, principal: Principal, outlet: Outlet, address: str | None = None, listening: str | None = None
    ) -> None:
        self.principal = principal
        self.outlet = outlet
        self.address = address
        self.listening = listening
        self.rooms: dict[str, LiveRoom] = {}
        self.grant: Grant | None = None
        """The leave to post, where they last did."""
        self.gone = False
        self.expelled = False
        """Whether the connection is being closed, and nothing more is done for it."""

    @property
    def user(self) -> User:
        """Who it is."""
        return self.principal.user

    def renew(self, principal: Principal) -> None:
        """The same user, let in by something newer."""
        self.principal = principal._replace(user=self.user)
        self.grant = None

    def expel(self, code: CloseCode, reason: str) -> None:
        """End the connection: whoever it is may not be here any more."""
        if not self.expelled and not self.gone:
            self.expelled = True
            self.outlet.close(code, reason)
