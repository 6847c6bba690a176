"""Deliberately broken servers: each is the correct echo with one thing wrong.

They are how we know that the gate can fail. `python -m tests.compliance.broken` serves all of them, each
on a free port of its own, and prints "NoPong listening on 12345" for each.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from sys import executable
from typing import Any, ClassVar

from autobahn.websocket.types import ConnectionDeny
from twisted.internet import reactor
from twisted.internet.address import IPv4Address

from .echo import Echo, echo_factory
from .testee import process


class Broken(Echo):
    """One fault, and the cases that must find it."""

    cases: ClassVar[tuple[str, ...]]
    # False where kosoku is known to pass the fault: see engines.Kosoku.blind_to.
    kosoku_sees: ClassVar[bool] = True


class NoPong(Broken):
    """Answers no ping."""

    cases = ("2.1", "2.2")

    def onPing(self, payload: bytes) -> None:
        """Say nothing."""


class Utf8Unchecked(Broken):
    """Takes any bytes for text."""

    cases = ("6.3.1", "7.5.1")
    options: ClassVar[dict[str, Any]] = {"utf8validateIncoming": False}

    def _invalid_payload(self, reason: str) -> bool:
        return False


class Utf8CheckedLate(Broken):
    """Checks text only once the whole message is there: allowed, but NON-STRICT."""

    cases = ("6.4.1",)
    options: ClassVar[dict[str, Any]] = {"utf8validateIncoming": False}

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Echo what is well-formed."""
        try:
            payload if isBinary else payload.decode()
        except UnicodeDecodeError:
            self._invalid_payload("not UTF-8")
        else:
            super().onMessage(payload, isBinary)


class WrongCloseCode(Broken):
    """Closes with 1001, whatever the reason is."""

    cases = ("3.1", "7.7.1")

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        """Send the wrong code."""
        super().sendCloseFrame(1001, reasonUtf8, isReply)


class NoCloseReply(Broken):
    """Hangs up on a close frame without answering it."""

    cases = ("7.1.1",)

    def onCloseFrame(self, code: int, reasonRaw: bytes) -> bool | None:
        """Drop the connection."""
        self.dropConnection(abort=True)
        return None


class LeftOpen(Broken):
    """Finishes the closing handshake and then leaves the TCP connection open."""

    cases = ("1.1.1", "7.1.1")
    kosoku_sees = False

    def dropConnection(self, abort: bool = False) -> None:
        """Do nothing."""


class MaskedFrames(Broken):
    """Masks its frames, which only a client may."""

    cases = ("1.1.1", "1.1.2")
    kosoku_sees = False
    options: ClassVar[dict[str, Any]] = {"maskServerFrames": True}


class WrongAccept(Broken):
    """Answers the handshake with a Sec-WebSocket-Accept of some other key."""

    cases = ("1.1.1",)
    kosoku_sees = False

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Spoil the header on its way out."""
        spoilt = re.sub(rb"(Sec-WebSocket-Accept: )\S{4}", rb"\1AAAA", data)
        super().sendData(spoilt, sync, chopsize)


class Refuses(Broken):
    """Denies every handshake, as a wrong path would."""

    cases = ("1.1.1",)

    def onConnect(self, request: object) -> None:
        """Say 404."""
        raise ConnectionDeny(404)


class Lenient(Broken):
    """Overlooks every protocol fault of its peer."""

    cases = ("3.1", "5.1", "7.9.1")

    def _protocol_violation(self, reason: str) -> bool:
        return False


class FragmentsReversed(Broken):
    """Puts the fragments of a message together in the wrong order."""

    cases = ("5.3",)

    def onMessageFrameEnd(self) -> None:
        """Put each fragment before the earlier ones."""
        self.message_data[:0] = self.frame_data
        self.frame_data = []


class TextAsBinary(Broken):
    """Echoes text as binary."""

    cases = ("1.1.2",)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send it as the other kind."""
        self.sendMessage(payload, isBinary=True)


class SmallMessagesOnly(Broken):
    """Takes at most 64 KiB a message."""

    cases = ("9.1.2",)
    options: ClassVar[dict[str, Any]] = {"maxMessagePayloadSize": 65536}


class NoCompression(Broken):
    """Does not implement permessage-deflate."""

    cases = ("12.1.1",)
    options: ClassVar[dict[str, Any]] = {"perMessageCompressionAccept": lambda offers: None}


class ContextKept(Broken):
    """Agrees to compress each message by itself, and keeps the context all the same."""

    cases = ("13.2.1",)

    def onOpen(self) -> None:
        """Forget what was agreed."""
        if self._perMessageCompress is not None:
            self._perMessageCompress.server_no_context_takeover = False


class WindowTooLarge(Broken):
    """Agrees to a window of 512 bytes and compresses with 32 KiB."""

    cases = ("13.3.6",)
    kosoku_sees = False

    def onOpen(self) -> None:
        """Forget what was agreed."""
        if self._perMessageCompress is not None:
            self._perMessageCompress.server_max_window_bits = 15


BROKEN: tuple[type[Broken], ...] = tuple(Broken.__subclasses__())

CORRECT = Echo.__name__


def serve(log: Path) -> AbstractContextManager[Mapping[str, str]]:
    """All of them and the correct echo in one child process: yields URLs by class name."""
    argv = [executable, "-m", "tests.compliance.broken"]
    return process(argv, log, _announced, len(BROKEN) + 1)


def _announced(line: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"(\w+) listening on (\d+)", line)
    return (found[1], f"ws://127.0.0.1:{found[2]}/echo") if found else None


def _listen(say: Callable[[str], None]) -> None:
    servers: list[type[Echo]] = [Echo, *BROKEN]
    for server in servers:
        port = reactor.listenTCP(0, echo_factory(server), interface="127.0.0.1").getHost()
        assert isinstance(port, IPv4Address)
        say(f"{server.__name__} listening on {port.port}")


if __name__ == "__main__":
    _listen(print)
    reactor.run()
