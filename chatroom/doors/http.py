"""The web door: the client's files, /healthz and /readyz."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, AnyStr

import msgspec
from twisted.web import pages, static
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from chatroom.doors.channel import WebChannel
from chatroom.doors.headers import HEADERS, headers_of, page_policy
from chatroom.doors.hosts import Hosts
from chatroom.doors.proxies import Proxies, Source
from chatroom.readiness import Readiness

MAX_BODY = 8 * 1024
"""The longest body of a request of a page, in bytes."""

API_BODY, BATCH_BODY = 64 * 1024, 256 * 1024
"""The longest of a request of a program, and of one that has several messages."""

SESSION_BODY = 256 * 1024
"""The longest of one that has what a connection says: as much as may wait there (`session`)."""

MAX_READ = 1024 * 1024
"""How much of a longer one is read before the connection is closed."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def body_bound(target: bytes) -> int:
    """The longest body that a request for `target` may have, in bytes."""
    if target.startswith(b"/api/v1/messages"):
        return BATCH_BODY
    if target.startswith(b"/session"):
        return SESSION_BODY
    return API_BODY if target.startswith((b"/api/", b"/hooks/")) else MAX_BODY


class StrictRequest(Request):
    """A request whose body is small, and whose answer has the security headers."""

    oversized = False
    """Whether its body is longer than `bound`; what is too much of it was dropped."""

    bound = MAX_BODY
    """The longest that its body may be, in bytes."""

    content: BytesIO
    _size = 0

    def gotLength(self, length: int | None) -> None:
        """The body is about to come: it is kept in memory, where Twisted would take to the disk."""
        self.content = BytesIO()
        channel: Any = self.channel
        self.bound = body_bound(channel.target)

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body. A little too much is read, so that the client comes to read the answer."""
        channel: Any = self.channel
        kept = max(0, self.bound - self._size)
        self._size += len(data)
        self.oversized = self._size > self.bound
        if self._size > MAX_READ and not channel.refused:
            channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {self.bound} bytes.")
        self.content.write(data[:kept])

    def process(self) -> None:
        """Answer it."""
        channel: Any = self.channel
        if channel.refused:
            return
        for name, value in channel.factory.headers:
            self.setHeader(name, value)
        if channel.factory.hosts.serves(self.asked_host):
            super().process()
        else:
            self._misdirected(channel.factory.hosts.refusal(self.asked_host))

    @property
    def asked_host(self) -> str:
        """What the client calls this server; empty where it does not."""
        return self.field("host") or ""

    @cached_property
    def source(self) -> Source:
        """Where it comes from."""
        channel: Any = self.channel
        proxies: Proxies = channel.factory.proxies
        forwarded = self.field("x-forwarded-for"), self.field("x-forwarded-proto")
        return proxies.source(channel.transport.getPeer(), bool(self.isSecure()), *forwarded)

    def field(self, name: str) -> str | None:
        """A header field's value; those of several of that name, joined by commas."""
        values = self.requestHeaders.getRawHeaders(name.encode())
        return b", ".join(values).decode("latin-1") if values else None

    def getRequestHostname(self) -> bytes:
        """What Klein asks for; none of its routes here is for one host alone."""
        return b"chatroom"

    def setHeader(self, name: AnyStr, value: AnyStr) -> None:
        """Set one; but Twisted would name itself and its version as the server."""
        if name.lower() not in ("server", b"server"):
            super().setHeader(name, value)
        else:
            super().setHeader(b"Server", HEADERS["Server"].encode())

    def _misdirected(self, why: str) -> None:
        status = HTTPStatus.MISDIRECTED_REQUEST
        self.setResponseCode(status.value, status.phrase.encode())
        self.setHeader(b"content-type", b"text/plain; charset=utf-8")
        self.write(why.encode() + b"\n")
        self.finish()


class Health(Resource):
    """/healthz: the process is up."""

    def render_GET(self, request: Request) -> bytes:
        """It is."""
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        return b'{"status":"ok"}\n'


class Ready(Resource):
    """/readyz: whether a load balancer should send people here."""

    def __init__(self, readiness: Readiness) -> None:
        super().__init__()
        self._readiness = readiness

    def render_GET(self, request: Request) -> bytes:
        """200 or 503, and the state, with the reason where it should not."""
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        told: dict[str, str] = {"status": self._readiness.state}
        if self._readiness.reason is not None:
            request.setResponseCode(HTTPStatus.SERVICE_UNAVAILABLE)
            told["reason"] = self._readiness.reason
        return msgspec.json.encode(told) + b"\n"


