"""Everything that can be wrong with a request: a code for programs, a sentence for people."""

from enum import IntEnum
from typing import ClassVar


class CloseCode(IntEnum):
    """Why a connection ends (RFC 6455, section 7.4.2).

    4000-4099 say "come back", 4400-4499 "do not come back as you are".
    """

    RESTARTING = 4000
    SLOW = 4008
    UNIDENTIFIED = 4401
    FORBIDDEN = 4403
    TOO_MANY = 4429


class ChatError(Exception):
    """A request that is not done.

    `code` is the word programs go by. `again`: the same request may succeed later, in
    `retry_after` seconds where that is known.
    """

    code: ClassVar[str]
    again: ClassVar[bool] = False

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class BadJson(ChatError):
    """Not JSON, or not UTF-8, or nested past all reason."""

    code = "bad_json"


class BadRequest(ChatError):
    """JSON, but not of the shape this request has."""

    code = "bad_request"


class UnknownType(ChatError):
    """No request of that type."""

    code = "unknown_type"


class HelloFirst(ChatError):
    """Asked for something before saying who is asking."""

    code = "hello_first"


class NotFound(ChatError):
    """No such room or message, or none that may be seen."""

    code = "not_found"


class Forbidden(ChatError):
    """Not for this user."""

    code = "forbidden"


class NameTaken(ChatError):
    """Somebody else has that name now."""

    code = "name_taken"


class BadToken(ChatError):
    """A token this server did not give, or gave too long ago."""

    code = "bad_token"


class Banned(ChatError):
    """Kept out, of the room or of the whole server."""

    code = "banned"


class Muted(ChatError):
    """May listen, but not speak, for `retry_after` seconds where that is known."""

    code = "muted"


class TooLong(ChatError):
    """More than a limit allows; the limits are in `welcome`."""

    code = "too_long"


class RateLimited(ChatError):
    """Too much in too short a time."""

    code = "rate_limited"
    again = True


class Unavailable(ChatError):
    """The server cannot keep it just now, and has not."""

    code = "unavailable"
    again = True


class Conflict(ChatError):
    """It contradicts what was done before."""

    code = "conflict"


class Internal(ChatError):
    """The fault is on this side, and logged there."""

    code = "internal"
