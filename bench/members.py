"""Connections of the load: opening them, greeting the server, being idle."""

import base64
import hashlib
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.frames import CLOSE, PING, PONG, EventReader, Frame, FrameReader, client_frame

_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PATIENCE = 20.0

# Connections that are being opened at the same time: a queue at the door, not a storm.
TOGETHER = 16

# From one loopback address: a server's port can be reached from some 28,000 ports of each.
_AN_ADDRESS = 4000


class ServerError(Exception):
    """The server closed a connection, or answered what it should not have."""


@dataclass(frozen=True)
class Place:
    """Where a server listens, and how it is spoken to there."""

    port: int
    path: str = "/"
    subprotocol: str | None = None
    upgrade: bool = True
    tls: bool = False
    deflate: bool = False
    stream: bool = False
    """Whether members listen to server-sent events there."""
    host: str = "127.0.0.1"


def stream_request(place: Place) -> bytes:
    head = (
        f"GET {place.path} HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nAccept: text/event-stream\r\n\r\n"
    )
    return head.encode()


def check_stream(head: bytes) -> None:
    """Check an answer's head, without its final empty line."""
    status, *lines = head.decode("latin-1").lower().split("\r\n")
    if " 200 " not in status + " ":
        raise ServerError(f"no stream: {status}")
    if not any(line.startswith("content-type: text/event-stream") for line in lines):
        raise ServerError("no server-sent events")


