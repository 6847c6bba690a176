"""The tables and pictures of docs/beyond.md. Its prose is written by hand, and stays."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from bench.plan import many, primary, room
from bench.plan.charts import Chart, Line
from bench.plan.costs import WRITERS, Costs
from bench.plan.many import Connections, Rooms
from bench.plan.primary import Load
from bench.plan.room import Room
from bench.plots import number

MILLION = 1_000_000
_END = "<!-- end -->"
BRANCHES = 32
_A_NODE = 16_000
_RATES = (0.1, 1.0, 10.0, 100.0, 1_000.0)
_SIZES = (4_000, 16_000, 64_000)
_NODES = (10, 100, 300, 1_000, 2_000)

Row = Sequence[str | float]


def write(docs: Path, costs: Costs, when: str) -> None:
    """Put all tables and pictures anew."""
    page = docs / "beyond.md"
    text = page.read_text()
    for name, table in TABLES.items():
        before, marked, after = text.partition(f"<!-- {name} -->\n")
        if not marked:
            raise SystemExit(f"{page} has no place for {name}")
        text = f"{before}{marked}\n{table(costs)}\n{_END}{after.partition(_END)[2]}"
    before, marked, after = text.partition("<!-- when -->\n")
    text = f"{before}{marked}\n{when}\n{_END}{after.partition(_END)[2]}"
    page.write_text(text)
    for name, chart in CHARTS.items():
        (docs / "beyond" / f"{name}.svg").write_text(chart(costs).svg())


def _costs(costs: Costs) -> str:
    rows = [(f"`{one.name}`", getattr(costs, one.name)) for one in fields(costs)]
    return _table(("cost", "value"), rows)


def _table(head: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [[one if isinstance(one, str) else number(one) for one in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _room(costs: Costs) -> str:
    rows: list[Row] = []
    for rate in _RATES:
        one = room.run(Room(MILLION, _A_NODE, rate), costs)
        rows.append(
            (
                number(rate),
                one.p50_ms,
                one.last_ms,
                one.committed_p50_ms,
                one.node_busy * 100,
                one.redis_busy * 100,
                one.gbit_a_second,
                one.gbit_a_second * 1000 / Room(MILLION, _A_NODE, rate).nodes,
            )
        )
    head = ("posts/s", "a member, p50 ms", "the last, ms", "commit, p50 ms", "a node's core, %")
    return _table((*head, "Redis' core, %", "Gbit/s in all", "Mbit/s a node"), rows)


def _room_chart(costs: Costs) -> Chart:
    lines = [
        Line(
            f"{size:,} a node ({Room(MILLION, size, 1).nodes} nodes)",
            [(rate, room.run(Room(MILLION, size, rate), costs).last_ms) for rate in _RATES],
        )
        for size in _SIZES
    ]
    return Chart(
        "A room of a million members",
        "posts a second",
        "milliseconds until the last member has a post",
        lines,
    )


def _coming(costs: Costs) -> str:
    """A million come into one room, and every node is told of each."""
    rows: list[Row] = []
    nodes = Room(MILLION, _A_NODE, 1).nodes
    for minutes in (1, 10, 60):
        rate = MILLION / minutes / 60
        redis = rate * (costs.redis_publish_us + nodes * costs.redis_subscriber_us) / 1e4
        entering = rate * costs.accept_us / nodes / 1e4
        rows.append((str(minutes), rate, redis, entering, rate * costs.moved_us / 1e4))
    head = (
        "minutes",
        "come a second",
        "Redis' core, %",
        "a node's core for its own, %",
        "for others' news, %",
    )
    return _table(head, rows)


def _writers(costs: Costs) -> str:
    """One room, whose head's row all posts go through."""
    rows: list[Row] = []
    for nodes in (1, 4, 16, 63):
        row: list[str | float] = [str(nodes)]
        for rate in (50, 500, 5_000):
            one = primary.run(Load(rate, 1, nodes), costs)
            row += [f"{number(one.p50_ms)} ({number(one.events_a_commit)})"]
        rows.append(row)
    return _table(("nodes that write", "50 posts/s", "500 posts/s", "5,000 posts/s"), rows)


def _limit(costs: Costs) -> str:
    """What one room takes if one commit follows on the other."""
    rows: list[Row] = []
    for events in (1, 10, 100, 1_000):
        took = costs.commit_us + events * costs.commit_event_us
        rows.append((f"{events:,}", took / 1e3, events / took * 1e6))
    return _table(("events a commit", "a commit, ms", "posts/s to one room"), rows)


def _checked(costs: Costs) -> str:
    """What several writers were measured to do, beside the simulation."""
    rows: list[Row] = [
        (
            f"{WRITERS} to one room",
            costs.one_room_commits,
            primary.commits_a_second(WRITERS, 1, costs, cores=1),
        ),
        (
            f"{WRITERS} to rooms of their own",
            costs.own_rooms_commits,
            primary.commits_a_second(WRITERS, WRITERS, costs, cores=1),
        ),
    ]
    return _table(("writers at once", "commits/s, measured", "simulated"), rows)


