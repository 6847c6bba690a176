"""By which names this server is called: those that `--host` gives, or any.

Against DNS rebinding: a foreign page's name that suddenly resolves to this server's address makes
that page the server's own, to a browser and by `Origins`; but it cannot choose which name the
browser then sends as Host. An IP address always passes, and so does localhost with all that is
below it (RFC 6761, section 6.3): no name resolution is between them and the server that they name,
and load balancers ask after a server's health by its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from twisted.logger import Logger

_LABELS = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_AUTHORITY = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
"""A Host field as browsers send it: a name or an IP address, and a port."""

_WARNED_AT_MOST = 100


class Hosts:
    """The names that are served. `named` are as `chat.example.org`, `*.example.org`; none: any name.

    Raises ValueError, with the sentence to show, for one that is no name.
    """

    _log = Logger()

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._named = [_pattern(one) for one in named]
        self._warned: set[str] = set()
        self.serves = lru_cache(maxsize=1024)(self._serves)

    def _serves(self, host: str) -> bool:
        """Whether `host`, as a request's Host field has it, names this server. Empty for no field:
        HTTP/1.0 has none, and no browser sends that."""
        if not self._named or not host:
            return True
        name = name_in(host)
        if name is None:
            return False
        return (
            _is_address(name)
            or name == "localhost"
            or name.endswith(".localhost")
            or any(pattern.fullmatch(name) for pattern in self._named)
        )

    def refusal(self, host: str) -> str:
        """What to tell who asked for another; the operator is told once of each name."""
        name = name_in(host)
        if name is None:
            return "This server is not called that."
        if name not in self._warned and len(self._warned) < _WARNED_AT_MOST:
            self._warned.add(name)
            self._log.warn("refused a request for {name}: --host {name} would serve it", name=name)
        return f"This server is not called {name}; if it should be, start it with --host {name}"


def name_in(host: str) -> str | None:
    """The name or IP address in a Host field, in lower case; None where the field is none."""
    found = _AUTHORITY.fullmatch(host)
    return found[1].lower().rstrip(".") if found else None


def url_of(host: str, secure: bool | None) -> str:
    """Where this server is for who called it `host`, without a slash at the end; empty where `host`
    is no Host field."""
    return f"{'https' if secure else 'http'}://{host}" if _AUTHORITY.fullmatch(host) else ""


def _pattern(named: str) -> re.Pattern[str]:
    name = named.lower().rstrip(".")
    wild = name.startswith("*.")
    if not _LABELS.fullmatch(name[2:] if wild else name):
        raise ValueError(
            f"--host takes a name such as chat.example.org or *.example.org, in ASCII and without a port,"
            f" not {named!r}"
        )
    return re.compile(r"[^.].*" + re.escape(name[1:]) if wild else re.escape(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
