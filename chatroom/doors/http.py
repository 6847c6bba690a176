"""The web door: the client's files, /healthz, and upgrades on connections that were kept alive."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, AnyStr

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import pages, static
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from chatroom.admission import Place
from chatroom.doors.front import MALFORMED, Refused, check_head
from chatroom.doors.handover import take_over
from chatroom.doors.headers import HEADERS, last_answer, page_policy
from chatroom.doors.hosts import Hosts
from chatroom.doors.proxies import Proxies, Source

MAX_BODY = 8 * 1024
"""The longest body of a request, in bytes."""

MAX_READ = 1024 * 1024
"""How much of a longer one is read before the connection is closed."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StrictRequest(Request):
    """A request that names one host, whose body is small, and whose answer has the security headers."""

    oversized = False
    """Whether its body is longer than MAX_BODY; what is too much of it was dropped."""

    content: BytesIO
    _size = 0

    def gotLength(self, length: int | None) -> None:
        """The body is about to come: it is kept in memory, where Twisted would take to the disk."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body. A little too much is read, so that the client comes to read the answer."""
        channel: Any = self.channel
        kept = max(0, MAX_BODY - self._size)
        self._size += len(data)
        self.oversized = self._size > MAX_BODY
        if self._size > MAX_READ and not channel.refused:
            channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {MAX_BODY} bytes.")
        self.content.write(data[:kept])

    def process(self) -> None:
        """Answer it."""
        channel: Any = self.channel
        if channel.refused:
            return
        for name, value in HEADERS.items():
            self.setHeader(name.encode(), value.encode())
        fields = self.requestHeaders.getRawHeaders(b"host") or []
        if len(fields) > 1 or (not fields and self.clientproto != b"HTTP/1.0"):
            channel.refuse(HTTPStatus.BAD_REQUEST, "A request has one Host field.")
        elif not channel.factory.hosts.serves(self.asked_host):
            self._misdirected(channel.factory.hosts.refusal(self.asked_host))
        else:
            super().process()

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


class StrictChannel(HTTPChannel):
    """HTTP/1.1, each of whose answers has the security headers.

    `place` is the connection's in the count (`chatroom.admission`).
    """

    transport: Any
    factory: Any
    place: Place | None = None
    refused = False

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer a request that is none, and close the connection."""
        self.refused = True
        self.transport.write(last_answer(status, why))
        self.loseConnection()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection may stay for another request: not where others may want its place."""
        if self.place is not None and not self.place.roomy:
            request.responseHeaders.setRawHeaders(b"connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def pauseProducing(self) -> None:
        """The client does not read: it has as long for that as for its next request."""
        super().pauseProducing()
        self.setTimeout(self.factory.timeOut)

    def resumeProducing(self) -> None:
        """It does."""
        super().resumeProducing()
        if self.requests:
            self.setTimeout(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        super().connectionLost(reason)
        if self.place is not None:
            self.place.leave()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's own answer has no headers and no body."""
        self.refuse(HTTPStatus.BAD_REQUEST, MALFORMED)


class Health(Resource):
    """/healthz: the process is up."""

    def render_GET(self, request: Request) -> bytes:
        """It is."""
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        return b'{"status":"ok"}\n'


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


class Upgrade(Resource):
    """A path that speaks WebSocket, on a connection that has carried requests before.

    Reverse proxies keep connections alive and send upgrades on them. `otherwise` answers what is
    no upgrade.
    """

    def __init__(self, websocket: Any, otherwise: IResource | None = None) -> None:
        super().__init__()
        self._websocket = websocket
        self._otherwise = otherwise

    def render(self, request: Request) -> Any:
        """Hand the connection over, or answer."""
        if b"websocket" not in (request.getHeader(b"upgrade") or b"").lower():
            if self._otherwise is not None:
                return self._otherwise.render(request)
            request.setResponseCode(426)
            request.setHeader(b"upgrade", b"websocket")
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return b"This is where WebSockets connect; there is nothing to see.\n"
        head = _head_of(request)
        try:
            check_head(head)
        except Refused as refused:
            request.setResponseCode(refused.status.value)
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return refused.why.encode() + b"\n"
        protocol: Any = self._websocket.buildProtocol(request.getClientAddress())
        protocol.pristine = False
        take_over(request, protocol, head)
        return NOT_DONE_YET


def _head_of(request: Request) -> bytes:
    """The request head as it came, but for the order and the case of its fields."""
    lines = [b"%s %s %s" % (request.method, request.uri, request.clientproto)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines += [b"%s: %s" % (name, value) for value in values]
    return b"\r\n".join([*lines, b"", b""])


class WebRoot(Resource):
    """/: the web client's files by name, and the server's own paths."""

    def __init__(self, websocket: Any, folder: Path, account: IResource | None = None) -> None:
        super().__init__()
        # By name, so that no path a client makes up is ever looked for on the disk.
        self._files = {
            file.name.encode(): str(file)
            for file in folder.iterdir()
            if file.suffix in _TYPES and not file.name.startswith(".") and file.is_file()
        }
        index = WebFile(str(folder / "index.html"))
        self.putChild(b"", Upgrade(websocket, index))
        self.putChild(b"ws", Upgrade(websocket))
        if websocket.echo:
            self.putChild(b"echo", Upgrade(websocket))
        self.putChild(b"healthz", Health())
        if account is not None:
            self.putChild(b"account", account)

    def getChild(self, path: bytes, request: Request) -> IResource:
        """A file of the folder, and nothing that is not one."""
        file = self._files.get(path)
        if file is None:
            return pages.notFound("Not found", "There is nothing here. The chat is at /.")
        return WebFile(file)


class WebSite(Site):
    """The web site behind the front door."""

    noisy = False
    protocol = StrictChannel  # type: ignore[assignment]

    def __init__(
        self,
        websocket: Any,
        reactor: Any,
        *,
        account: IResource | None = None,
        hosts: Hosts | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        folder = Path(str(files("chatroom") / "web"))
        super().__init__(
            WebRoot(websocket, folder, account),
            requestFactory=StrictRequest,
            timeout=websocket.chat.limits.idle_timeout or None,
            reactor=reactor,
        )
        self.hosts = hosts or Hosts()
        self.proxies = proxies or Proxies()
        self.displayTracebacks = False

    def log(self, request: Any) -> None:
        """Nothing: a line for every file is no news."""
