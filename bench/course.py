"""How much is measured, where, and a server started for it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.accounting import Neighbours
from bench.contestant import Contestant, Setting
from bench.dialects import Dialect
from bench.engines import POSTGRESQL, REDIS, Engine, started
from bench.members import Crowd, Place
from bench.servers import Cores, free_port, running
from chatroom.certificate import write_own

Sample = dict[str, Any]
"""Plain numbers with `scenario`, `round`, `contestant` and `measure`."""


@dataclass(frozen=True)
class Plan:
    """How much of what. Durations in seconds."""

    rounds: int = 3
    seconds: float = 2.0
    warm_up: float = 0.5
    size: int = 160
    """Payload bytes of a delivery. A JSON event without text is nearly that long."""
    share: float = 1.0
    """Of the members that a scenario is meant for. The bounds hold for 1 only."""
    times: int = 20
    """How often everybody comes and goes, where it is measured what remains."""
    soak: float = 0.0
    """For how many seconds that goes on at least."""

    def count(self, members: int) -> int:
        return max(20, int(members * self.share))


@dataclass(frozen=True)
class Live:
    """A server that runs now: the processes of all its nodes, and of the first its setting and place."""

    pids: list[int]
    setting: Setting
    dialect: Dialect
    place: Place
    cores: Cores
    places: tuple[Place, ...] = ()
    """Where all its nodes listen."""
    engines: tuple[Engine, ...] = ()

    @contextmanager
    def crowd(self, place: Place | None = None) -> Iterator[Crowd]:
        """Nobody yet; who is opened in it is closed at its end."""
        crowd = Crowd(place or self.place)
        try:
            yield crowd
        finally:
            crowd.close()

    def others(self) -> Callable[[], float]:
        """Gives, when called, how busy the busier of the two cores was with others' work."""
        noise = [
            Neighbours(self.cores.server, self.pids),
            Neighbours(self.cores.load, [os.getpid()], [engine.spent() for engine in self.engines]),
        ]
        return lambda: max(each.share() for each in noise)

    def engine_costs(self) -> Callable[[int], Sample]:
        """Gives, when called with a count, the CPU µs that each engine has used since for each of so many."""
        spent = {engine.name: engine.spent() for engine in self.engines}
        return lambda count: {f"{name}_us": seconds() * 1e6 / count for name, seconds in spent.items()}


class Course:
    """Where and how all turns are run."""

    def __init__(self, plan: Plan, cores: Cores, scratch: Path) -> None:
        self.plan = plan
        self.cores = cores
        self.scratch = scratch

    @contextmanager
    def serve(self, contestant: Contestant, nodes: int = 0, **options: Any) -> Iterator[Live]:
        """Start a contestant in empty directories, with its engines on the load's core; `options` are a
        Setting's. `nodes`: not as many as it says itself."""
        with ExitStack() as stack:
            engines = stack.enter_context(started(contestant.engines, self.cores.load, self.scratch))
            urls = {name: engine.url for name, engine in engines.items()}
            shared = {"store": urls.get(POSTGRESQL, ""), "bus": urls.get(REDIS, "")}
            one, *more = [
                stack.enter_context(self._node(contestant, **{"size": self.plan.size, **shared, **options}))
                for _ in range(nodes or contestant.nodes)
            ]
            yield replace(
                one,
                pids=[pid for node in (one, *more) for pid in node.pids],
                places=tuple(node.place for node in (one, *more)),
                engines=tuple(engines.values()),
            )

    @contextmanager
    def _node(self, contestant: Contestant, **options: Any) -> Iterator[Live]:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=self.scratch) as name:
            directory = Path(name)
            setting = Setting(free_port(), directory, **options)
            if setting.tls:
                write_own(directory / "key.pem", "localhost")
            command = contestant.command(setting)
            with running(command, setting.port, self.cores.server, directory) as pids:
                dialect = contestant.dialect(setting)
                place = contestant.place(setting, dialect)
                yield Live(pids, setting, dialect, place, self.cores)
