"""chatroom.v1: one JSON object a message (docs/protocol.md)."""

import msgspec
from msgspec import Raw, Struct, structs

from chatroom.domain.commands import AnyCommand
from chatroom.domain.errors import BadJson, BadRequest, ChatError, UnknownType
from chatroom.domain.events import Event, Passing
from chatroom.domain.model import Id, User
from chatroom.domain.replies import AnyReply, Error, Joined

SUBPROTOCOL = "chatroom.v1"

_commands = msgspec.json.Decoder(AnyCommand)
_encoder = msgspec.json.Encoder()


class _Anything(Struct):
    """What of a malformed request can still be made out, to say what is wrong with it."""

    type: object = None
    id: object = None


_anything = msgspec.json.Decoder(_Anything)
_KNOWN = frozenset(str(command.__struct_config__.tag) for command in AnyCommand.__args__)


class Malformed(Exception):
    """A message that is no request; `reply` is what to answer."""

    def __init__(self, reply: Error) -> None:
        super().__init__(reply.message)
        self.reply = reply


def decode(payload: bytes) -> AnyCommand:
    """The request in `payload`; raises Malformed with the answer where there is none."""
    try:
        try:
            command: AnyCommand = _commands.decode(payload)
        except msgspec.ValidationError as error:
            # What is wrong further on in the same bytes, nobody has looked at yet.
            reply = _explained(payload, str(error))
        else:
            return command
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reply = refusal(BadJson(f"not JSON: {error}"))
    except RecursionError:
        reply = refusal(BadJson("nested too deeply"))
    raise Malformed(reply)


def _explained(payload: bytes, problem: str) -> Error:
    """What to answer to JSON that is no request."""
    try:
        request = _anything.decode(payload)
    except msgspec.ValidationError:
        return refusal(BadRequest("a request is a JSON object with a type"))
    try:
        number = msgspec.convert(request.id, Id | None)
    except msgspec.ValidationError:
        number = None
    if not isinstance(request.type, str):
        return refusal(BadRequest("a request has a type, which is a string"), number)
    if request.type not in _KNOWN:
        known = ", ".join(sorted(_KNOWN))
        return refusal(UnknownType(f"no request is called {request.type[:64]!r}; there are {known}"), number)
    return refusal(BadRequest(f"{request.type}: {problem}"), number)


def refusal(error: ChatError, number: Id | None = None) -> Error:
    """The reply that tells of `error`; `number` is the request's `id`."""
    return Error(id=number, code=error.code, message=error.message, retry_after=error.retry_after)


def encode(message: Event | Passing | AnyReply) -> bytes:
    """The UTF-8 bytes of an event or a reply."""
    if type(message) is Joined and len(message.members) >= _MANY:
        message = structs.replace(message, members=_crowd(message.members))
    return _encoder.encode(message)


def encode_any(value: object) -> bytes:
    """The UTF-8 bytes of any JSON."""
    return _encoder.encode(value)


_MANY = 30
"""From so many members on, what all who join are told of them is encoded once."""

_HELD = 64

_crowds: dict[int, tuple[tuple[User, ...], Raw]] = {}


def _crowd(members: tuple[User, ...]) -> Raw:
    """The JSON of `members`, of whom a room has the same tuple for all who join it."""
    held = _crowds.get(id(members))
    if held is None or held[0] is not members:
        if len(_crowds) >= _HELD:
            _crowds.clear()
        held = _crowds[id(members)] = members, Raw(_encoder.encode(members))
    return held[1]
