"""Imports point one way: plugin -> tap -> doors, store, bus -> chat, hub, wire -> domain."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

STARTING = (
    "tap metrics lag options listening leaving encryption certificate cli administration terminal console"
)
CORE = (
    "chat session plain hub fanout tail presence people admission deadlines hooks stage tokens"
    " passwords metering attempts sitekeys sitetokens jwks house member accountkeeping changes"
    " devices direct directory enforcement gate identity moderation rights roomkeeping"
    " roomlists attendance expiry reactions reception userkeeping"
    " webhooks postman lanes progress answers signatures webhookkeeping listener searching"
    " ordering alone roster neighbours namesakes missed relay comings readiness pace counts"
)
LAYERS = {
    "chatroom.domain": 0,
    "chatroom.wire": 1,
    **{f"chatroom.{name}": 1 for name in CORE.split()},
    "chatroom.doors": 2,
    "chatroom.store": 2,
    "chatroom.client": 2,
    "chatroom.bus": 2,
    **{f"chatroom.{name}": 3 for name in STARTING.split()},
    "twisted.plugins": 4,
}
"""How far out each part is: it may import what is further in, and itself."""

SIDE_BY_SIDE = ("chatroom.doors", "chatroom.store", "chatroom.bus", "chatroom.client")
"""These never import each other."""

OF_THE_CLIENT = ("chatroom.client", "chatroom.domain", "chatroom.wire")
"""What the client imports of ours: nothing of the server."""

HOMES = {
    "autobahn": ("chatroom.doors", "chatroom.client"),
    "sqlalchemy": ("chatroom.store",),
    "alembic": ("chatroom.store",),
    "argon2": ("chatroom.passwords",),
    "klein": ("chatroom.doors",),
    "werkzeug": ("chatroom.doors",),
    "treq": ("chatroom.doors",),
    "hiredis": ("chatroom.bus",),
    "prometheus_client": ("chatroom.metrics",),
    "jwt": ("chatroom.sitekeys", "chatroom.sitetokens"),
}
"""Libraries that one part alone knows."""

PURE = {"confusable_homoglyphs", "msgspec"}
"""What the domain imports besides itself and the standard library."""


def sources() -> dict[str, str]:
    """Every module of the package and the plugin, by name."""
    found = {}
    for path in [*CHECKOUT.glob("chatroom/**/*.py"), *CHECKOUT.glob("twisted/plugins/*.py")]:
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imported(name: str, source: str, *, package: bool) -> Iterator[str]:
    """What a module imports, wherever in it, as `module` or `module.name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")[: None if package and node.level == 1 else -(node.level - package)]
                base = ".".join([*above, base]).rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def part_of(name: str) -> str | None:
    """The part of LAYERS that a module, or a name in one, belongs to."""
    found = [part for part in LAYERS if name == part or name.startswith(part + ".")]
    return found[0] if found else None


def breaks(modules: dict[str, str]) -> list[str]:
    """A sentence for each import that points the wrong way."""
    found = []
    for name, source in modules.items():
        here = part_of(name)
        if name in ("chatroom", "twisted", "twisted.plugins"):
            continue
        if here is None:
            found.append(f"{name} has no place in LAYERS")
            continue
        package = any(other.startswith(name + ".") for other in modules)
        targets = imported(name, source, package=package)
        found += [f"{name} imports {target}" for target in targets if not allowed(here, target)]
    return found


def allowed(here: str, target: str) -> bool:
    there, library = part_of(target), target.split(".")[0]
    if here == "chatroom.client" and library == "chatroom":
        return there in OF_THE_CLIENT
    if there is not None:
        return LAYERS[there] <= LAYERS[here] and not (
            here != there and here in SIDE_BY_SIDE and there in SIDE_BY_SIDE
        )
    if library == "chatroom":
        # The package itself, for its version or its Room; never for something that has no place.
        return target in ("chatroom", "chatroom.Room") and LAYERS[here] > 0
    if here == "chatroom.domain" and library not in PURE | sys.stdlib_module_names:
        return False
    return library not in HOMES or here in HOMES[library]


def test_imports_point_one_way():
    modules = sources()
    assert len(modules) > 40
    assert breaks(modules) == []


def test_the_package_itself_gives_applications_what_they_need_and_no_more():
    assert set(imported("chatroom", sources()["chatroom"], package=True)) == {"chatroom.hooks.Room"}


def test_the_plugin_imports_next_to_nothing():
    """Every `twist` and `trial` of the machine loads every plugin."""
    (name,) = [name for name in sources() if name.startswith("twisted.plugins.")]
    assert set(imported(name, sources()[name], package=False)) == {
        "twisted.application.service.ServiceMaker",
    }


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("chatroom.domain.bad", "import twisted"),
        ("chatroom.domain.bad", "from twisted.internet.defer import Deferred"),
        ("chatroom.domain.bad", "from sqlalchemy import Table"),
        ("chatroom.domain.bad", "import autobahn.websocket"),
        ("chatroom.domain.bad", "from chatroom import hub"),
        ("chatroom.domain.bad", "from chatroom.wire import json"),
        ("chatroom.domain.bad", "from ..wire.json import decode"),
        ("chatroom.domain.bad", "import chatroom"),
        ("chatroom.hub", "from chatroom.doors.websocket import ChatProtocol"),
        ("chatroom.hub", "from .doors import websocket"),
        ("chatroom.chat", "import chatroom.store.sql"),
        ("chatroom.chat", "from sqlalchemy import select"),
        ("chatroom.wire.bad", "def late():\n    from chatroom.tap import makeService"),
        ("chatroom.wire.bad", "if TYPE_CHECKING:\n    from chatroom.doors import websocket"),
        ("chatroom.doors.bad", "from chatroom.store.sql import SqlStore"),
        ("chatroom.doors.bad", "from chatroom import store"),
        ("chatroom.doors.bad", "from ..store import sql"),
        ("chatroom.store.bad", "from chatroom.bus import local"),
        ("chatroom.store.migrations.versions.bad", "from ....doors import http"),
        ("chatroom.store.bad", "import autobahn"),
        ("chatroom.bus.bad", "import chatroom.doors"),
        ("chatroom.doors.bad", "from chatroom import tap"),
        ("chatroom.client.bad", "from chatroom.chat import Chat"),
        ("chatroom.client.bad", "from chatroom.doors import websocket"),
        ("chatroom.chat", "from chatroom.client import Client"),
        ("chatroom.somewhere_new", "import os"),
        ("chatroom.doors.bad", "from chatroom import somewhere_new"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_found(name, source):
    assert len(breaks({name: source})) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "chatroom.domain.good",
            "import re, msgspec\nfrom chatroom.domain.model import User\nfrom . import rules",
        ),
        (
            "chatroom.hub",
            "from chatroom.domain import events\nfrom chatroom.wire import json\nimport twisted",
        ),
        (
            "chatroom.doors.good",
            "from chatroom.chat import Chat\nfrom .outbox import Outbox\nimport autobahn",
        ),
        ("chatroom.store.good", "from chatroom.domain.ports import Store\nfrom sqlalchemy import Table"),
        ("chatroom.client.good", "from chatroom.domain import events\nimport autobahn"),
        ("chatroom.tap", "from chatroom.doors import http\nfrom chatroom.store import sql\nimport chatroom"),
    ],
)
def test_an_import_that_points_the_right_way_is_none(name, source):
    assert breaks({name: source}) == []
