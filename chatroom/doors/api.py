"""The HTTP API, /api/v1: whatever can make a request can publish and read."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import HTTPException

from chatroom.doors import apimessages, apirooms, apiusers
from chatroom.doors.jsonhttp import Guarded, not_routed
from chatroom.doors.operations import API
from chatroom.doors.origins import Origins
from chatroom.doors.sharing import share
from chatroom.reception import Reception
from chatroom.roomlists import RoomLists
from chatroom.userkeeping import UserKeeping

PARTS = (apimessages, apirooms, apiusers)
"""Importing them has made their operations."""


class ApiDoor:
    """/api. `origins` are those whose pages may read the answers."""

    app = API.app

    def __init__(self, reception: Reception, rooms: RoomLists, users: UserKeeping, origins: Origins) -> None:
        self.reception = reception
        self.rooms = rooms
        self.users = users
        self._origins = origins

    def resource(self) -> IResource:
        """For the web site, at /api."""
        versions = Resource()
        versions.putChild(b"v1", _Shared(self.app, self._origins))
        return versions

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
