"""The courier as the server sees it, its process played by the test; and the addresses it may go to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from chatroom.domain.destinations import networks
from chatroom.domain.webhooks import Outcome, Parcel
from chatroom.doors.courier import STUCK, CourierProcess
from chatroom.doors.courierprocess import Guard

from ..logs import Logs
from ..store.keeping import outcome

PARCEL = Parcel("https://example.org/", {"webhook-id": "msg_1"}, b"{}")


class Processes(Clock):
    """A reactor that starts processes which do nothing by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Process] = []

    def spawnProcess(self, protocol: Any, program: str, arguments: list[str], env: Any) -> None:
        self.started.append(Process(protocol, arguments))


class Process:
    pid = 7

    def __init__(self, protocol: Any, arguments: list[str]) -> None:
        self.protocol = protocol
        self.arguments = arguments
        self.jobs: list[Any] = []
        self.signals: list[int] = []
        self.closed = False
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        self.jobs += [json.loads(line) for line in data.splitlines()]

    def closeStdin(self) -> None:
        self.closed = True

    def signalProcess(self, number: int) -> None:
        if self.signals:
            raise ProcessExitedAlready
        self.signals.append(number)

    def says(self, data: bytes) -> None:
        self.protocol.outReceived(data)

    def ends(self) -> None:
        self.protocol.processEnded(Failure(ProcessDone(None)))


@pytest.fixture
def reactor() -> Processes:
    return Processes()


@pytest.fixture
def courier(reactor: Processes) -> CourierProcess:
    return CourierProcess(reactor, ["127.0.0.1"])


def test_a_process_is_started_with_the_first_parcel_and_answers_in_any_order(courier, reactor):
    assert (reactor.started, courier.pid) == ([], None)
    one, two = courier.deliver(PARCEL), courier.deliver(PARCEL)
    (process,) = reactor.started
    assert courier.pid == 7
    assert process.arguments[-2:] == ["10.0", "127.0.0.1"]
    assert [job[0] for job in process.jobs] == [1, 2]
    process.says(b'[2,[410,"",null,""]]\n[1,[2')
    assert outcome(two) == Outcome(410)
    assert not one.called
    process.says(b'00,"aGk=",3.5,""]]\n')
    assert outcome(one) == Outcome(200, b"hi", 3.5)
    assert reactor.getDelayedCalls() == []


def test_with_its_process_ends_what_was_under_way_and_another_is_started(courier, reactor):
    one = courier.deliver(PARCEL)
    with Logs() as logs:
        reactor.started[0].ends()
    assert outcome(one) == Outcome(None, problem="the server's courier has ended")
    assert len(logs.events) == 1
    courier.deliver(PARCEL)
    assert len(reactor.started) == 2


def test_one_that_does_not_answer_is_ended(courier, reactor):
    one = courier.deliver(PARCEL)
    (process,) = reactor.started
    reactor.advance(STUCK - 1)
    assert process.signals == []
    reactor.advance(1)
    assert process.signals == [9]
    process.ends()
    assert outcome(one).status is None
    assert reactor.getDelayedCalls() == []


def test_what_it_says_besides_is_logged(courier, reactor):
    courier.deliver(PARCEL)
    with Logs() as logs:
        reactor.started[0].says(b"nonsense\n")
        reactor.started[0].protocol.errReceived(b"a warning\n")
    assert len(logs.events) == 2


def test_a_server_that_stops_ends_it(courier, reactor):
    one = courier.deliver(PARCEL)
    courier.stop()
    assert reactor.started[0].closed
    with Logs() as logs:
        reactor.started[0].ends()
    assert logs.events == []
    assert outcome(one).status is None
    assert outcome(courier.deliver(PARCEL)).status is None
    assert len(reactor.started) == 1


class Names:
    """A resolver: each name has, each time, the next of its answers."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def resolveHostName(self, receiver: Any, name: str, *_more: Any, **_named: Any) -> None:
        receiver.resolutionBegan(None)
        for address in self.answers.pop(0):
            receiver.addressResolved(IPv4Address("TCP", address, 443))
        receiver.resolutionComplete()


class Heard:
    """Who asked for a name."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.complete = False

    def resolutionBegan(self, _resolution: Any) -> None:
        """It has begun."""

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address.host)

    def resolutionComplete(self) -> None:
        self.complete = True


def resolved(guard: Guard) -> list[str]:
    heard = Heard()
    guard.resolveHostName(heard, "example.org", 443)  # type: ignore[arg-type]
    assert heard.complete
    return heard.addresses


def test_a_name_leads_only_where_it_may_each_time_it_is_looked_up():
    names = Names(["93.184.216.34"], ["127.0.0.1", "10.0.0.1"], ["127.0.0.1", "93.184.216.34"])
    guard = Guard(names, ())  # type: ignore[arg-type]
    assert resolved(guard) == ["93.184.216.34"]
    assert guard.refused == {}
    # The same name, bound to something else a moment later.
    assert resolved(guard) == []
    assert guard.refused == {"example.org": "10.0.0.1"}
    assert resolved(guard) == ["93.184.216.34"]


def test_a_network_that_is_allowed_is_no_private_one():
    guard = Guard(Names(["127.0.0.1", "10.0.0.1"]), networks(["127.0.0.0/8"]))  # type: ignore[arg-type]
    assert resolved(guard) == ["127.0.0.1"]
