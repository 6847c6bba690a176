"""A client of a chatroom server, on Twisted: docs/python-client.md. For asyncio: `chatroom.client.aio`."""

from chatroom.client.client import Client
from chatroom.client.connection import Standing, State
from chatroom.client.decoding import Reset, Unknown
from chatroom.client.errors import ClientError, Disconnected, Refused, Stopped, Unreachable, Untrusted
from chatroom.client.room import Page, Position, Room

__all__ = [
    "Client",
    "ClientError",
    "Disconnected",
    "Page",
    "Position",
    "Refused",
    "Reset",
    "Room",
    "Standing",
    "State",
    "Stopped",
    "Unknown",
    "Unreachable",
    "Untrusted",
]
