"""`chatroom doctor`: what is wrong between here and a server, and what to do about it."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from cryptography import x509

from chatroom import terminal
from chatroom.client import Client
from chatroom.client.address import Address, address
from chatroom.client.line import SUBPROTOCOL
from chatroom.console import profiles, running
from chatroom.console.profiles import Profile
from chatroom.domain import commands, replies
from chatroom.terminal import Commands, Mistake, Options, say, shown

TIMEOUT = 15
"""Seconds for each step."""

FEW_DAYS = 14
"""Days a certificate is good for, below which it is time."""

SKEW = 5.0
"""Seconds that two clocks may differ."""


class Finding(NamedTuple):
    """`advice` where it is not as it should be; `status` what to exit with where nothing goes on from
    there."""

    what: str
    advice: str = ""
    status: int = terminal.DONE


class Trouble(Exception):
    """A step that fails: what comes after it cannot be looked at."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="find out why a server is not reached, and what to do",
        description="Look at every step between here and a server: the name, the network, the certificate,"
        " the way through proxies, the login, the clocks. It says what to do where one of them fails.",
    )
    profiles.add_to(parser)
    parser.set_defaults(action=_doctor)


def _doctor(options: Options) -> None:
    profile = profiles.chosen(options)
    try:
        where = address(profile.url)
    except ValueError as error:
        raise Mistake(str(error), terminal.MISUSED) from None
    say(f"{where.url}")
    try:
        for finding in steps(where, profile):
            _show(finding)
    except Trouble as trouble:
        _show(trouble.finding)
        raise Mistake("", trouble.finding.status) from None
    running.talk(profile, _spoken, agent="doctor")


def _show(finding: Finding) -> None:
    say(f"{'! ' if finding.advice else 'ok'}  {shown(finding.what)}")
    if finding.advice:
        say(f"    {shown(finding.advice)}")
    sys.stdout.flush()


def steps(where: Address, profile: Profile) -> Iterator[Finding]:
    """One finding a step, up to the WebSocket. Raises Trouble."""
    yield _reached(where)
    if where.tls:
        yield from _certificate(where, profile)
    yield _upgraded(where, profile)


def _reached(where: Address) -> Finding:
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Trouble(
            Finding(
                f"there is no host called {where.host}",
                "look at the spelling, and at this machine's name server (DNS)",
                terminal.UNREACHABLE,
            )
        ) from None
    began = time.monotonic()
    try:
        with _socket(where) as connected:
            peer = connected.getpeername()[0]
    except OSError as error:
        said = f"{where.authority} ({found[0][4][0]}) does not take connections: {error.strerror or error}"
        advice = (
            "is the server running (twistd -n chatroom), is the port right, does a firewall let it through?"
        )
        raise Trouble(Finding(said, advice, terminal.UNREACHABLE)) from None
    return Finding(f"{where.authority} ({peer}) takes connections, in {_milliseconds(began)}")


def _certificate(where: Address, profile: Profile) -> Iterator[Finding]:
    """Whether it is believed, and for how long it is good."""
    try:
        with _wrapped(where, _context(profile, verify=True)) as connected:
            version = connected.version()
    except ssl.SSLCertVerificationError as error:
        advice = (
            "if it is your own, name the file with its authority: --ca FILE; else the server needs one"
            " from an authority, with the whole chain in its PEM"
        )
        if "match" in error.verify_message:
            advice = "use a name that it is for, or get one for this name"
        elif "expired" in error.verify_message:
            advice = "renew it"
        said = f"the certificate is not trusted: {error.verify_message}"
        if not profile.insecure:
            raise Trouble(Finding(said, advice, terminal.UNREACHABLE)) from None
        yield Finding(said, "--insecure believes it all the same")
    except (ssl.SSLError, OSError) as error:
        advice = "does it speak TLS on this port? If not, its URL begins with http:"
        raise Trouble(Finding(f"TLS fails: {error}", advice, terminal.UNREACHABLE)) from None
    else:
        yield Finding(f"the certificate is trusted ({version})")
    yield _days_left(where, profile)


