"""People on a cluster, in an event loop of a thread of its own: some talk all the time, all listen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from .cluster import Cluster
from .listeners import Listener
from .members import Author, Json, Member, Reader

ROOMS = ("north", "south")
AUTHORS = 3
"""So many in each room, by way of HAProxy."""

LISTENERS = 2
"""So many beside them, by way of HAProxy."""

PACE = 0.05
"""Seconds between an acknowledgement and the author's next post."""

PATIENCE = 100
"""Seconds for something to come about: a machine may be slow and have other things to do."""


class Load:
    """Authors and listeners by way of HAProxy, and listeners that know one node only: in each room."""

    def __init__(self, cluster: Cluster) -> None:
        self.authors: list[Author] = []
        self.roaming: list[Member] = []
        """Listeners by way of HAProxy."""
        self.pinned: list[list[Member]] = [[] for _node in cluster.nodes]
        """Listeners of each node, one a room."""
        self.listeners: list[Listener] = []
        """By way of HAProxy: one a room, nobody sees them."""
        self._cluster = cluster
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="load", daemon=True)

    @property
    def readers(self) -> list[Reader]:
        """All who are told what is said: the members, and who listens to a stream."""
        return [*self.members, *self.listeners]

    @property
    def members(self) -> list[Member]:
        """All who are in a room."""
        return [*self.by_haproxy, *(one for pinned in self.pinned for one in pinned)]

    @property
    def by_haproxy(self) -> list[Member]:
        """Those who come to whichever node there is."""
        return [*self.authors, *self.roaming]

    @property
    def acknowledged(self) -> int:
        """How many posts were."""
        return sum(len(author.acknowledged) for author in self.authors)

    @property
    def refused(self) -> int:
        """How many were refused for the moment."""
        return sum(author.refused for author in self.authors)

    @property
    def faults(self) -> list[str]:
        """What the server did wrong."""
        return [fault for reader in self.readers for fault in reader.faults]

    def start(self) -> None:
        """Let them come and talk."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(PATIENCE)

    async def _begin(self) -> None:
        front, nodes = self._cluster.haproxy.ws, self._cluster.nodes
        for room in ROOMS:
            self.authors += [Author(f"author-{room}-{at}", front, room, PACE) for at in range(AUTHORS)]
            self.roaming += [Member(f"roaming-{room}-{at}", front, room) for at in range(LISTENERS)]
            self.listeners.append(Listener(f"listener-{room}", self._cluster.haproxy.url, room))
            for at, node in enumerate(nodes):
                self.pinned[at].append(Member(f"pinned-{room}-{at}", node.ws, room))
        self._tasks = [asyncio.ensure_future(reader.stay()) for reader in self.readers]
        self._tasks += [asyncio.ensure_future(author.speak()) for author in self.authors]
        self._talk()

    def ask(self, member: Member, kind: str, /, **fields: Any) -> Json | None:
        """The answer to something that one of them asks; None where the connection was lost first."""
        asking = member.ask(kind, **fields)
        return asyncio.run_coroutine_threadsafe(asking, self._loop).result(PATIENCE)

    def pause(self) -> None:
        """Let nobody say anything new."""
        self._loop.call_soon_threadsafe(self._hush)

    def resume(self) -> None:
        """Let them go on talking."""
        self._loop.call_soon_threadsafe(self._talk)

    def end(self) -> None:
        """Let them go. What went wrong here is raised."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                raise AssertionError("somebody's task ended") from end

    def _hush(self) -> None:
        for author in self.authors:
            author.may_speak.clear()

    def _talk(self) -> None:
        for author in self.authors:
            author.may_speak.set()


@contextmanager
def load_on(cluster: Cluster) -> Iterator[Load]:
    """People on it, until the end."""
    load = Load(cluster)
    load.start()
    try:
        yield load
    finally:
        load.end()
