"""The options of `twistd chatroom`: read, checked, and each mistake explained in one line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from twisted.python import usage

from chatroom.domain.limits import Limits, limited
from chatroom.hooks import Room

DEFAULT_ENDPOINT = "tcp:9000"
DEFAULT_DATA = "chatroom-data"


class Options(usage.Options):
    """What the command line says; `settled` is what it means."""

    synopsis = "[options]"
    longdesc = (
        "A chat room and live-push server. With no options: a room for everybody at"
        " http://localhost:9000, kept in the folder ./chatroom-data."
    )
    optParameters: ClassVar[list[list[Any]]] = [
        ["data", None, DEFAULT_DATA, "The folder for the messages; made where it is not there."],
        ["store", None, None, "The database, as a URL [default: sqlite:///DATA/chatroom.sqlite3]."],
        ["guests", None, "yes", "Whether people without an account are let in: yes or no."],
        ["app", None, None, "An application's rooms, as module:Class (see examples/sala.py)."],
    ]
    optFlags: ClassVar[list[list[Any]]] = [
        ["compliance", None, "Serve /echo, which conformance suites talk to."],
        [
            "no-limits",
            None,
            "Take rates and connection counts off (not sizes): for tests on loopback.",
        ],
    ]
    compData = usage.Completions(optActions={"data": usage.CompleteDirs()})

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: list[str] = []
        self.origins: list[str] = []
        self.limit_settings: list[str] = []
        self.limits = Limits()
        self.app: type[Room] | None = None

    def opt_endpoint(self, description: str) -> None:
        self.endpoints.append(description)

    opt_endpoint.__doc__ = (
        "Where to listen, as a Twisted endpoint string; repeatable. tcp:9000,"
        " ssl:9443:privateKey=key.pem, unix:/run/chatroom.sock, systemd:domain=INET:index=0"
        " [default: tcp:9000]"
    )

    def opt_origin(self, origin: str) -> None:
        self.origins.append(origin)

    opt_origin.__doc__ = (
        "A web site whose pages may connect, besides this server's own; repeatable."
        " https://example.org, https://*.example.org, null (local files), * (any)"
    )

    def opt_limit(self, setting: str) -> None:
        self.limit_settings.append(setting)

    opt_limit.__doc__ = "Set one limit, as name=value; 0 takes it off; repeatable. Names: " + ", ".join(
        Limits.__struct_fields__
    )

    def opt_version(self) -> None:
        """Print the version and exit."""
        from importlib.metadata import version

        print(f"chatroom {version('chatroom')}")  # noqa: T201
        sys.exit(0)

    def parseArgs(self, *extra: str) -> None:
        """No arguments: a word too many is a mistake."""
        if extra:
            fail(f"{extra[0]!r} is no option; twistd chatroom --help shows them")

    def postOptions(self) -> None:
        """Check everything that can be checked without touching the disk or the network."""
        if self["guests"] not in ("yes", "no"):
            fail(f"--guests is yes or no, not {self['guests']!r}")
        try:
            self.limits = limited(self.limit_settings, unmetered=bool(self["no-limits"]))
        except ValueError as error:
            fail(str(error))
        if self["app"] is not None:
            self.app = load_app(self["app"])
        try:
            folder = self.data if self["data"] else None
        except (OSError, RuntimeError) as error:
            fail(f"--data {self['data']}: {error}")
        if folder is None:
            fail("--data takes a folder")
        self.endpoints = self.endpoints or [DEFAULT_ENDPOINT]

    @property
    def data(self) -> Path:
        """The data folder, absolute: a daemon changes its own."""
        return Path(self["data"]).expanduser().resolve()

    @property
    def store_url(self) -> str:
        """The database's URL."""
        return self["store"] or f"sqlite:///{self.data / 'chatroom.sqlite3'}"


def fail(message: str) -> NoReturn:
    """End the program with one line that says what is wrong."""
    sys.exit(f"chatroom: {message}")


def load_app(name: str) -> type[Room]:
    """The class that `--app module:Class` names; the current folder is looked in first."""
    module_name, colon, class_name = name.partition(":")
    if not colon or not module_name or not class_name:
        fail(f"--app is module:Class, as in --app sala:Sala, not {name!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if f"{module_name}.".startswith(f"{error.name}."):
            fail(f"--app: there is no module {error.name} in {os.getcwd()} or among the installed ones")
        fail(f"--app: {module_name} wants a module that is not installed: {error.name}")
    except Exception as error:
        place = error if isinstance(error, SyntaxError) else traceback.extract_tb(error.__traceback__)[-1]
        reason = traceback.format_exception_only(error)[-1].strip()
        fail(f"--app: {module_name} cannot be imported: {reason} ({place.filename}, line {place.lineno})")
    found: Any = getattr(module, class_name, None)
    if found is None:
        fail(f"--app: there is no {class_name} in {module_name}")
    if not (isinstance(found, type) and issubclass(found, Room)):
        fail(f"--app: {name} is not a subclass of chatroom.Room")
    return found
