"""The operator's door, on a port of its own: /metrics, and whether the server lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from chatroom.doors.headers import HEADERS

_IDLE = 75
"""Seconds after which a connection on which nothing is asked is closed: Prometheus asks more often."""

Text = Callable[[str], tuple[bytes, str]]
"""All metrics, by what the Accept header asks for; and their media type."""


class MetricsPage(Resource):
    """/metrics."""

    isLeaf = True

    def __init__(self, text: Text) -> None:
        super().__init__()
        self._text = text

    def render_GET(self, request: Request) -> bytes:
        """All of them."""
        payload, content_type = self._text(request.getHeader("accept") or "")
        request.setHeader(b"content-type", content_type.encode())
        request.setHeader(b"cache-control", b"no-store")
        return payload


class MetricsSite(Site):
    """/metrics, and `parts` by name."""

    noisy = False

    def __init__(self, text: Text, parts: Mapping[str, IResource], reactor: Any) -> None:
        root = Resource()
        root.putChild(b"metrics", MetricsPage(text))
        for name, part in parts.items():
            root.putChild(name.encode(), part)
        super().__init__(root, requestFactory=_MetricsRequest, timeout=_IDLE, reactor=reactor)
        self.displayTracebacks = False

    def log(self, request: Any) -> None:
        """Nothing: a line for every scrape is no news."""


class _MetricsRequest(Request):
    def write(self, data: bytes) -> None:
        """What every answer of this server carries, and then the answer."""
        if not self.startedWriting:
            for name, value in HEADERS.items():
                self.setHeader(name.encode(), value.encode())
        super().write(data)
