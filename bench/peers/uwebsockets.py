"""A broadcast server on uWebSockets, with its own publish and subscribe, through socketify.

python uwebsockets.py PORT
"""

import sys

from socketify import App

app = App()


def _open(ws: object) -> None:
    ws.subscribe("room")  # type: ignore[attr-defined]


def _message(_ws: object, message: object, opcode: object) -> None:
    app.publish("room", message, opcode)


app.ws(
    "/*",
    {
        "compression": 0,
        "max_payload_length": 1 << 20,
        "idle_timeout": 600,
        # Its default of 64 KiB drops messages of a member that is a little behind.
        "max_backpressure": 1 << 26,
        "open": _open,
        "message": _message,
    },
)
app.listen(int(sys.argv[1]), lambda _config: None)
app.run()
