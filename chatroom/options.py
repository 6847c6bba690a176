"""The options of `twistd chatroom`: read, checked, and each mistake explained in one line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn
from urllib.parse import urlsplit

from twisted.python import usage

from chatroom.domain.destinations import networks
from chatroom.domain.limits import Limits, limited
from chatroom.domain.names import node_name
from chatroom.doors.hosts import Hosts
from chatroom.doors.origins import Origins
from chatroom.doors.proxies import Proxies
from chatroom.hooks import Room
from chatroom.sitekeys import from_file
from chatroom.store.opening import is_file

if TYPE_CHECKING:
    from chatroom.bus.redis import Place

DEFAULT_ENDPOINT = "tcp:9000"
DEFAULT_DATA = "chatroom-data"

_CHOICES = {
    "guests": ("yes", "no"),
    "sign-up": ("open", "invited", "closed"),
    "create-rooms": ("everyone", "members", "moderators"),
}

_LONGEST = 3600
"""Seconds that may pass between the signal to stop and the end."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
        [
            "bus",
            None,
            None,
            "A Redis or Valkey that connects several servers on one database, as a URL: redis://HOST:PORT,"
            " rediss://USER:PASSWORD@HOST (TLS).",
        ],
        [
            "node",
            None,
            None,
            "What this server is called among several: clients are told, and HTTP answers say so.",
        ],
        [
            "drain",
            None,
            "0",
            "Seconds between the signal to stop and the end of the last connection: /readyz says at once"
            " that the server stops, and after a third of them connections are closed little by little.",
        ],
        [
            "metrics",
            None,
            None,
            "Where to serve /metrics (for Prometheus), /healthz and /readyz, as a Twisted endpoint string of"
            " their own: tcp:9100:interface=127.0.0.1 [default: nowhere].",
        ],
        ["guests", None, "yes", "Whether people without an account are let in: yes or no."],
        [
            "sign-up",
            None,
            "invited",
            "Who may make an account: open (anybody), invited (who has a link from a moderator) or closed.",
        ],
        ["create-rooms", None, "everyone", "Who may make rooms: everyone, members or moderators."],
        [
            "jwt-key",
            None,
            None,
            "A file with the key of a site's own tokens (JWT): a public key as PEM, or a shared secret.",
        ],
        ["jwt-jwks", None, None, "Where the keys of a site's tokens are published, as a URL."],
        ["jwt-audience", None, None, "The audience (aud) that a site's tokens must be for."],
        ["jwt-issuer", None, None, "The issuer (iss) that a site's tokens must be from."],
        ["app", None, None, "An application's rooms, as module:Class (see examples/sala.py)."],
    ]
    optFlags: ClassVar[list[list[Any]]] = [
        ["jwt-roles", None, "Let a site's tokens say who is an owner or a moderator (their claim role)."],
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
        self.trusted_proxies: list[str] = []
        self.hosts: list[str] = []
        self.limit_settings: list[str] = []
        self.webhook_networks: list[str] = []
        self.limits = Limits()
        self.app: type[Room] | None = None
        self.bus: Place | None = None
        self.drain = 0.0

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

    def opt_trusted_proxy(self, network: str) -> None:
        self.trusted_proxies.append(network)

    opt_trusted_proxy.__doc__ = (
        "A reverse proxy in front of this server, as an address or network, or unix for one on a Unix"
        " socket: its X-Forwarded-For and X-Forwarded-Proto are believed; repeatable. 127.0.0.1, 10.0.0.0/8"
    )

    def opt_host(self, name: str) -> None:
        self.hosts.append(name)

    opt_host.__doc__ = (
        "A name that this server is called by; repeatable. Requests for others are refused, which stops"
        " DNS rebinding. chat.example.org, *.example.org [default: any name]"
    )

    def opt_webhook_allow(self, network: str) -> None:
        self.webhook_networks.append(network)

    opt_webhook_allow.__doc__ = (
        "An address or network that is not public, and that webhooks may be sent to all the same;"
        " repeatable. 127.0.0.1, 10.0.0.0/8 [default: none]"
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
        for name, choices in _CHOICES.items():
            if self[name] not in choices:
                *others, last = choices
                fail(f"--{name} is {', '.join(others)} or {last}, not {self[name]!r}")
        try:
            self.limits = limited(self.limit_settings, unmetered=bool(self["no-limits"]))
            Origins(self.origins)
            Proxies(self.trusted_proxies)
            Hosts(self.hosts)
            networks(self.webhook_networks)
            if self["node"] is not None:
                node_name(self["node"])
        except ValueError as error:
            fail(str(error))
        self.drain = seconds("drain", self["drain"])
        self._check_jwt()
        if self["bus"] is not None:
            self.bus = bus_at(self["bus"])
            if not self["store"] or is_file(self.store_url):
                fail("--bus connects servers on one database: it goes with --store postgresql://...")
        if self["app"] is not None:
            self.app = load_app(self["app"])
        try:
            folder = self.data if self["data"] else None
        except (OSError, RuntimeError) as error:
            fail(f"--data {self['data']}: {error}")
        if folder is None:
            fail("--data takes a folder")
        self.endpoints = self.endpoints or [DEFAULT_ENDPOINT]

    def _check_jwt(self) -> None:
        key, jwks, audience = self["jwt-key"], self["jwt-jwks"], self["jwt-audience"]
        if key is not None and jwks is not None:
            fail("--jwt-key and --jwt-jwks both say where the keys are: give one of them")
        for name in ("jwt-key", "jwt-jwks", "jwt-audience", "jwt-issuer"):
            if self[name] == "":
                fail(f"--{name} takes a value; leave it out where there is none")
            if self[name] is not None and key is None and jwks is None:
                fail(f"--{name} goes with --jwt-key or --jwt-jwks, which say where the keys are")
        if self["jwt-roles"] and key is None and jwks is None:
            fail("--jwt-roles goes with --jwt-key or --jwt-jwks, which say where the keys are")
        if key is not None:
            try:
                from_file(Path(key).expanduser())
            except ValueError as error:
                fail(f"--jwt-key: {error}")
        if jwks is not None:
            check_jwks_url(jwks)
            if audience is None:
                fail("--jwt-jwks goes with --jwt-audience: the same keys sign tokens for other sites")

    @property
    def data(self) -> Path:
        """The data folder, absolute: a daemon changes its own."""
        return Path(self["data"]).expanduser().resolve()

    @property
    def store_url(self) -> str:
        """The database's URL."""
        return self["store"] or f"sqlite:///{self.data / 'chatroom.sqlite3'}"


def bus_at(url: str) -> Place:
    """Where the bus is. Ends the program where `url` does not say that."""
    try:
        from chatroom.bus.redis import place
    except ModuleNotFoundError as error:
        fail(f"--bus needs {error.name}, which is not installed: pip install 'chatroom[redis]'")
    try:
        return place(url)
    except ValueError as error:
        fail(str(error))


def seconds(name: str, given: str) -> float:
    """How long `--name` says. Ends the program where that is no time."""
    try:
        found = float(given)
    except ValueError:
        found = -1.0
    # Of what is not a number, this is not so either.
    if not 0 <= found <= _LONGEST:
        fail(f"--{name} takes seconds, from 0 to {_LONGEST}, not {given!r}")
    return found


def check_jwks_url(url: str) -> None:
    """End the program where `url` is none that keys may be fetched from."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    # Who can change what comes from there can be anybody here.
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        fail(f"--jwt-jwks takes a URL such as https://example.org/.well-known/jwks.json, not {url!r}")


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
