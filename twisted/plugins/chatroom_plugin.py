"""Tells twistd that there is a `chatroom` command. Strings only: every twistd and trial loads this file."""

from twisted.application.service import ServiceMaker

chatroom = ServiceMaker(
    "chatroom",
    "chatroom.tap",
    "A chat room and live-push server: http://localhost:9000",
    "chatroom",
)
