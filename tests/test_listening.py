"""From endpoint strings to listening ports, and what is said of those that cannot be had."""

from __future__ import annotations

import errno
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.logger import LogLevel
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure

from chatroom.certificate import make
from chatroom.doors.tls import TlsFactory
from chatroom.listening import BadEndpoint, Listeners, endpoint_for, url_of

from .logs import Logs
from .test_certificate import NOW


class Refused(Exception):
    """Stands for the end of the program."""


def refuse(message: str) -> NoReturn:
    raise Refused(message)


class StubEndpoint:
    """Listens as it is told to."""

    def __init__(self, outcome: Deferred[Any]) -> None:
        self._outcome = outcome

    def listen(self, _factory: Factory) -> Deferred[Any]:
        return self._outcome


class StubPort:
    """A port that stops at once, or not at all yet."""

    def __init__(self, stopped: Deferred[None] | None = None) -> None:
        self._stopped = stopped

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 9000)

    def stopListening(self) -> Deferred[None] | None:
        return self._stopped


def bad(description: str) -> str:
    """What is wrong with an endpoint."""
    with pytest.raises(BadEndpoint) as wrong:
        endpoint_for(MemoryReactor(), description)
    assert "\n" not in str(wrong.value)
    return str(wrong.value)


@pytest.mark.parametrize("kind", ["tcp:9000", "tcp:port=9000", r"tcp6:9000:interface=\:\:1"])
def test_a_port_has_room_for_everybody_coming_back_at_once(kind: str) -> None:
    reactor = MemoryReactor()
    for description, backlog in ((kind, 1024), (f"{kind}:backlog=7", 7)):
        endpoint_for(reactor, description).listen(Factory())
        port, _factory, given, _interface = reactor.tcpServers[-1]
        assert (port, given) == (9000, backlog)


@pytest.mark.parametrize("port", ["", ":", ":http", ":99999", ":-1", ":9000x", ":interface=127.0.0.1"])
@pytest.mark.parametrize("kind", ["tcp", "tcp6", "ssl"])
def test_a_port_is_a_number(kind: str, port: str) -> None:
    assert bad(kind + port) == f"--endpoint '{kind}{port}': a port is a number up to 65535, as in {kind}:9000"


@pytest.mark.parametrize(
    "kind",
    ["haproxy:tcp:9000", r"haproxy:tcp6:port=9000:interface=\:\:1", "haproxy:tcp:9000:interface=127.0.0.1"],
)
def test_a_load_balancers_port_is_no_smaller(kind: str) -> None:
    reactor = MemoryReactor()
    for description, backlog in ((kind, 1024), (f"{kind}:backlog=7", 7)):
        endpoint_for(reactor, description).listen(Factory())
        port, factory, given, interface = reactor.tcpServers[-1]
        assert (port, given) == (9000, backlog)
        assert isinstance(factory, WrappingFactory)
        assert interface in description.replace("\\", "")


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("haproxy:tcp:", "a port is a number up to 65535, as in haproxy:tcp:9000"),
        ("haproxy:tcp:http", "a port is a number up to 65535, as in haproxy:tcp:9000"),
        ("haproxy", "haproxy stands in front of another endpoint, as in haproxy:tcp:9000"),
        ("haproxy:", "haproxy stands in front of another endpoint, as in haproxy:tcp:9000"),
        ("haproxy:haproxy:tcp:9000", "haproxy stands in front of another endpoint, as in haproxy:tcp:9000"),
    ],
)
def test_what_a_load_balancer_cannot_call_is_explained(description: str, said: str) -> None:
    assert bad(description) == f"--endpoint {description!r}: {said}"


def test_what_is_behind_haproxy_is_explained_as_it_is_without() -> None:
    assert bad("haproxy:9000").startswith(
        "--endpoint 'haproxy:9000': there is no kind of endpoint called '9000'"
    )
    assert bad("haproxy:unix").startswith("--endpoint 'haproxy:unix': unix needs its address")
    assert bad("haproxy:ssl:9443:privateKey=none.pem").startswith("there is no file none.pem; ")


EXAMPLES = "; tcp:9000 is an endpoint, and so is ssl:9443:privateKey=key.pem"


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("", "there is no kind of endpoint called ''"),
        ("9000", "there is no kind of endpoint called '9000'"),
        ("http://localhost", "there is no kind of endpoint called 'http'"),
        ("tcp:9000:nosuch=1", "tcp takes no nosuch"),
        ("unix", "unix needs its address"),
        ("systemd:domain=INET:index=0", "systemd has handed over no such socket"),
        ("systemd:domain=INET:name=chat", "systemd has handed over no such socket"),
    ],
)
def test_what_is_no_endpoint_is_explained_in_its_own_words(description: str, said: str) -> None:
    assert bad(description) == f"--endpoint {description!r}: {said}{EXAMPLES}"


