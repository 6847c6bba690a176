"""Telling one webhook: several rooms at once, each in its order, at the pace that its receiver keeps.

A receiver that is away is asked by one delivery at a time, less and less often; when it is back, all
goes on. What it answers with an error holds up its own room alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Deleted, Edited, Event
from chatroom.domain.model import Seq
from chatroom.domain.ports import Clock, Timer
from chatroom.domain.webhooks import Behind, Courier, Letter, Outcome, Parcel, word_for
from chatroom.lanes import Item, Lane, Route
from chatroom.signatures import signed

AT_ONCE = 8
"""So many rooms of one webhook are told at once."""

IN_ALL = 64
"""So many deliveries are under way at once, but that each webhook has always one."""

FIRST_RETRY, LONGEST_RETRY = 1.0, 3600.0
"""Seconds until something is tried again: after the first failure, and after many."""

DAY = 86_400_000
"""Milliseconds for which something is tried."""

LANES_HOLDING = 50
"""Where more rooms than these wait, of all webhooks, none holds events in memory: they are read from
the logs."""

REACHED = 5_000
"""Of so many rooms it is held how far a webhook was told of them, where other nodes write to the logs
too, before all are forgotten and asked for again."""

_AWAY = frozenset({429, 502, 503, 504})
"""Answers that say that nothing can be told to this receiver now, whatever it is."""


class Load:
    """How much all webhooks together have under way."""

    def __init__(self) -> None:
        self.carried = 0
        self.lanes = 0
        """How many rooms wait, of all webhooks."""
        self.outcomes: Counter[str] = Counter()
        """Deliveries by what became of them: told, failed (to be tried again), dead (given up)."""
        self.freed: Callable[[], None] = lambda: None
        """Called when there is room again where there was none."""

    def take(self, *, first: bool) -> bool:
        """Begin a delivery, if that may be; the `first` one of a webhook always may."""
        if not first and self.carried >= IN_ALL:
            return False
        self.carried += 1
        return True

    def give(self) -> None:
        """One is over."""
        self.carried -= 1
        if self.carried == IN_ALL - 1:
            self.freed()


class Postman:
    """One webhook's lanes, by room; only rooms that it is still to be told of have one.

    `started` is when this server did (in milliseconds): what is older is tried for a day from then.
    `jitter` gives a number from 0 to 1.
    """

    _log = Logger()

    def __init__(
        self,
        route: Route,
        courier: Courier,
        clock: Clock,
        load: Load,
        started: int,
        jitter: Callable[[], float],
        answered: Callable[[Item, str, bytes], Awaitable[None]],
        gone: Callable[[str], Awaitable[None]],
    ) -> None:
        self.route = route
        self._courier = courier
        self._clock = clock
        self._load = load
        self._started = started
        self._jitter = jitter
        self._answered = answered
        self._gone = gone
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._carrying = 0
        self._away = 0
        self._pause: Timer | None = None
        self._stopped = False
        self._going = False
        self.holding = True
        self._early: dict[str, tuple[Seq, Seq]] | None = {}
        self._early_letters: set[str] = set()
        self._reached: dict[str, Seq] = {}
        """How far it was told of rooms that have no lane, where other nodes write to the logs too."""

    @property
    def lanes(self) -> int:
        """How many rooms it is still to be told of."""
        return len(self._lanes)

    def begin(self, behind: list[Behind]) -> None:
        """Where it stands, as the store had it after this was made."""
        early, self._early = self._early or {}, None
        if self._stopped:
            return
        for one in behind:
            head = max(one.head, early.pop(one.room, (0, 0))[1])
            # What cannot be kept now was told all the same.
            cursor = max(one.seq, self.route.records.reached(self.route.hook.id, one.room))
            lane = self._open(one.room, cursor, head)
            lane.lettered = one.letters
            self._wake(lane)
        for room, (first, last) in early.items():
            self._wake(self._open(room, None if self.route.shared else first - 1, last))
        for room in self._early_letters:
            self.lettered(room)
        self.go()

    def happened(self, event: Event) -> None:
        """Something was committed in one of its rooms."""
        if self._stopped:
            return
        room, seq = event.room, event.seq
        if self._early is not None:
            first, last = self._early.get(room, (seq, seq))
            self._early[room] = first, max(last, seq)
            return
        word = word_for(self.route.hook, self.route.mentioned, event)
        lane = self._lanes.get(room)
        if lane is None:
            if self._reached.get(room, 0) >= seq:
                return
            if word is None and (not self.route.shared or self._reached.get(room) == seq - 1):
                self.route.records.passed(self.route.hook.id, room, seq, told=False)
                self._reach(room, seq)
                return
            lane = self._open(room)
        elif isinstance(event, Edited | Deleted):
            # What waits may be just what is taken back.
            lane.drop()
        lane.happened(event, word, hold=self.holding and not self._away and self._holds())
        self._wake(lane)
        self.go()

    def lettered(self, room: str) -> None:
        """There are letters for a room."""
        if self._early is not None:
            self._early_letters.add(room)
        if self._stopped or self._early is not None:
            return
        lane = self._lanes.get(room)
        if lane is None:
            lane = self._open(room)
        lane.lettered = True
        self._wake(lane)
        self.go()

    def look(self, behind: Sequence[Behind]) -> None:
        """Where it stood a moment ago, as the store had it: there may be more than was heard of."""
        if self._stopped or self._early is not None:
            return
        for one in behind:
            lane = self._lanes.get(one.room)
            if lane is None:
                if self._reached.get(one.room, 0) >= one.head and not one.letters:
                    continue
                lane = self._open(one.room, None, one.head)
            elif lane.head < one.head:
                # What was not heard of may take back what waits.
                lane.drop()
                lane.head = one.head
            lane.lettered = lane.lettered or one.letters
            self._wake(lane)
        self.go()

    def hold(self, holding: bool) -> None:
        """Whether events may be held in memory: what takes them back is heard of at once."""
        for lane in self._lanes.values() if self.holding and not holding else ():
            lane.drop()
        self.holding = holding

    def go(self) -> None:
        """Begin as many deliveries as may be."""
        if self._going or self._stopped or self._pause is not None:
            return
        self._going = True
        try:
            width = 1 if self._away else AT_ONCE
            while self._ready and self._carrying < width and self._load.take(first=not self._carrying):
                self._carrying += 1
                Deferred.fromCoroutine(self._turn(self._ready.popleft()))
                width = 1 if self._away else AT_ONCE
                if self._pause is not None:
                    break
        finally:
            self._going = False

    def stop(self) -> None:
        """Begin nothing more; what is under way is still noted."""
        self._stopped = True
        for timer in [self._pause, *(lane.timer for lane in self._lanes.values())]:
            if timer is not None and timer.active():
                timer.cancel()
        self._load.lanes -= len(self._lanes)
        self._ready.clear()
        self._lanes.clear()

    def _open(self, room: str, cursor: Seq | None = None, head: Seq = 0) -> Lane:
        if cursor is None:
            cursor = self._reached.get(room)
        uncertain = cursor is None and self.route.shared
        lane = self._lanes[room] = Lane(self.route, room, cursor, head, uncertain=uncertain)
        self._load.lanes += 1
        return lane

    def _reach(self, room: str, seq: Seq) -> None:
        if self.route.shared:
            if len(self._reached) >= REACHED:
                self._reached.clear()
            self._reached[room] = seq

    def _wake(self, lane: Lane) -> None:
        if not lane.busy and lane.timer is None:
            lane.busy = True
            self._ready.append(lane)

    async def _turn(self, lane: Lane) -> None:
        """Tell one thing of a lane, and see what is to be done with it next."""
        try:
            done = await self._tell(lane)
            # Where none may hold events, those that were read are told before they are let go.
            while not done and len(lane) and not self._holds() and not self._stopped:
                done = await self._tell(lane)
        except Unavailable as error:
            done, lane.tries = False, lane.tries + 1
            self._wait(lane, error.retry_after or FIRST_RETRY)
        except Exception:
            self._log.failure(
                "webhook {name} cannot be told of {room}", name=self.route.hook.name, room=lane.room
            )
            done, lane.tries = False, lane.tries + 1
            self._wait(lane, self._delay(lane.tries))
        lane.busy = False
        self._carrying -= 1
        if self._stopped:
            pass
        elif done:
            del self._lanes[lane.room]
            self._load.lanes -= 1
            if lane.cursor is not None:
                self._reach(lane.room, lane.cursor)
        elif lane.timer is None:
            self._wake(lane)
            if not self._holds():
                lane.drop()
        self._load.give()
        self.go()

    async def _tell(self, lane: Lane) -> bool:
        """Whether there is nothing more to tell."""
        item = await lane.next()
        if item is None or self._stopped:
            return item is None
        hook = self.route.hook
        headers = {"content-type": "application/json", "user-agent": "chatroom"}
        headers |= signed(hook.secret, item.message, int(self._clock.seconds()), item.body)
        outcome = await self._courier.deliver(Parcel(hook.url, headers, item.body))
        await self._judge(lane, item, outcome)
        return False

    async def _judge(self, lane: Lane, item: Item, outcome: Outcome) -> None:
        status = outcome.status
        if status is not None and 200 <= status < 300:
            self._load.outcomes["told"] += 1
            self._is_back()
            if outcome.body:
                await self._answered(item, lane.room, outcome.body)
            lane.passed(item, told=True)
            return
        why = told_of(outcome)
        self._load.outcomes["failed"] += 1
        if status == 410:
            self._log.warn("webhook {name} is disabled: {why}", name=self.route.hook.name, why=why)
            self.stop()
            await self._gone(why)
            return
        lane.drop()
        lane.tries += 1
        now = int(self._clock.seconds() * 1000)
        if now - max(item.at, self._started) >= DAY:
            self._give_up(lane, item, now, why)
        elif status is None or status in _AWAY:
            self._is_away(why, outcome.retry_after or 0)
        else:
            self._is_back()
            if lane.tries == 1:
                self._log.warn("webhook {name}: {why}", name=self.route.hook.name, why=why)
            self._wait(lane, max(self._delay(lane.tries), outcome.retry_after or 0))

    def _give_up(self, lane: Lane, item: Item, now: int, why: str) -> None:
        hook, letter = self.route.hook, item.letter
        self._load.outcomes["dead"] += 1
        if letter is None:
            letter = Letter(0, hook.id, lane.room, 0, item.at, item.seq)
        self.route.records.died(structs.replace(letter, dead=now, reason=why))
        lane.passed(item, told=False)
        self._log.error(
            "webhook {name} was not told of something in {room} for a day: {why}",
            name=hook.name,
            room=lane.room,
            why=why,
        )

    def _is_away(self, why: str, retry_after: float) -> None:
        if not self._away:
            self._log.warn("webhook {name} cannot be told: {why}", name=self.route.hook.name, why=why)
        # Several that were under way fail together: that is one failure.
        if self._pause is None and not self._stopped:
            self._away += 1
            delay = max(self._delay(self._away), min(retry_after, DAY / 1000))
            self._pause = self._clock.callLater(delay, self._again)

    def _is_back(self) -> None:
        if self._away:
            self._log.info("webhook {name} can be told again", name=self.route.hook.name)
            self._away = 0
            if self._pause is not None:
                self._pause.cancel()
                self._pause = None

    def _again(self) -> None:
        self._pause = None
        self.go()

    def _wait(self, lane: Lane, delay: float) -> None:
        if not self._stopped:
            lane.timer = self._clock.callLater(min(delay, DAY / 1000), self._next_try, lane)

    def _next_try(self, lane: Lane) -> None:
        lane.timer = None
        self._wake(lane)
        self.go()

    def _delay(self, tries: int) -> float:
        longest = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(tries - 1, 20))
        return longest * (0.5 + self._jitter() / 2)

    def _holds(self) -> bool:
        return self._load.lanes <= LANES_HOLDING


def told_of(outcome: Outcome) -> str:
    """Why something was not told, in a few words."""
    if outcome.status is None:
        return outcome.problem or "there was no answer"
    if 300 <= outcome.status < 400:
        return f"it answered {outcome.status}; redirects are not followed"
    return f"it answered {outcome.status}"
