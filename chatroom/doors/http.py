"""The web door: the client's files, /healthz, and upgrades on connections that were kept alive."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from twisted.web import pages, static
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from chatroom.doors.front import Refused, check_head
from chatroom.doors.handover import take_over

HEADERS = {
    b"content-security-policy": (
        b"default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:;"
        b" frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"server": b"chatroom",
}
"""On every answer. Scripts and styles are files of this server; nothing is inline."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StrictRequest(Request):
    """A request whose answer has the security headers."""

    def process(self) -> None:
        """Answer it."""
        for name, value in HEADERS.items():
            self.setHeader(name, value)
        super().process()


class Health(Resource):
    """/healthz: the process is up."""

    isLeaf = True

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


class Upgrade(Resource):
    """A path that speaks WebSocket, on a connection that has carried requests before.

    Reverse proxies keep connections alive and send upgrades on them. `otherwise` answers what is
    no upgrade.
    """

    isLeaf = True

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
            return refused.why.encode()
        protocol: Any = self._websocket.buildProtocol(request.getClientAddress())
        protocol.pristine = False
        take_over(request, protocol, head)
        return NOT_DONE_YET


def _head_of(request: Request) -> bytes:
    """The request head as it came, but for the order and the case of its fields."""
    lines = [b"%s %s HTTP/1.1" % (request.method, request.uri)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines += [b"%s: %s" % (name, value) for value in values]
    return b"\r\n".join([*lines, b"", b""])


class WebRoot(Resource):
    """/: the web client's files by name, and the server's own paths."""

    def __init__(self, websocket: Any, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        index = WebFile(str(folder / "index.html"))
        self.putChild(b"", Upgrade(websocket, index))
        self.putChild(b"ws", Upgrade(websocket))
        if websocket.echo:
            self.putChild(b"echo", Upgrade(websocket))
        self.putChild(b"healthz", Health())

    def getChild(self, path: bytes, request: Request) -> IResource:
        """A file of the folder, and nothing that is not one."""
        name = path.decode("utf-8", "replace")
        found = self._folder / name
        if Path(name).name != name or found.suffix not in _TYPES or not found.is_file():
            return pages.notFound("Not found", "There is nothing here. The chat is at /.")
        return WebFile(str(found))


class WebSite(Site):
    """The web site behind the front door."""

    noisy = False

    def __init__(self, websocket: Any, reactor: Any) -> None:
        folder = Path(str(files("chatroom") / "web"))
        super().__init__(
            WebRoot(websocket, folder), requestFactory=StrictRequest, timeout=60, reactor=reactor
        )
        self.displayTracebacks = False

    def log(self, request: Any) -> None:
        """Nothing: a line for every file is no news."""
