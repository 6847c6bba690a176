"""Where a server is: what people write, made a WebSocket URL."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

_SCHEMES = {"ws": False, "http": False, "wss": True, "https": True}


class Address(NamedTuple):
    """`resource` is the path, with the query where there is one."""

    tls: bool
    host: str
    port: int
    resource: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The WebSocket URL (RFC 6455, section 3)."""
        return f"{'wss' if self.tls else 'ws'}://{self.authority}{self.resource}"


def address(url: str) -> Address:
    """The address of the server whose page or WebSocket is at `url`. Raises ValueError.

    The WebSocket of a page `https://chat.example/` is `wss://chat.example/ws`, also below a path; a
    `ws:` URL with a path is taken as it is.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"{url!r} is no server's URL: write it as http://localhost:9000 or wss://HOST/ws")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name or a password in the URL is not taken: use --key, or log in")
    tls = _SCHEMES[parts.scheme]
    try:
        port = parts.port or (443 if tls else 80)
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    except ValueError as error:
        raise ValueError(f"{url!r} is no server's URL: {error}") from None
    path = parts.path or "/"
    if path == "/" or parts.scheme.startswith("http"):
        path = f"{path.rstrip('/').removesuffix('/ws')}/ws"
    resource = path + (f"?{parts.query}" if parts.query else "")
    if not resource.isascii() or not resource.isprintable() or " " in resource + host:
        raise ValueError(f"{url!r} is no server's URL: other than ASCII is written with % in it")
    return Address(tls, host, port, resource)