class WebFile(static.File):
    """A file of the web client; the browser asks each time whether it has changed."""

    contentTypes = _TYPES

    def render_GET(self, request: Any) -> Any:
        """The file."""
        request.setHeader(b"cache-control", b"no-cache")
        # Also where it has not changed: the browser takes the headers that it keeps from the answer.
        policy = page_policy(request.asked_host, request.source.secure)
        request.setHeader(b"content-security-policy", policy.encode())
        if self.path.endswith(".js"):
            # Other sites' pages import the client from here; whether they may connect, the
            # WebSocket door decides.
            request.setHeader(b"access-control-allow-origin", b"*")
            request.setHeader(b"cross-origin-resource-policy", b"cross-origin")
        return super().render_GET(request)

    # static.File's is its own render_GET.
    render_HEAD = render_GET


class Elsewhere(Resource):
    """A path where WebSockets connect: an upgrade would not have come here."""

    def render(self, request: Request) -> bytes:
        """Say so (RFC 9110, section 15.5.22)."""
        request.setResponseCode(426)
        request.setHeader(b"upgrade", b"websocket")
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"This is where WebSockets connect; there is nothing to see.\n"


class OnlyHeard(Resource):
    """A path where a stream of events is: a request for it would not have come here."""

    def render(self, request: Request) -> bytes:
        """Say so."""
        request.setResponseCode(405)
        request.setHeader(b"allow", b"GET, OPTIONS")
        request.setHeader(b"content-type", b"application/json")
        said = "a stream of events is asked for with GET"
        return b'{"error":{"code":"unsupported","message":"%b"}}\n' % said.encode()


class WebRoot(Resource):
    """/: the web client's files by name, and the server's own paths."""

    def __init__(
        self,
        folder: Path,
        parts: Mapping[str, IResource],
        readiness: Readiness | None = None,
        *,
        echo: bool = False,
    ) -> None:
        super().__init__()
        # By name, so that no path a client makes up is ever looked for on the disk.
        self._files = {
            file.name.encode(): str(file)
            for file in folder.iterdir()
            if file.suffix in _TYPES and not file.name.startswith(".") and file.is_file()
        }
        self.putChild(b"", WebFile(str(folder / "index.html")))
        for path in (b"ws", b"echo") if echo else (b"ws",):
            self.putChild(path, Elsewhere())
        self.putChild(b"events", OnlyHeard())
        self.putChild(b"healthz", Health())
        self.putChild(b"readyz", Ready(readiness or Readiness()))
        for name, part in parts.items():
            self.putChild(name.encode(), part)

    def getChild(self, path: bytes, request: Request) -> IResource:
        """A file of the folder, and nothing that is not one."""
        file = self._files.get(path)
        if file is None:
            return pages.notFound("Not found", "There is nothing here. The chat is at /.")
        return WebFile(file)


class WebSite(Site):
    """The web site behind the front door; upgrades on its connections go to `websocket`, and requests
    for streams to `streams`. `parts` are what is under a path of its own: account, api; `publishing`
    answers the commonest requests (`publishing.Publishing`)."""

    noisy = False
    protocol = WebChannel  # type: ignore[assignment]

    def __init__(
        self,
        websocket: Any,
        streams: Any,
        reactor: Any,
        *,
        parts: Mapping[str, IResource] | None = None,
        hosts: Hosts | None = None,
        proxies: Proxies | None = None,
        publishing: Any = None,
        readiness: Readiness | None = None,
    ) -> None:
        self.readiness = readiness or Readiness()
        self.channels: set[WebChannel] = set()
        """Every connection that is here."""
        folder = Path(str(files("chatroom") / "web"))
        super().__init__(
            WebRoot(folder, parts or {}, self.readiness, echo=websocket.echo),
            requestFactory=StrictRequest,
            timeout=websocket.chat.limits.idle_timeout or None,
            reactor=reactor,
        )
        self.websocket = websocket
        self.streams = streams
        self.publishing = publishing
        self.headers = [
            (name.encode(), value.encode()) for name, value in headers_of(websocket.chat.node).items()
        ]
        self.hosts = hosts or Hosts()
        self.proxies = proxies or Proxies()
        self.displayTracebacks = False

    @property
    def answering(self) -> bool:
        """Whether there are requests that are not answered yet."""
        return any(channel.answering for channel in self.channels)

    def log(self, request: Any) -> None:
        """Count it: a line for every file is no news."""
        self.websocket.chat.counts.answered[request.code] += 1
