"""The metrics of a server of the test's, as Prometheus reads them."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from chatroom.counts import Distribution
from chatroom.lag import Lag
from chatroom.metrics import Measurements, Node, Writing


class Idle:
    """A `chatroom.metrics.Writing` that has nothing to do."""

    up = True
    waiting = failures = 0

    def __init__(self) -> None:
        self.seconds = self.batches = Distribution(())


class Measured:
    """Asks what a house tells of itself."""

    def __init__(self, house: Any, *, writer: Writing | None = None, live: int = 0) -> None:
        self.lag = Lag(house.clock, house.clock.seconds)
        self.measurements = Measurements(Node(house.core, writer or Idle(), lambda: live, self.lag))

    def text(self, accept: str = "") -> str:
        """All of it."""
        return self.measurements.text(accept)[0].decode()

    def families(self) -> dict[str, Any]:
        """What Prometheus makes of it, by name."""
        return {one.name: one for one in text_string_to_metric_families(self.text())}

    def value(self, name: str, **labels: str) -> float | None:
        """One number; None where there is none."""
        for family in self.families().values():
            for sample in family.samples:
                if (sample.name, sample.labels) == (name, labels):
                    return float(sample.value)
        return None
