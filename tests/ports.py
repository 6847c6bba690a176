"""Ports for servers that are ended and started again where they were."""

from __future__ import annotations

import socket
from pathlib import Path
from random import SystemRandom

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000


def unused() -> int:
    """A port on 127.0.0.1 that nobody listens on, and that the kernel gives to no connection.

    Who connects over and over to a port that it might be given would connect to itself one day, and the
    server could not come back.
    """
    end = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    while True:
        port = SystemRandom().randrange(_FIRST, max(end, _FIRST + 1000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
