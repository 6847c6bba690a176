"""Taking leave: of load balancers, of members, of requests; on a clock."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.domain.errors import CloseCode
from chatroom.leaving import GOODBYE, RECONNECT_AFTER, Leaving, Server
from chatroom.readiness import Readiness

from .doors.premises import Caller, Premises
from .doors.rawframes import CLOSE, TEXT, Answer, answer, closing

ASKED = b"GET /readyz HTTP/1.1\r\nHost: chat.example\r\n\r\n"


class Port(Service):
    """What is open until the server stops."""


class Ending:
    """A server in memory that is stopped."""

    def __init__(self, drain: float) -> None:
        self.premises = Premises()
        core, doors = self.premises.core, (self.premises.websocket, self.premises.web)
        self.leaving = Leaving(core.readiness, *doors, self.premises.clock, drain)
        self.server = Server(self.leaving, self)
        self._port = Port()
        self._port.setServiceParent(self.server)
        self.server.startService()

    def callFromThread(self, call: Any) -> None:
        """As a reactor's."""
        call()

    def stop(self) -> None:
        """The signal has come."""
        self.server.stopService().addErrback(Failure.raiseException)

    @property
    def open(self) -> bool:
        """Whether anybody can still connect."""
        return bool(self._port.running)

    def ready(self) -> Answer:
        """What a load balancer is told."""
        return answer(self.premises.call(ASKED).took())

    def close(self) -> Deferred[None]:
        """The end of the leave-taking."""
        return Deferred.fromCoroutine(self.leaving.close())


def sent_off(caller: Caller) -> bool:
    """Whether somebody was told when to come back, and that the connection ends."""
    frames = caller.frames()
    if not any(frame.opcode == CLOSE for frame in frames):
        return False
    told, last = (frame for frame in frames if frame.opcode in (CLOSE, TEXT))
    assert f'"reconnect_after":{RECONNECT_AFTER}' in told.text
    assert last.code == CloseCode.RESTARTING
    return True


def test_a_server_is_ready_until_it_stops() -> None:
    ending = Ending(drain=6)
    found = ending.ready()
    assert (found.status, found.body) == (200, b'{"status":"ready"}\n')
    ending.stop()
    found = ending.ready()
    assert found.status == 503
    assert found.body.startswith(b'{"status":"stopping","reason":"the server is about to end')
    assert (found.headers["cache-control"], found.headers["connection"]) == ("no-store", "close")


def test_a_server_whose_accounts_are_not_read_yet_is_not_ready() -> None:
    ending = Ending(drain=0)
    ending.premises.core.readiness.state = "starting"
    found = ending.ready()
    assert found.status == 503
    assert found.body.startswith(b'{"status":"starting","reason":"who has an account')


def test_who_stops_does_not_begin_again() -> None:
    readiness = Readiness()
    readiness.end()
    readiness.begin()
    assert readiness.leaving


def test_load_balancers_have_a_third_of_the_time_and_members_the_rest() -> None:
    ending = Ending(drain=9)
    members = [ending.premises.chatter(f"member{number}") for number in range(6)]
    ending.stop()
    ending.premises.pass_time(2.5)
    assert not any(sent_off(one) for one in members)
    late = ending.premises.chatter("late")
    ending.premises.pass_time(0.6)
    members.append(late)
    gone = [sum(sent_off(one) for one in members)]
    for _second in range(6):
        assert ending.open
        ending.premises.pass_time(1)
        gone.append(sum(sent_off(one) for one in members))
    assert gone == [1, 1, 1, 1, 1, 1, 1]
    assert not ending.open


def test_who_comes_while_others_are_sent_off_is_told_at_the_end() -> None:
    ending = Ending(drain=9)
    ending.premises.chatter("Ana")
    ending.stop()
    ending.premises.pass_time(3)
    late = ending.premises.chatter("late")
    ending.premises.pass_time(6)
    assert not ending.open
    assert not sent_off(late)
    ending.close()
    assert sent_off(late)


def test_without_a_time_to_drain_it_stops_at_once() -> None:
    ending = Ending(drain=0)
    ending.stop()
    assert not ending.open


@pytest.mark.parametrize("seconds", [0, 5, 15])
def test_who_is_in_a_hurry_need_not_wait(seconds: float) -> None:
    ending = Ending(drain=30)
    for number in range(30):
        ending.premises.chatter(f"member{number}")
    ending.stop()
    ending.premises.pass_time(seconds)
    assert ending.open
    ending.leaving.hurry()
    assert not ending.open


def test_a_second_signal_is_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Any] = dict.fromkeys((signal.SIGINT, signal.SIGTERM), print)
    monkeypatch.setattr(signal, "getsignal", handlers.get)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    ending = Ending(drain=600)
    ending.stop()
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert not ending.open


def test_at_the_end_it_waits_until_everybody_is_gone() -> None:
    ending = Ending(drain=0)
    ana = ending.premises.chatter("Ana")
    closed = ending.close()
    assert sent_off(ana)
    ending.premises.pass_time(1)
    assert not closed.called
    ana.send(closing(4000))
    ana.vanish()
    ending.premises.pass_time(0.1)
    assert closed.called


def test_at_the_end_it_waits_until_every_request_is_answered() -> None:
    ending = Ending(drain=0)
    caller = ending.premises.call(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n{")
    ending.premises.call(ASKED)
    closed = ending.close()
    ending.premises.pass_time(1)
    assert not closed.called
    caller.send(b"   ")
    assert answer(caller.took()).status
    ending.premises.pass_time(0.1)
    assert closed.called


def test_it_does_not_wait_for_ever() -> None:
    ending = Ending(drain=0)
    ending.premises.chatter("Ana")
    ending.premises.call(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n{")
    closed = ending.close()
    ending.premises.pass_time(GOODBYE - 0.1)
    assert not closed.called
    ending.premises.pass_time(0.2)
    assert closed.called
