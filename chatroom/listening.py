"""Ports: from endpoint strings to listening, with every mistake explained."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext, SSLError
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.certificate import BadPem, check
from chatroom.domain.ports import Clock
from chatroom.doors.tls import TlsFactory
from chatroom.encryption import server_context

_PORTED = ("tcp", "tcp6", "ssl")
"""The kinds of endpoint that have a port and a backlog."""

_FILES = ("privateKey", "certKey", "extraCertChain", "dhParameters")
"""The arguments of `ssl:` that name a PEM file."""

_REASONS = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another endpoint",
    errno.EACCES: "not allowed; ports below 1024 take root, who can hand on to another user: twistd --uid",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


_PROXIED = "haproxy"
"""In front of another kind: a load balancer calls there, and says with the PROXY protocol for whom."""


class BadEndpoint(Exception):
    """An endpoint that cannot be listened on; the message says why and how to mend it."""


class _Wrong(Exception):
    """The same, where the message does not name the endpoint yet."""


def endpoint_for(reactor: Any, description: str, option: str = "--endpoint") -> IStreamServerEndpoint:
    """The endpoint that `description` describes, its port and PEM files checked. Raises BadEndpoint, which
    names the `option` that it was given with."""
    try:
        return _endpoint_for(reactor, description)
    except _Wrong as wrong:
        raise BadEndpoint(f"{option} {description!r}: {wrong}") from None


def _endpoint_for(reactor: Any, description: str) -> IStreamServerEndpoint:
    proxied, [kind, *arguments] = _parts(description)
    if proxied:
        _check_proxied(kind)
    named = dict(part.split("=", 1) for part in arguments if "=" in part)
    if kind in _PORTED:
        _check_port([*proxied, kind], arguments, named)
        if "backlog" not in named:
            # Twisted's 50 is too few for everybody coming back at once after a restart.
            arguments.append("backlog=1024")
    context, below = None, kind
    if kind == "ssl":
        context = _context(named)
        # Twisted's own `ssl:` resumes no session, and a connection keeps half as much memory again.
        below, arguments = "tcp", [part for part in arguments if part.partition("=")[0] not in _FILES]
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, ":".join([*proxied, below, *arguments]))
    except Exception as error:
        raise _Wrong(
            f"{_explained(kind, error)}; tcp:9000 is an endpoint, and so is ssl:9443:privateKey=key.pem"
        ) from None
    return endpoint if context is None else TlsEndpoint(endpoint, context, reactor)


def _parts(description: str) -> tuple[list[str], list[str]]:
    """`haproxy` where it stands in front, and what the rest is made of: its kind and its arguments."""
    parts = re.split(r"(?<!\\):", description)
    return (parts[:1], parts[1:] or [""]) if parts[0] == _PROXIED else ([], parts)


def _check_port(kind: list[str], arguments: list[str], named: dict[str, str]) -> None:
    port = named.get("port", next((part for part in arguments if "=" not in part), ""))
    if not port.isdecimal() or int(port) > 65535:
        example = ":".join([*kind, "9000"])
        raise _Wrong(f"a port is a number up to 65535, as in {example}")


def _check_proxied(kind: str) -> None:
    if kind in ("", _PROXIED):
        raise _Wrong("haproxy stands in front of another endpoint, as in haproxy:tcp:9000")


def _context(named: dict[str, str]) -> SSLContext:
    """TLS as the arguments of an `ssl:` endpoint have it; raises where it cannot work so."""
    files = {name: Path(named[name].replace("\\:", ":")) for name in _FILES if name in named}
    key = files.get("privateKey", Path("server.pem"))
    certificate = files.get("certKey", key)
    try:
        check(key, certificate, datetime.now(UTC))
        return server_context(key, certificate, files.get("extraCertChain"), files.get("dhParameters"))
    except BadPem as error:
        raise BadEndpoint(str(error)) from None
    except (SSLError, ValueError) as error:
        raise _Wrong(f"OpenSSL says: {error}") from None
    except OSError as error:
        raise _Wrong(f"{error.filename}: {error.strerror}") from None


def _explained(kind: str, error: Exception) -> str:
    """What `serverFromString` means by `error`."""
    name = re.search(r"'(\w+)'$", str(error))
    if isinstance(error, TypeError) and name is not None:
        return f"{kind} {'takes no' if 'unexpected' in str(error) else 'needs its'} {name[1]}"
    if kind == "systemd" and isinstance(error, LookupError):
        return "systemd has handed over no such socket"
    if str(error).startswith("Unknown endpoint type"):
        return f"there is no kind of endpoint called {kind!r}"
    return str(error)


@implementer(IStreamServerEndpoint)
class TlsEndpoint:
    """TLS over another endpoint."""

    def __init__(self, below: IStreamServerEndpoint, context: SSLContext, clock: Clock) -> None:
        self._below = below
        self._context = context
        self._clock = clock

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen for connections to `protocolFactory`."""
        return self._below.listen(TlsFactory(self._context, protocolFactory, self._clock))


