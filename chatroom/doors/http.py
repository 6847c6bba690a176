"""The web door: the client's files, /healthz, and upgrades on connections that were kept alive."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any, AnyStr

from twisted.web import pages, static
from twisted.web.http import HTTPChannel
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from chatroom.doors.front import MALFORMED, Refused, check_head
from chatroom.doors.handover import take_over
from chatroom.doors.headers import HEADERS, last_answer

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StrictRequest(Request):
    """A request whose answer has the security headers, and which names one host."""

    def process(self) -> None:
        """Answer it."""
        for name, value in HEADERS.items():
            self.setHeader(name.encode(), value.encode())
        hosts = self.requestHeaders.getRawHeaders(b"host") or []
        if len(hosts) > 1 or (not hosts and self.clientproto != b"HTTP/1.0"):
            channel: Any = self.channel
            channel.refuse("A request has one Host field.")
            return
        super().process()

    def setHeader(self, name: AnyStr, value: AnyStr) -> None:
        """Set one; but Twisted would name itself and its version as the server."""
        if name.lower() not in ("server", b"server"):
            super().setHeader(name, value)
        else:
            super().setHeader(b"Server", HEADERS["Server"].encode())


class StrictChannel(HTTPChannel):
    """HTTP/1.1, each of whose answers has the security headers."""

    transport: Any
    factory: Any

    def refuse(self, why: str) -> None:
        """Answer a request that is none, and close the connection."""
        self.transport.write(last_answer(HTTPStatus.BAD_REQUEST, why))
        self.loseConnection()

    def pauseProducing(self) -> None:
        """The client does not read: it has as long for that as for its next request."""
        super().pauseProducing()
        self.setTimeout(self.factory.timeOut)

    def resumeProducing(self) -> None:
        """It does."""
        super().resumeProducing()
        if self.requests:
            self.setTimeout(None)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's own answer has no headers and no body."""
        self.refuse(MALFORMED)


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

    def render_GET(self, request: IRequest) -> Any:
        """The file."""
        request.setHeader(b"cache-control", b"no-cache")
        if self.path.endswith(".js"):
            # Other sites' pages import the client from here; whether they may connect, the
            # WebSocket door decides.
            request.setHeader(b"access-control-allow-origin", b"*")
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

    def __init__(self, websocket: Any, folder: Path) -> None:
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

    def __init__(self, websocket: Any, reactor: Any) -> None:
        folder = Path(str(files("chatroom") / "web"))
        super().__init__(
            WebRoot(websocket, folder), requestFactory=StrictRequest, timeout=60, reactor=reactor
        )
        self.displayTracebacks = False

    def log(self, request: Any) -> None:
        """Nothing: a line for every file is no news."""