def _days_left(where: Address, profile: Profile) -> Finding:
    with _wrapped(where, _context(profile, verify=False)) as connected:
        der = connected.getpeercert(binary_form=True) or b""
    end = x509.load_der_x509_certificate(der).not_valid_after_utc
    days = (end - datetime.now(UTC)).days
    said = f"the certificate is good for {days} days, until {end:%Y-%m-%d}"
    return Finding(said, "renew it: who has not, is cut off on that day" if days < FEW_DAYS else "")


def _upgraded(where: Address, profile: Profile) -> Finding:
    """Whether WebSockets come through all proxies on the way."""
    with _socket(where) as connected:
        if where.tls:
            connected = _context(profile, verify=False).wrap_socket(connected, server_hostname=where.host)
        http = HTTPConnection(where.host, where.port, timeout=TIMEOUT)
        http.sock = connected
        key = base64.b64encode(os.urandom(16)).decode()
        asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key}
        asked |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": SUBPROTOCOL}
        try:
            http.request("GET", where.resource, headers=asked | {"Host": where.authority})
            answer = http.getresponse()
            status, server = answer.status, answer.headers.get("Server", "")
            accepted = answer.headers.get("Sec-WebSocket-Accept")
        except (OSError, HTTPException) as error:
            said = f"no HTTP is spoken at {where.authority}: {error or type(error).__name__}"
            advice = "is this another program's port? If it speaks TLS, the URL begins with https:"
            raise Trouble(Finding(said, advice, terminal.UNREACHABLE)) from None
        finally:
            http.close()
    if status == 101 and accepted:
        return Finding("WebSockets come through")
    said = f"no WebSocket is opened: HTTP {status}" + (f" from {server}" if server else "")
    raise Trouble(Finding(said, _ADVICE.get(status, _ANY_STATUS), terminal.UNREACHABLE))


_PROXY = (
    "a proxy on the way does not pass Upgrade on: docs/proxies.md says what to write in its configuration"
)
_AWAY = "a proxy answers, and its server does not: is chatroom running, and the proxy's address for it right?"
_ANY_STATUS = "is a chatroom server there at all, and is the path right?"
_ADVICE = {
    200: _PROXY,
    400: _PROXY,
    403: "the server, or a proxy, does not let this address in",
    404: _ANY_STATUS,
    421: "the server does not know that it is called so: start it with --host NAME",
    426: _PROXY,
    502: _AWAY,
    503: _AWAY,
    504: _AWAY,
}


async def _spoken(client: Client) -> None:
    """The login is good already; what else there is to know."""
    began, before = time.monotonic(), time.time()
    pong = await client.ask(commands.Ping(), replies.Pong)
    took = time.monotonic() - began
    me = client.me
    if me is not None:
        _show(Finding(f"the server knows us as {me.name} ({me.kind})"))
    _show(Finding(f"it answers in {took * 1000:.0f} ms"))
    # The server looked at its clock somewhere in between.
    ahead = pong.time / 1000 - (before + took / 2)
    said = f"its clock and ours differ by {abs(ahead):.1f} s"
    slack = SKEW + took / 2
    _show(Finding(said, "set both by the network time (NTP)" if abs(ahead) > slack else ""))


def _socket(where: Address) -> socket.socket:
    return socket.create_connection((where.host, where.port), timeout=TIMEOUT)


def _wrapped(where: Address, context: ssl.SSLContext) -> ssl.SSLSocket:
    connected = _socket(where)
    try:
        return context.wrap_socket(connected, server_hostname=where.host)
    except BaseException:
        connected.close()
        raise


def _context(profile: Profile, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=profile.ca)
    except (OSError, ssl.SSLError) as error:
        raise Mistake(f"--ca {profile.ca}: {error}", terminal.MISUSED) from None
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _milliseconds(began: float) -> str:
    return f"{(time.monotonic() - began) * 1000:.0f} ms"