def _tree(costs: Costs) -> str:
    rows: list[Row] = []
    for nodes in _NODES:
        flat, tree = (_relayed(nodes, branches, costs) for branches in (0, BRANCHES))
        rows.append(
            (
                f"{nodes:,}",
                1000000.0 / (costs.redis_publish_us + nodes * costs.redis_subscriber_us),
                flat.last_ms,
                flat.redis_busy * 100,
                tree.last_ms,
                tree.redis_busy * 100,
            )
        )
    head = ("nodes", "posts/s that fill one Redis", "flat: the last, ms", "flat: Redis' core, %")
    return _table((*head, "tree: the last, ms", "tree: Redis' core, %"), rows)


@cache
def _relayed(nodes: int, branches: int, costs: Costs) -> room.Outcome:
    # Where posts are written is another matter: one node commits here, and at once.
    quick = replace(costs, commit_us=0.0, commit_event_us=0.0, commit_cpu_us=0.0, commit_event_cpu_us=0.0)
    return room.run(Room(nodes * 1_000, 1_000, 100, 50, branches=branches), quick)


def _spread(nodes: int, rooms: int = MILLION) -> Rooms:
    """Rooms of five members, each of which says something once a minute."""
    return Rooms(rooms, 5, nodes, rooms / 60)


def _rooms(costs: Costs) -> str:
    rows: list[Row] = []
    for nodes in (10, 30, 100, 300):
        load = _spread(nodes)
        posts, beats, whole = (one(load, costs) for one in (many.posts, many.beats, many.whole_beats))
        rows.append(
            (
                str(nodes),
                f"{load.a_node:,.0f}",
                posts.redis_busy,
                posts.node_busy * 100,
                beats.redis_gbit,
                beats.node_busy * 100,
                whole.node_busy * 100,
                many.heads(load, costs, up=True),
                many.heads(load, costs, up=False),
            )
        )
    head = ("nodes", "rooms on each", "posts: Redis' cores", "posts: a node's core, %", "beat: Gbit/s")
    more = ("beat: a node's core, %", "naming all: %", "heads: PostgreSQL's cores", "heads, Redis away")
    return _table((*head, *more), rows)


def _beat_chart(costs: Costs) -> Chart:
    nodes = (3, 10, 30, 100, 300)
    lines = []
    for name, rooms, beats in (
        ("10,000 rooms", 10_000, many.beats),
        ("100,000 rooms", 100_000, many.beats),
        ("a million rooms", MILLION, many.beats),
        ("if each beat named all", MILLION, many.whole_beats),
    ):
        points = [(one, beats(_spread(one, rooms), costs).redis_gbit * 1e3) for one in nodes]
        lines.append(Line(name, points))
    title = "What the nodes tell each other every two seconds"
    return Chart(title, "nodes", "Mbit/s out of Redis", lines, (10_000, "10 Gbit/s"))


def _sql(costs: Costs) -> str:
    rows: list[Row] = []
    for rate in (1_000, 10_000, 50_000):
        row: list[str | float] = [f"{rate:,}"]
        for cores, shards in ((8, 1), (32, 1), (8, 8)):
            one = primary.run(Load(rate, 20_000, 20, cores, shards, 0.5), costs)
            row.append(f"{number(one.p50_ms)} / {number(one.p99_ms)}")
        rows.append(row)
    return _table(
        ("posts/s", "one primary, 8 cores", "one primary, 32 cores", "8 primaries of 8 cores"), rows
    )


def _commits_chart(costs: Costs) -> Chart:
    rates = (10, 30, 100, 300, 1_000, 3_000, 10_000)
    loads = {
        "one room, 1 node": Load(0, 1, 1),
        "one room, 16 nodes": Load(0, 1, 16),
        "many rooms, 16 nodes": Load(0, 20_000, 16),
        "many rooms, 8 primaries": Load(0, 20_000, 16, shards=8),
    }
    lines = [
        Line(name, [(rate, primary.run(replace(load, rate=rate), costs).p99_ms) for rate in rates])
        for name, load in loads.items()
    ]
    return Chart("Until a post is committed", "posts a second", "milliseconds, p99", lines)


def _connections(costs: Costs) -> str:
    rows: list[Row] = []
    for a_node in (20_000, 50_000, 100_000, 200_000):
        load = Connections(10 * MILLION, a_node)
        plain, tls = (many.held(load, costs, tls=one) for one in (False, True))
        rows.append(
            (
                f"{a_node:,}",
                str(load.nodes),
                plain.memory_gib,
                tls.memory_gib,
                plain.after_one_dies,
                tls.after_one_dies,
                plain.after_all_start,
                tls.after_all_start,
            )
        )
    head = ("connections a node", "nodes", "GiB a node", "GiB, TLS", "one dies, s of CPU")
    return _table((*head, "the same, TLS", "all start anew, s of CPU", "the same, TLS"), rows)


TABLES: dict[str, Callable[[Costs], str]] = {
    "costs": _costs,
    "room": _room,
    "limit": _limit,
    "checked": _checked,
    "writers": _writers,
    "tree": _tree,
    "coming": _coming,
    "rooms": _rooms,
    "sql": _sql,
    "connections": _connections,
}
"""In Markdown, each with its place in the page."""

CHARTS: dict[str, Callable[[Costs], Chart]] = {
    "room": _room_chart,
    "beat": _beat_chart,
    "commits": _commits_chart,
}
"""Each a file beside the page."""
