"""The scenarios of several nodes: their engines, what these cost, and who hears of a post how late."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import engines
from bench.accounting import Spent
from bench.contestants import BY_NAME
from bench.course import Course, Plan
from bench.crossing import Crossing
from bench.engines import POSTGRESQL, REDIS
from bench.members import Crowd, ServerError
from bench.report import Report
from bench.scenarios.crossing import CROSS_NODE
from bench.servers import Cores

from .test_bench_load import _Raw, answering

SIZE = 160
SPIN = "import time\nuntil = time.process_time() + 0.2\nwhile time.process_time() < until: pass"


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Not pytest's own folder, which another user, as who PostgreSQL runs, cannot get to."""
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def engines_needed() -> None:
    missing = engines.lacking([POSTGRESQL, REDIS])
    if missing and os.environ.get("CHATROOM_REQUIRE_ALL"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_process_that_has_ended_spent_is_counted() -> None:
    spent = Spent(os.getpid())
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    assert spent() >= 0.15


def test_the_engines_run_on_the_core_they_are_given_and_end(scratch: Path) -> None:
    engines_needed()
    core = min(os.sched_getaffinity(0))
    with engines.started([POSTGRESQL, REDIS], core, scratch) as running:
        pids = [engine.pid for engine in running.values()]
        assert [os.sched_getaffinity(pid) for pid in pids] == [{core}, {core}]
        assert all(engine.spent()() >= 0 for engine in running.values())
    assert not any(map(alive, pids))
    assert not list(scratch.iterdir())


def test_an_engine_that_is_not_there_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines.shutil, "which", lambda _name: None)
    missing = BY_NAME["chatroom-two"].lacking()
    assert missing is not None
    assert "Redis is not installed (tools/system-packages test)" in missing


def test_two_nodes_are_one_server_and_each_members_wait_is_known(scratch: Path) -> None:
    engines_needed()
    core = min(os.sched_getaffinity(0))
    course = Course(Plan(rounds=1, seconds=0.1, warm_up=0.1, share=0.1), Cores(core, core), scratch)
    samples = list(CROSS_NODE.turn(course, BY_NAME["chatroom-two"]))
    assert [sample["measure"] for sample in samples] == ["to the poster's node", "to the other node"]
    assert all(sample["deliveries"] == sample["posts"] * 20 for sample in samples)
    assert all(sample["p99_ms"] >= sample["p50_ms"] > 0 for sample in samples)
    assert all(sample["postgresql_us"] > 0 < sample["redis_us"] for sample in samples)
    assert not list(scratch.iterdir())


def crossing(place: object) -> tuple[Crowd, Crossing]:
    crowd = Crowd(place)  # type: ignore[arg-type]
    crowd.open(4)
    return crowd, Crossing(crowd, _Raw(SIZE, echoes=True), [crowd.members[:2], crowd.members[2:]])


def test_who_hears_later_waits_longer() -> None:
    def answer(_number: int, payload: bytes) -> Iterator[tuple[int, bytes]]:
        yield from ((to, payload) for to in (0, 1))
        time.sleep(0.02)
        yield from ((to, payload) for to in (2, 3))

    with answering(4, answer) as place:
        crowd, loop = crossing(place)
        result = loop.run([os.getpid()], 0.2, 20)
        crowd.close()
    assert result.posts == 4
    here, there = result.latencies
    assert len(here) == len(there) == 8
    assert min(there) >= 0.02


def test_who_hears_another_text_is_noticed() -> None:
    with answering(4, lambda _n, payload: [(3, payload[:-1] + b"?")]) as place:
        crowd, loop = crossing(place)
        with pytest.raises(ServerError, match="delivery 0"):
            loop.run([os.getpid()], 0.05, 20)
        crowd.close()


def test_a_scenario_of_one_server_has_its_measures_in_one_table(tmp_path: Path) -> None:
    common = {"scenario": "growing", "round": 1, "contestant": "chatroom-bus"}
    samples = [
        {**common, "measure": "1 node", "cpu_us": 4.0, "node_us": 100.0},
        {**common, "measure": "2 nodes", "cpu_us": 5.0, "node_us": 60.0},
    ]
    result = {
        "plan": vars(Plan()),
        "machine": {"filesystem": "ext4"},
        "contestants": {"chatroom-bus": ""},
        "samples": samples,
    }
    text = Report(result).write(tmp_path).read_text()
    assert "| 1 node | 4.00 |" in text
    assert "| 2 nodes | 5.00 |" in text
    plot = (tmp_path / "performance" / "growing.svg").read_text()
    assert plot.index("1 node<") < plot.index("2 nodes<")