class Listeners(Service):
    """Listens on all endpoints, from before privileges are shed until the server stops.

    `refused` is called with a sentence for the first endpoint that cannot be listened on, and ends
    the program. `said` is logged of each that is, with its `{address}`.
    """

    _log = Logger()

    def __init__(
        self,
        endpoints: list[tuple[str, IStreamServerEndpoint]],
        factory: IProtocolFactory,
        refused: Callable[[str], NoReturn],
        said: str = "open {address} in a browser",
    ) -> None:
        self._endpoints = endpoints
        self._factory = factory
        self._refused = refused
        self._said = said
        self._ports: list[IListeningPort] = []
        self._problem: str | None = None
        self.urls: list[str] = []
        """What to type into a browser, for each endpoint that listens."""

    def privilegedStartService(self) -> None:
        """Listen: ports below 1024 need the privileges that twistd has now."""
        super().privilegedStartService()
        for description, endpoint in self._endpoints:
            listening = endpoint.listen(self._factory)
            listening.addCallbacks(
                self._listening,
                self._failed,
                callbackArgs=(description,),
                errbackArgs=(description,),
            )
            # Not from the errback: a Deferred keeps to itself what is raised in it.
            if self._problem is not None:
                self._refused(self._problem)

    def stopService(self) -> Deferred[Any]:
        """Stop listening; connections go on."""
        super().stopService()
        ports, self._ports = self._ports, []
        return gatherResults([_stopped(port) for port in ports])

    def _listening(self, port: IListeningPort, description: str) -> None:
        self._ports.append(port)
        address = url_of(description, port.getHost())
        if _parts(description)[0]:
            place = address.removeprefix("http://")
            self._log.info("send a load balancer that speaks the PROXY protocol to {place}", place=place)
        else:
            self.urls.append(address)
            self._log.info(self._said, address=address)

    def _failed(self, failure: Failure, description: str) -> None:
        error = getattr(failure.value, "socketError", failure.value)
        reason = getattr(error, "strerror", None) or str(error)
        if _parts(description)[1][0] in _PORTED:
            reason = _REASONS.get(getattr(error, "errno", None) or 0, reason)
        self._problem = f"cannot listen on {description}: {reason}"
        if not failure.check(CannotListenError, OSError):
            self._log.failure("cannot listen on {endpoint}", failure, endpoint=description)


def _stopped(port: IListeningPort) -> Deferred[Any]:
    stopped = port.stopListening()
    if isinstance(stopped, Deferred):
        return stopped
    done: Deferred[Any] = Deferred()
    done.callback(None)
    return done


def url_of(description: str, address: Any) -> str:
    """What to type into a browser, or where to send a load balancer, for a listening address."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None or port is None:
        return description
    scheme, usual = ("https", 443) if description.startswith(("ssl:", "tls:")) else ("http", 80)
    if host in ("0.0.0.0", "::", "127.0.0.1", "::1"):  # noqa: S104 - compared, not bound
        host = "localhost"
    elif ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")
