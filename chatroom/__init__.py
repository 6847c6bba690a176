"""A chat room and live-push server. `twistd -n chatroom` starts it; docs/architecture.md explains it."""

from chatroom.hooks import Room

__all__ = ["Room"]
