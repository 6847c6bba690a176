"""What a server costs, read from the kernel: CPU time and memory of its processes."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import family

# clock_getcpuclockid(3) without the call: the scheduler's clock of a whole process. It counts in
# nanoseconds and keeps the time of threads that have ended, which /proc/PID/task does not.
_CPUCLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """CPU time all threads of `pid` have used since it started, user and system, in seconds."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def cpu_ticks(pid: int) -> tuple[int, int]:
    """User and system time of `pid` in clock ticks (usually 10 ms each)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]), int(fields[12])


@dataclass(frozen=True)
class Cost:
    """CPU seconds used between two readings. `user + system == total`."""

    total: float
    user: float
    system: float
    wall: float

    @property
    def busy(self) -> float:
        """Share of one core."""
        return self.total / self.wall if self.wall else 0.0


class Meter:
    """Reads the CPU time of a set of processes from its making until `read`.

    The total is exact to well under a microsecond. The kernel splits it into user and system by
    sampling, so the split is good to a few percent of a second's run, no better.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = tuple(pids)
        self._wall = time.perf_counter()
        self._cpu = {pid: cpu_seconds(pid) for pid in self._pids}
        self._ticks = {pid: cpu_ticks(pid) for pid in self._pids}

    def read(self) -> Cost:
        wall = time.perf_counter() - self._wall
        total = sum(cpu_seconds(pid) - self._cpu[pid] for pid in self._pids)
        user = system = 0
        for pid in self._pids:
            now_user, now_system = cpu_ticks(pid)
            user += now_user - self._ticks[pid][0]
            system += now_system - self._ticks[pid][1]
        share = user / (user + system) if user + system else 0.0
        return Cost(total, total * share, total * (1 - share), wall)


class Spent:
    """The CPU seconds of a process and all that descend from it, since its making: called, it tells.

    Where processes come and go meanwhile, as a PostgreSQL's do: of those that have ended it is known
    to a clock tick.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = self._seconds()

    def __call__(self) -> float:
        return self._seconds() - self._before

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        total = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        for pid in family(self._pid):
            with contextlib.suppress(OSError):
                total += cpu_seconds(pid)
        return total


@dataclass(frozen=True)
class Memory:
    """Resident and proportional set size in KiB. The kernel's socket buffers are in neither."""

    rss: float
    pss: float

    def __sub__(self, other: "Memory") -> "Memory":
        return Memory(self.rss - other.rss, self.pss - other.pss)


def memory(pids: Sequence[int]) -> Memory:
    rss = pss = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                rss += int(line.split()[1])
            elif line.startswith("Pss:"):
                pss += int(line.split()[1])
    return Memory(rss, pss)


class Neighbours:
    """How busy a core was with work that is not ours: a figure to judge the noise by."""

    def __init__(self, core: int, pids: Sequence[int], engines: Sequence[Spent] = ()) -> None:
        self._core = core
        self._pids = tuple(pids)
        self._engines = tuple(engines)
        self._busy = self._core_ticks()
        self._own = self._own_seconds()
        self._wall = time.perf_counter()

    def _core_ticks(self) -> int:
        """Ticks the core was not idle, time stolen by the hypervisor included."""
        for line in Path("/proc/stat").read_text().splitlines():
            name, *fields = line.split()
            if name == f"cpu{self._core}":
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
                return user + nice + system + irq + softirq + steal
        return 0

    def _own_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids) + sum(spent() for spent in self._engines)

    def share(self) -> float:
        """Share of the core used by others since the making, 0 to 1."""
        wall = time.perf_counter() - self._wall
        busy = (self._core_ticks() - self._busy) / os.sysconf("SC_CLK_TCK")
        return max(0.0, (busy - (self._own_seconds() - self._own)) / wall)
