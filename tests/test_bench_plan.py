"""The plan's simulation: it gives what was measured where that can be, and the same for the same seed."""

import re
from dataclasses import replace
from itertools import pairwise
from math import isclose
from pathlib import Path

import pytest

from bench.plan import costs, many, primary, room
from bench.plan.agenda import Agenda, Server
from bench.plan.charts import Chart, Line
from bench.plan.many import Connections, Rooms
from bench.plan.page import CHARTS, TABLES
from bench.plan.primary import Load
from bench.plan.room import Room

DOCS = Path(__file__).parent.parent / "docs"
COSTS = costs.read(DOCS / "performance")
FIGURES = costs.figures_in(DOCS / "performance")
COMMIT = FIGURES["durable"]["chatroom"]["50 posters, window 1"]["commit_us"]["median"]
# What was measured on one node was committed by SQLite.
ON_ONE_NODE = replace(
    COSTS, commit_us=COMMIT, commit_event_us=0.0, commit_cpu_us=0.0, commit_event_cpu_us=0.0
)


@pytest.mark.parametrize(
    ("scenario", "measure", "members", "rate"),
    [
        # The next post when the last member has the one before: no two at a time.
        ("fanout", "window 1", 1_000, 1.0),
        ("paced", "20 posts/s", 4_000, 20.0),
        ("large", "16,000 members, 2 posts/s", 16_000, 2.0),
    ],
)
def test_one_nodes_fan_out_takes_as_long_as_was_measured(
    scenario: str, measure: str, members: int, rate: float
) -> None:
    measured = FIGURES[scenario]["chatroom"][measure]["p50_ms"]["median"]
    simulated = room.run(Room(members, members, rate, 40, regular=True), ON_ONE_NODE).last_ms
    assert isclose(simulated, measured, rel_tol=0.2), (simulated, measured)


def test_the_same_seed_gives_the_same() -> None:
    load = Room(8_000, 1_000, 50, 30, branches=2)
    assert room.run(load, COSTS, seed=7) == room.run(load, COSTS, seed=7)
    assert room.run(load, COSTS, seed=7) != room.run(load, COSTS, seed=8)
    assert primary.run(Load(100, 5, 3), COSTS, seed=7) == primary.run(Load(100, 5, 3), COSTS, seed=7)


def test_a_node_that_cannot_tell_each_post_alone_joins_them_and_does_not_fall_behind() -> None:
    # One round is about 0.1 s: thirty posts come in it.
    once = ON_ONE_NODE.told_us(16_000) / 1e3
    for posts in (200, 600):
        outcome = room.run(Room(16_000, 16_000, 300, posts), ON_ONE_NODE)
        assert once < outcome.last_ms < 4 * once
        assert outcome.node_busy > 0.9


def test_every_node_of_a_tree_is_told_once() -> None:
    for branches in (0, 1, 3, 50):
        nodes = 20
        whole = room.run(Room(nodes * 10, 10, 1, 5, branches=branches), COSTS)
        # What all nodes did for the members is there only if each of them was told.
        assert whole.node_busy > 0
        assert whole.last_ms < 1_000
    assert _times_told(20, 3) == [5] * 20


def _times_told(nodes: int, branches: int) -> list[int]:
    run = room._Run(Room(nodes, 1, 1, 5, branches=branches), COSTS, seed=1)
    told = [0] * nodes
    for number, node in enumerate(run._nodes):
        tell = node.tell

        def count(post: int, number: int = number, tell: object = tell) -> None:
            told[number] += 1
            tell(post)  # type: ignore[operator]

        node.tell = count  # type: ignore[method-assign]
    run.run()
    return told


def test_commits_to_one_room_come_one_after_the_other() -> None:
    agenda = Agenda()
    store = primary.Primary(agenda, COSTS, rooms=2, nodes=3)
    done: dict[str, float] = {}
    store.append(0, 0, lambda: done.setdefault("first", agenda.now))
    store.append(1, 0, lambda: done.setdefault("second", agenda.now))
    store.append(2, 1, lambda: done.setdefault("elsewhere", agenda.now))
    agenda.run()
    assert done["second"] >= 2 * done["first"]
    assert done["first"] < done["elsewhere"] < done["second"], (
        "it is flushed with the next, and waits for no lock"
    )


def test_more_writers_raise_what_is_committed_to_many_rooms_and_not_to_one() -> None:
    alone, one_room, own_rooms = (primary.commits_a_second(*of, COSTS) for of in ((1, 1), (8, 1), (8, 8)))
    assert isclose(alone, one_room, rel_tol=0.05)
    assert own_rooms > 3 * alone


def test_more_nodes_writing_to_one_room_make_each_wait_longer() -> None:
    one_by_one = 1e6 / (COSTS.commit_us + COSTS.commit_event_us)
    alone, many_ = (primary.run(Load(round(3 * one_by_one), 1, nodes), COSTS) for nodes in (1, 16))
    assert many_.p50_ms > 3 * alone.p50_ms
    assert many_.events_a_commit < alone.events_a_commit


def test_a_server_of_two_hands_does_two_things_at_a_time() -> None:
    agenda, ends = Agenda(), []
    server = Server(agenda, hands=2)
    for _ in range(3):
        server.do(10, lambda: ends.append(agenda.now))
    agenda.run()
    assert ends == [10, 10, 20]


def test_the_beat_costs_redis_the_square_of_the_nodes_for_as_many_rooms_on_each() -> None:
    few, more = (Rooms(nodes * 1_000, 1, nodes, 0) for nodes in (10, 20))
    assert isclose(few.a_node, more.a_node)
    for beats in (many.beats, many.whole_beats):
        assert isclose(beats(more, COSTS).redis_gbit, 4 * beats(few, COSTS).redis_gbit)
    assert many.beats(few, COSTS).redis_gbit < many.whole_beats(few, COSTS).redis_gbit / 10


def test_what_a_dead_node_had_the_others_share() -> None:
    held = many.held(Connections(1_000_000, 100_000), COSTS, tls=False)
    assert isclose(held.after_all_start, 9 * held.after_one_dies)


def test_every_table_has_its_place_in_the_page_and_every_picture_is_shown() -> None:
    page = (DOCS / "beyond.md").read_text()
    assert costs.when(DOCS / "performance") in page
    for name in TABLES:
        table = page.partition(f"<!-- {name} -->\n\n|")[2].partition("<!-- end -->")[0]
        assert table.count("\n") > 3, name
    for name in CHARTS:
        assert f"(beyond/{name}.svg)" in page
        assert (DOCS / "beyond" / f"{name}.svg").read_text().startswith("<svg")


def test_names_of_lines_that_end_together_stand_below_each_other() -> None:
    lines = [Line("one", [(1, 1), (10, 10)]), Line("two", [(1, 2), (10, 10)])]
    picture = Chart("title", "across", "up", lines, (10, "bound")).svg()
    heights = [float(one) for one in re.findall(r'class="name \w+" x="[\d.]+" y="([\d.]+)"', picture)]
    assert [lower - upper for upper, lower in pairwise(heights)] == [16, 16]
