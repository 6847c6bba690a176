"""What can go wrong for a client: one type for each thing that a program does something else about."""


class ClientError(Exception):
    """What went wrong, as a sentence that says what to do where there is something."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(ClientError):
    """The server said no. `code` is its word (docs/protocol.md); `retry_after` (seconds) where it
    said when trying again may help."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in ("rate_limited", "unavailable")


class Unreachable(ClientError):
    """No chatroom server answered there."""


class Untrusted(Unreachable):
    """A server answered, and its certificate does not show that it is the one that was asked for."""


class Disconnected(ClientError):
    """The connection was lost before the answer came: what was asked may have been done or not.

    `too_long`: the server hung up because a message was too big for it.
    """

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message)
        self.too_long = too_long


class Stopped(ClientError):
    """The client was stopped."""
