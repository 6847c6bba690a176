"""The dialects: each a codec and a framing, one shared object for all connections that speak it."""

from functools import cache

from chatroom.domain.events import Event, Message, Notice, Passing
from chatroom.domain.replies import AnyReply, Error
from chatroom.wire import frames, json


class Json:
    """chatroom.v1: every event, the author's own too."""

    echoes = True

    def __init__(self, frame: frames.Frame) -> None:
        self.frame = frame

    def event(self, event: Event | Passing) -> bytes:
        """The event as JSON."""
        return json.encode(event)

    def reply(self, reply: AnyReply) -> bytes:
        """The reply as JSON."""
        return json.encode(reply)

    def binary(self, _payload: bytes) -> bytes | None:
        """None: chatroom.v1 has no binary messages."""
        return None


class Plain:
    """The tutorial's dialect: the text of what others say, and nothing else.

    What goes wrong is told to who did it as a line that starts with an asterisk, the one way that
    this dialect has to tell anything.
    """

    echoes = False

    def __init__(self, frame: frames.Frame) -> None:
        self.frame = frame

    def event(self, event: Event | Passing) -> bytes | None:
        """A message's text, verbatim, unless it was taken back; a notice's; None for all else."""
        if isinstance(event, Notice) or (isinstance(event, Message) and not event.deleted):
            return event.text.encode()
        return None

    def reply(self, reply: AnyReply) -> bytes:
        """An error as a line for people."""
        return f"* {reply.message}".encode() if isinstance(reply, Error) else b""

    def binary(self, payload: bytes) -> bytes | None:
        """The message, uncompressed: most binary data is already."""
        return frames.frame(payload, frames.BINARY)


@cache
def json_dialect(window_bits: int = 0) -> Json:
    """chatroom.v1 over WebSocket; compressed where `window_bits` is not 0."""
    return Json(_framing(window_bits))


@cache
def plain_dialect(window_bits: int = 0) -> Plain:
    """The plain dialect over WebSocket; compressed where `window_bits` is not 0."""
    return Plain(_framing(window_bits))


@cache
def _framing(window_bits: int) -> frames.Frame:
    return frames.deflated(window_bits) if window_bits else frames.frame
