"""What holds after each fault: everything acknowledged is in everybody's view once, in order, everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count

from ..e2e.clients import JsonClient
from .cluster import Cluster, Node
from .load import PATIENCE, ROOMS, Load
from .members import CUT_OFF, Member, Reader, Said, names

_numbers = count(1)


def until(condition: Callable[[], object], *, what: str, load: Load | None = None) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if load is not None:
            assert not load.faults, load.faults[:5]
        assert time.monotonic() < deadline, f"it has not come about: {what}{_standing(load)}"
        time.sleep(0.05)


def settled(cluster: Cluster, load: Load) -> None:
    """Everybody is there and talks is heard: how a test begins."""
    until(lambda: all(one.inside for one in load.readers), what="everybody is in", load=load)
    flows(load, 30)


def flows(load: Load, posts: int) -> None:
    """So many posts more are acknowledged."""
    before = load.acknowledged
    until(lambda: load.acknowledged >= before + posts, what=f"{posts} posts more", load=load)


def reach(load: Load, *nodes: int) -> None:
    """What has been acknowledged until now comes to the listeners of these nodes."""
    heads = {
        room: max(seq for one in load.authors if one.room == room for seq in one.acknowledged.values())
        for room in ROOMS
    }
    listeners = [one for node in nodes for one in load.pinned[node]]
    until(
        lambda: all(len(one.view) >= heads[one.room] for one in listeners),
        what=f"{heads} at nodes {nodes}",
        load=load,
    )


def converge(cluster: Cluster, load: Load) -> None:
    """After a fault, without anybody's help: from every node to every node, and the same everywhere."""
    for node in cluster.nodes:
        for room in ROOMS:
            _say(node, room)
    load.pause()
    until(lambda: not any(one.speaking for one in load.authors), what="all is acknowledged", load=load)
    kept = cluster.kept()
    logs = {room: _log(kept, room) for room in ROOMS}
    until(lambda: all(_is_told(one, logs) for one in load.readers), what="all are told all", load=load)
    until(lambda: _agree(load), what="all see who is there", load=load)
    assert not load.faults, load.faults[:5]
    for room in ROOMS:
        _keeps(load, room, logs[room])
    for reader in load.readers:
        log = logs[reader.room]
        # What was refused, and is kept all the same, may have come since.
        assert reader.view[: len(log)] == log, f"{reader.name} was told something else"
    load.resume()


def _say(node: Node, room: str) -> None:
    """Say something at that node, as often as it takes."""
    name = f"marker-{next(_numbers)}"

    def kept() -> bool:
        with suppress(*CUT_OFF), closing(JsonClient(node.ws)) as client:
            client.hello(name=name)
            return bool(client.ask("post", room=room, text="from here")["type"] == "ok")
        return False

    until(kept, what=f"a post at {node.folder.name}")


def _log(kept: dict[tuple[str, int], tuple[str, str | None, str]], room: str) -> list[Said]:
    found = {seq: Said(*said) for (its, seq), said in kept.items() if its == room}
    assert sorted(found) == list(range(1, len(found) + 1)), "the log has gaps"
    return [found[seq] for seq in sorted(found)]


def _keeps(load: Load, room: str, log: list[Said]) -> None:
    """What was acknowledged is there, under its seq and once."""
    keys = [(one.name, one.key) for one in log if one.key is not None]
    assert len(keys) == len(set(keys)), "a post is there twice"
    for author in load.authors:
        if author.room == room:
            found = {one.key: seq for seq, one in enumerate(log, 1) if one.name == author.name}
            assert found == author.acknowledged


def _is_told(reader: Reader, logs: dict[str, list[Said]]) -> bool:
    return reader.inside and len(reader.view) >= len(logs[reader.room])


def _agree(load: Load) -> bool:
    """Whether everybody sees everybody, and nobody else."""
    for room in ROOMS:
        there = [one for one in load.members if one.room == room]
        everybody = sorted(one.name for one in there)
        if not all(one.inside and names(one.here) == everybody for one in there):
            return False
    return True


def _standing(load: Load | None) -> str:
    if load is None:
        return ""
    lines = [
        f"{one.name}: in: {one.inside}, event {len(one.view)}, {one.joins} joins, sees"
        f" {len(one.here) if isinstance(one, Member) else 'nobody'}"
        for one in load.readers
    ]
    return "\n" + "\n".join([*lines, f"{load.acknowledged} acknowledged, {load.refused} refused"])
