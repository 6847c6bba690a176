"""What the server logs while a test runs."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher


class Logs:
    """Gathers what Twisted's loggers are told, between `with` and its end."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __enter__(self) -> Logs:
        globalLogPublisher.addObserver(self._gather)
        return self

    def __exit__(self, *_error: object) -> None:
        globalLogPublisher.removeObserver(self._gather)

    def of(self, level: Any) -> list[str]:
        """The lines of a level."""
        return [formatEvent(event) for event in self.events if event["log_level"] is level]

    def tracebacks(self) -> list[str]:
        """The traceback of each failure that was logged."""
        found = [event["log_failure"] for event in self.events if "log_failure" in event]
        return [failure.getTraceback() for failure in found]

    def _gather(self, event: LogEvent) -> None:
        if event["log_level"] > LogLevel.debug:
            self.events.append(event)
