"""The dialects: each a codec and a framing, one shared object for all connections that speak it."""

from functools import cache

from chatroom.domain.events import Closing, Event, Message, Notice, Passing, ReadMark
from chatroom.domain.replies import AnyReply, Error
from chatroom.wire import frames, json, sse


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


class Events:
    """Server-sent events of one room: what chatroom.v1 tells of it, each event with its place in the
    log as its id, `EPOCH:SEQ`, which a client that comes back shows."""

    echoes = True

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch

    def event(self, event: Event | Passing) -> bytes | None:
        """The event; None for what is not about the room."""
        if isinstance(event, ReadMark):
            return None
        payload = json.encode(event)
        if isinstance(event, Closing):
            return sse.fields(payload, event="closing", retry=event.reconnect_after)
        if isinstance(event, Passing):
            return sse.fields(payload)
        return sse.fields(payload, id=f"{self.epoch}:{event.seq}")

    def reply(self, reply: AnyReply) -> bytes:
        """Why the stream ends."""
        return sse.fields(json.encode(reply), event="closing")

    def frame(self, payload: bytes) -> bytes:
        """A whole event."""
        return payload + sse.END

    def binary(self, _payload: bytes) -> bytes | None:
        """None: an event stream is text."""
        return None

    def place(self, seq: int, retry: float) -> bytes:
        """No event, but where the client is now, and after how many seconds to come back."""
        return self.frame(sse.fields(id=f"{self.epoch}:{seq}", retry=retry))

    def reset(self, room: str, head: int) -> bytes:
        """What follows does not follow on what the client has: the room's newest events, up to `head`."""
        payload = json.encode_any({"type": "reset", "room": room, "head": head})
        return self.frame(sse.fields(payload, event="reset"))


@cache
def events_dialect(epoch: str) -> Events:
    """A room's server-sent events, from the log of that epoch."""
    return Events(epoch)


@cache
def session_dialect() -> Json:
    """chatroom.v1 as server-sent events, one object each, for whom WebSockets do not reach."""
    return Json(lambda payload: sse.fields(payload) + sse.END)


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
