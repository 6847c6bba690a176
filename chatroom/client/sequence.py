"""The order of one room's events."""

from __future__ import annotations

from collections import deque

from chatroom.client.decoding import Reset, Told
from chatroom.domain.model import Seq


class Sequence:
    """Hands out each event of a room's log exactly once, in order, without gaps.

    At most `capacity` of them wait to be taken. What comes when that is full, or too soon, is not
    kept: `behind` says that the log has to be asked for what is after `seq`.
    """

    def __init__(self, capacity: int, seq: Seq | None = None) -> None:
        self._capacity = capacity
        self._waiting: deque[Told] = deque()
        self.seq = seq
        """The last event that was taken in; None before it is known where to begin."""
        self.head: Seq = seq or 0
        """The newest event that the room is known to have."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def behind(self) -> bool:
        """Whether the room has events after `seq`."""
        return self.seq is not None and self.seq < self.head

    @property
    def space(self) -> int:
        """How many more may wait."""
        return max(0, self._capacity - len(self._waiting))

    def begin(self, seq: Seq) -> None:
        """What is up to `seq` counts as handed out."""
        self.seq = seq
        self.head = max(seq, self.head)

    def reset(self, reset: Reset, head: Seq) -> None:
        """The log is another one, or has lost what is between."""
        self._waiting.append(reset)
        self.seq, self.head = reset.seq, head

    def expect(self, head: Seq) -> None:
        """The room is known to reach up to here."""
        self.head = max(self.head, head)

    def offer(self, seq: Seq, event: Told) -> bool:
        """An event of the log came; whether it was its turn."""
        if self.seq is None or seq <= self.seq:
            return False
        self.expect(seq)
        if seq != self.seq + 1 or not self.space:
            return False
        self.seq = seq
        self._waiting.append(event)
        return True

    def take(self) -> Told | None:
        """The next event, if there is one."""
        return self._waiting.popleft() if self._waiting else None
