"""The HTTP API, /api/v1: whatever can make a request can publish and read."""

from __future__ import annotations

from typing import Any

from twisted.web.http import CACHED
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import HTTPException

from chatroom.doors.apipage import POLICY, page
from chatroom.doors.http import StrictRequest
from chatroom.doors.jsonhttp import Guarded, endpoint, not_routed
from chatroom.doors.openapi import encoded
from chatroom.doors.operations import API, tag_of
from chatroom.doors.origins import Origins
from chatroom.doors.sharing import share
from chatroom.house import House


class ApiDoor:
    """/api, of a house's parts. `origins` are those whose pages may read the answers."""

    app = API.app

    def __init__(self, house: House, origins: Origins) -> None:
        self.reception = house.reception
        self.rooms = house.rooms
        self.users = house.users
        self.webhooks = house.webhook_keeping
        self._origins = origins

    def resource(self) -> IResource:
        """For the web site, at /api."""
        versions = Resource()
        versions.putChild(b"v1", _Shared(self.app, self._origins))
        return versions

    @endpoint(app, "GET", "/openapi.json")
    async def describe(self, request: StrictRequest) -> bytes:
        """The API's description, for programs."""
        return self._described(request, encoded(), b"application/json")

    @endpoint(app, "GET", "/")
    async def show(self, request: StrictRequest) -> bytes:
        """The same, for people."""
        request.setHeader(b"content-security-policy", POLICY)
        return self._described(request, page(), b"text/html; charset=utf-8")

    def _described(self, request: StrictRequest, payload: bytes, kind: bytes) -> bytes:
        self.reception.meters.request(None, request.source.address)
        request.setHeader(b"cache-control", b"no-cache")
        if request.setETag(b'"%b"' % tag_of(payload)) is CACHED:
            return b""
        request.setHeader(b"content-type", kind)
        request.setHeader(b"content-length", b"%d" % len(payload))
        return payload

    @app.handle_errors(HTTPException)
    def _not_routed(self, request: Any, failure: Any) -> bytes:
        return not_routed(request, failure)


class _Shared(Guarded):
    """The API, for pages of some other origins too."""

    def __init__(self, app: Any, origins: Origins) -> None:
        super().__init__(app, unicode=True)
        self._origins = origins

    def render(self, request: Any) -> Any:
        """The API's answer."""
        if share(request, self._origins):
            return b""
        return super().render(request)