def test_the_pem_behind_tls_is_checked_before_anything_listens(tmp_path: Path) -> None:
    assert bad("ssl:9443:privateKey=none.pem").startswith("there is no file none.pem; ")
    assert bad("ssl:9443").startswith("there is no file server.pem; ")
    odd = tmp_path / "a:b.pem"
    odd.write_bytes(make(["localhost"], NOW))
    escaped = str(odd).replace(":", r"\:")
    assert "is good only from 2030-01-02" in bad(f"ssl:9443:privateKey={escaped}")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A key and its certificate, good today."""
    path = tmp_path / "key.pem"
    path.write_bytes(make(["localhost"], datetime.now(UTC)))
    return path


def test_tls_stands_on_a_tcp_port_of_the_same_arguments(pem: Path) -> None:
    reactor = MemoryReactor()
    endpoint_for(reactor, f"ssl:9443:privateKey={pem}:interface=127.0.0.1").listen(Factory())
    port, factory, backlog, interface = reactor.tcpServers[-1]
    assert (port, backlog, interface) == (9443, 1024, "127.0.0.1")
    assert isinstance(factory, TlsFactory)


def test_what_tls_does_not_take_is_explained_in_its_own_words(pem: Path) -> None:
    start = f"ssl:9443:privateKey={pem}:"
    for more, said in (
        ("nosuch=1", f"ssl takes no nosuch{EXAMPLES}"),
        ("sslmethod=TLSv1_METHOD", f"ssl takes no sslmethod{EXAMPLES}"),
        ("dhParameters=none.pem", "none.pem: No such file or directory"),
        ("extraCertChain=none.pem", "none.pem: No such file or directory"),
        (f"dhParameters={pem}", "OpenSSL says: "),
    ):
        assert bad(start + more).startswith(f"--endpoint {start + more!r}: {said}")


def test_it_says_which_address_to_open() -> None:
    here = IPv4Address("TCP", "0.0.0.0", 9000)
    assert url_of("tcp:9000", here) == "http://localhost:9000"
    assert url_of("tcp:80", IPv4Address("TCP", "127.0.0.1", 80)) == "http://localhost"
    assert url_of("ssl:443", IPv4Address("TCP", "10.1.2.3", 443)) == "https://10.1.2.3"
    assert url_of("ssl:9443", IPv4Address("TCP", "10.1.2.3", 9443)) == "https://10.1.2.3:9443"
    assert url_of("tcp6:9000", IPv6Address("TCP", "fd00::7", 9000)) == "http://[fd00::7]:9000"
    assert url_of("unix:/run/x", UNIXAddress("/run/x")) == "unix:/run/x"


def _refused(description: str, error: Exception) -> str:
    listeners = Listeners([(description, StubEndpoint(fail(error)))], Factory(), refuse)
    with pytest.raises(Refused) as refused:
        listeners.privilegedStartService()
    return str(refused.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EADDRINUSE, "another program listens there; end it, or choose another endpoint"),
        (
            errno.EACCES,
            "not allowed; ports below 1024 take root, who can hand on to another user: twistd --uid",
        ),
        (errno.EADDRNOTAVAIL, "this machine has no such address"),
        (errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
)
def test_a_port_that_cannot_be_had_ends_the_program(code: int, said: str) -> None:
    error = CannotListenError("127.0.0.1", 9000, OSError(code, os.strerror(code)))
    assert _refused("tcp:9000", error) == f"cannot listen on tcp:9000: {said}"


def test_a_load_balancers_port_that_cannot_be_had_is_explained_too() -> None:
    error = CannotListenError("127.0.0.1", 9000, OSError(errno.EADDRINUSE, "in use"))
    assert _refused("haproxy:tcp:9000", error).startswith(
        "cannot listen on haproxy:tcp:9000: another program listens there"
    )


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("tcp:9000", "open http://localhost:9000 in a browser"),
        ("haproxy:tcp:9000", "send a load balancer that speaks the PROXY protocol to localhost:9000"),
    ],
)
def test_the_log_says_who_is_expected_where(description: str, said: str) -> None:
    with Logs() as logs:
        listeners = Listeners([(description, StubEndpoint(succeed(StubPort())))], Factory(), refuse)
        listeners.privilegedStartService()
    assert logs.of(LogLevel.info) == [said]


def test_a_unix_socket_that_cannot_be_had_is_told_in_the_systems_words() -> None:
    error = CannotListenError(None, "/run/x", OSError(errno.EACCES, "Permission denied"))
    assert _refused("unix:/run/x", error) == "cannot listen on unix:/run/x: Permission denied"


def test_an_interface_that_is_no_name() -> None:
    error = CannotListenError("nosuch", 9000, socket.gaierror(-2, "Name or service not known"))
    assert _refused("tcp:9000", error) == "cannot listen on tcp:9000: Name or service not known"


def test_the_first_of_several_that_cannot_be_had_is_told() -> None:
    taken = CannotListenError("127.0.0.1", 9001, OSError(errno.EADDRINUSE, "in use"))
    endpoints = [("tcp:9000", StubEndpoint(succeed(StubPort()))), ("tcp:9001", StubEndpoint(fail(taken)))]
    with pytest.raises(Refused, match="cannot listen on tcp:9001"):
        Listeners(endpoints, Factory(), refuse).privilegedStartService()


def test_stopping_waits_for_every_port() -> None:
    slow: Deferred[None] = Deferred()
    endpoints = [
        ("tcp:9000", StubEndpoint(succeed(StubPort()))),
        ("tcp:9001", StubEndpoint(succeed(StubPort(slow)))),
    ]
    listeners = Listeners(endpoints, Factory(), refuse)
    listeners.privilegedStartService()
    listeners.startService()
    stopped = listeners.stopService()
    assert not stopped.called
    slow.callback(None)
    assert stopped.called
    assert not isinstance(stopped.result, Failure)