def upgrade_request(place: Place, key: bytes) -> bytes:
    lines = [
        f"GET {place.path} HTTP/1.1",
        f"Host: {place.host}:{place.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        f"Origin: {'https' if place.tls else 'http'}://{place.host}:{place.port}",
    ]
    if place.subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {place.subprotocol}")
    if place.deflate:
        lines.append(
            "Sec-WebSocket-Extensions: permessage-deflate; "
            "server_no_context_takeover; client_no_context_takeover"
        )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def check_upgrade(head: bytes, place: Place, key: bytes) -> bool:
    """Check a 101 response, without its final empty line. True if deflate was agreed on."""
    status, *lines = head.decode("latin-1").split("\r\n")
    if " 101 " not in status + " ":
        raise ServerError(f"no upgrade: {status}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    wanted = base64.b64encode(hashlib.sha1(key + _ACCEPT_GUID).digest()).decode()
    if headers.get("sec-websocket-accept") != wanted:
        raise ServerError("a wrong Sec-WebSocket-Accept")
    if headers.get("sec-websocket-protocol") != place.subprotocol:
        raise ServerError(f"subprotocol {headers.get('sec-websocket-protocol')!r}")
    deflated = "permessage-deflate" in headers.get("sec-websocket-extensions", "")
    if deflated != place.deflate:
        raise ServerError(f"permessage-deflate is {'on' if deflated else 'off'}")
    return deflated


def tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Member:
    """One connection."""

    def __init__(
        self,
        place: Place,
        tls: ssl.SSLContext | None = None,
        number: int = 0,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._place = place
        source = (f"127.0.0.{1 + number // _AN_ADDRESS % 16}", 0) if number >= _AN_ADDRESS else None
        plain = socket.create_connection((place.host, place.port), _PATIENCE, source)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain, session=session) if tls else plain
        self.socket.setblocking(False)
        self.reader: FrameReader | EventReader = EventReader() if place.stream else FrameReader()
        self._key = base64.b64encode(os.urandom(16))
        self._early: list[Frame] = []
        self.number = number

    def ask_upgrade(self) -> None:
        if self._place.stream:
            self.send(stream_request(self._place))
        elif self._place.upgrade:
            self.send(upgrade_request(self._place, self._key))

    def await_upgrade(self) -> None:
        if not self._place.upgrade:
            return
        head = b""
        until = time.monotonic() + _PATIENCE
        while b"\r\n\r\n" not in head:
            head += self._receive(until)
        head, _, early = head.partition(b"\r\n\r\n")
        if self._place.stream:
            check_stream(head)
        else:
            check_upgrade(head, self._place, self._key)
        self._early = self.reader.feed(early)

    def send(self, data: bytes) -> None:
        """Send all of it, waiting if the socket is full."""
        until = time.monotonic() + _PATIENCE
        view = memoryview(data)
        while view:
            try:
                view = view[self.socket.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT, until)

    def await_answer(self, answer: bytes) -> bytes:
        """The payload of the next message that contains `answer`; what comes before it is lost."""
        until = time.monotonic() + _PATIENCE
        frames, self._early = self._early, []
        while True:
            for frame in frames:
                if frame.opcode == CLOSE or b'"type":"error"' in frame.payload:
                    raise ServerError(f"instead of {answer!r}: {frame.payload!r}")
                if answer in frame.payload:
                    return frame.payload
            frames = self.reader.feed(self._receive(until))

    def ask(self, request: bytes, answer: bytes) -> bytes:
        """Send one request and await the message with `answer` in it."""
        self.send(client_frame(request))
        return self.await_answer(answer)

    def drain(self) -> list[Frame]:
        """What has arrived, without waiting. Pings are answered."""
        frames: list[Frame] = []
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                return frames
            if not data:
                raise ServerError("the server closed a connection")
            for frame in self.reader.feed(data):
                if frame.opcode == CLOSE:
                    raise ServerError(f"the server closed a connection: {frame.payload!r}")
                if frame.opcode == PING:
                    self.send(client_frame(frame.payload, PONG))
                else:
                    frames.append(frame)

    def receive_all(self) -> bytes:
        """The bytes that have arrived, without waiting: frames as they are, pings unanswered."""
        data = b""
        while True:
            try:
                more = self.socket.recv(1 << 18)
            except (BlockingIOError, ssl.SSLWantReadError):
                return data
            if not more:
                raise ServerError("the server closed a connection")
            data += more

    def _receive(self, until: float) -> bytes:
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN, until)
                continue
            if not data:
                raise ServerError("the server closed a connection")
            return data

    def _wait(self, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(self.socket, event)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise ServerError(f"nothing for {_PATIENCE:.0f} s")


class Crowd:
    """All members of one run, in an epoll.

    Edge-triggered: who is told that a member is readable empties its socket. Level-triggered, the
    kernel looks at every member it has just reported again, which costs the load as much as a
    recv.
    """

    def __init__(self, place: Place, together: int = TOGETHER) -> None:
        self.place = place
        self.together = together
        self.first = 0
        """The number of the first member."""
        self.members: list[Member] = []
        self.by_fd: dict[int, Member] = {}
        self.epoll = select.epoll()
        self._tls = tls_context() if place.tls else None
        self._session: ssl.SSLSession | None = None

    def __len__(self) -> int:
        return len(self.members)

    def resume(self, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
        """Who comes from now on resumes this TLS session."""
        self._tls = context
        self._session = session

    def open(self, count: int) -> list[Member]:
        """`count` more connections, upgraded to WebSocket."""
        opened: list[Member] = []
        for size in batches(count, self.together):
            first = self.first + len(self.members)
            batch = [
                Member(self.place, self._tls, number, self._session) for number in range(first, first + size)
            ]
            for member in batch:
                member.ask_upgrade()
            for member in batch:
                member.await_upgrade()
                self.epoll.register(member.socket, select.EPOLLIN | select.EPOLLET)
                self.by_fd[member.socket.fileno()] = member
            self.members += batch
            opened += batch
        return opened

    def take_in(self, member: Member) -> None:
        """Somebody who is none of the members, but is to be heard with them."""
        self.epoll.register(member.socket, select.EPOLLIN | select.EPOLLET)
        self.by_fd[member.socket.fileno()] = member

    def ask(self, members: list[Member], request: Callable[[int], bytes], answer: bytes) -> list[bytes]:
        """Send every member's `request` and await the messages with `answer` in them."""
        at = 0
        answers: list[bytes] = []
        for size in batches(len(members), self.together):
            batch = members[at : at + size]
            at += size
            for member in batch:
                member.send(client_frame(request(member.number)))
            answers += [member.await_answer(answer) for member in batch]
            self._drain_ready(0)
        return answers

    def settle(self, quiet: float = 0.3) -> None:
        """Read whatever still comes until nothing has come for `quiet` seconds."""
        until = time.monotonic() + _PATIENCE
        while self._drain_ready(quiet):
            if time.monotonic() > until:
                raise ServerError("the server does not come to rest")
        if any(member.reader.pending for member in self.members):
            raise ServerError("half a frame, and no more of it")

    def _drain_ready(self, timeout: float) -> bool:
        ready = self.epoll.poll(timeout, 4096)
        for fd, _ in ready:
            self.by_fd[fd].drain()
        return bool(ready)

    def close(self) -> None:
        self.epoll.close()
        for member in self.members:
            member.socket.close()


def batches(count: int, most: int) -> Iterator[int]:
    while count > 0:
        yield min(count, most)
        count -= most
