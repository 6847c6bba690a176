"""A real server with people on it, and what a stranger might send there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatroom.domain.model import MAX_SEQ

from .clients import JsonClient
from .conftest import servers
from .server import Server
from .test_accounts import PASSWORD, Browser, owner

SECRET = "0123456789abcdef" * 4
"""What a site signs its tokens with."""

VALUES: list[Any] = [
    *(None, True, 0, -1, 0.5, MAX_SEQ, MAX_SEQ + 1, 2**63, -(2**63) - 1, 10**30, 1e308),
    *(
        "",
        " ",
        "\0",
        "\ufeff",
        "\u202e",
        "Ana",
        "\u0410na",
        "a" * 30_000,
        "' or 1=1 --",
        "%s{0}",
        "\U0010ffff",
    ),
    *("~", "@", "@" + "0" * 24, "~den-" + "2" * 16, "*", "../../etc/passwd", "owner", "::/0", "203.0.113.9"),
    *([], {}, [[]], {"a": {"b": [1, None]}}, ["lobby"] * 300),
]
"""What no field is, or only some are."""


def credentials(name: str) -> dict[str, str]:
    """What somebody logs in with."""
    return {"name": name, "password": PASSWORD}


class Neighbourhood:
    """A server with people on it: Olga, who owns it, and Ana, who has a private room and listens."""

    def __init__(self, server: Server) -> None:
        self.server = server
        owner(server)
        for name in ("Ana", "Mallory", "Victor"):
            assert Browser(server).ask("POST", "/account/sign-up", credentials(name)).status == 201
        self.ana = self.logged_in("Ana")
        self.ana.join()
        self.tokens = {name: self.logged_in(name).me["token"] for name in ("Mallory", "Olga")}

    def logged_in(self, name: str) -> JsonClient:
        client = JsonClient(self.server.ws)
        client.me = client.ask("login", **credentials(name))
        return client

    def is_at_peace(self) -> None:
        """Ana is there and hears what somebody says."""
        with JsonClient(self.server.ws, "Somebody") as somebody:
            seq = somebody.post("still here")
        assert list(self.ana.gather(lambda event: event["seq"] == seq))
        assert self.ana.ask("ping")["type"] == "pong"


def neighbourhoods(folder: Path) -> Iterator[Neighbourhood]:
    """One, whose log is looked through at the end."""
    for start in servers(folder):
        options = ("--no-limits", "--sign-up=open", "--jwt-key=site.secret", "--jwt-audience=chat")
        yield Neighbourhood(start(*options, files={"site.secret": SECRET}))
