"""What the network says, in words that help."""

from __future__ import annotations

from twisted.internet import error
from twisted.internet.defer import TimeoutError as TookTooLong

from chatroom.client.address import Address


def explained(problem: BaseException | None, where: Address) -> str:
    """Why a server is not reached, as a sentence."""
    if isinstance(problem, error.ConnectionRefusedError):
        return f"nothing listens at {where.authority}; is the server running, and is the port right?"
    if isinstance(problem, error.DNSLookupError):
        return f"there is no host called {where.host}"
    if isinstance(problem, error.TimeoutError | TookTooLong):
        return f"{where.authority} does not answer"
    if isinstance(problem, error.NoRouteError):
        return f"there is no way through the network to {where.authority}"
    reason = str(problem).rstrip(".") or type(problem).__name__
    return f"{where.authority} is not reached: {reason}"
