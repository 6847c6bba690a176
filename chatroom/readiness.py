"""Whether a load balancer should send people to this server."""

from __future__ import annotations

from typing import Literal

State = Literal["starting", "ready", "stopping"]

_REASONS: dict[State, str] = {
    "starting": "who has an account is still being read",
    "stopping": "the server is about to end: whoever comes now will have to come back",
}


class Readiness:
    """Which of its states a server is in; it goes through them once.

    What it works with (its database, its bus) is no part of this: it is away for all servers at
    once, and members stay connected until it is back.
    """

    def __init__(self) -> None:
        self.state: State = "starting"

    def begin(self) -> None:
        """Everything is there that people need."""
        if self.state == "starting":
            self.state = "ready"

    def end(self) -> None:
        """It stops soon."""
        self.state = "stopping"

    @property
    def leaving(self) -> bool:
        """Whether nobody should come any more."""
        return self.state == "stopping"

    @property
    def reason(self) -> str | None:
        """Why nobody should come now, in words; None where they should."""
        return _REASONS.get(self.state)
