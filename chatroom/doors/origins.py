"""Which web pages may connect: the server's own, and those that `--origin` names (RFC 6454).

A browser sends every site's cookies along with a WebSocket handshake from any page, so the Origin
header is all that stands between a visitor and a foreign page that speaks in their name.
"""

import re
from functools import lru_cache
from urllib.parse import urlsplit

_BARE = re.compile(r"[a-z]+://[^\s/?#\\]+/?", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Origins:
    """The origins let in. `named` are as `https://example.org`, `https://*.example.org`, `null`, `*`.

    Raises ValueError, with the sentence to show, for one that is none of these.
    """

    def __init__(self, named: list[str]) -> None:
        self._any = "*" in named
        self._null = "null" in named
        self._patterns = [_pattern(origin) for origin in named if origin not in ("*", "null")]
        # Nearly every connection asks the same: parsing is a twentieth of accepting one.
        self.allow = lru_cache(maxsize=1024)(self._allow)

    def _allow(self, origin: str, host: str, secure: bool | None = None) -> bool:
        """Whether a page of `origin` may connect to this server, which it called `host`; `secure` as
        `proxies.Source`.

        No origin: not a browser, which could send any. `null`: a local file or a sandboxed frame.
        """
        if not origin or self._any:
            return True
        if origin == "null" or origin.startswith("file:"):
            return self._null
        normal = _normal(origin)
        if normal is None:
            return False
        return is_own(origin, host, secure) or any(
            pattern.fullmatch("://".join(normal)) for pattern in self._patterns
        )


@lru_cache(maxsize=1024)
def is_own(origin: str, host: str, secure: bool | None = None) -> bool:
    """Whether a page of `origin` is this server's own, which it called `host`. Where it is not known
    how the client speaks (`secure` is None), `https` and `http` are both its own."""
    normal = _normal(origin)
    if normal is None:
        return False
    scheme, authority = normal
    if secure is not None and secure != (scheme in ("https", "wss")):
        return False
    return authority == _authority(host, scheme)


def _pattern(origin: str) -> re.Pattern[str]:
    normal = _normal(origin.replace("*", "star-"))
    if normal is None or not _BARE.fullmatch(origin):
        raise ValueError(
            f"--origin takes an origin such as https://example.org or https://*.example.org, not {origin!r}"
        )
    return re.compile(re.escape("://".join(normal)).replace(re.escape("star-"), "[^/:]+"))


def _normal(origin: str) -> tuple[str, str] | None:
    """Scheme and `host:port` of an origin, in lower case and with the port written out."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        return None
    authority = _authority(parts.netloc, parts.scheme)
    return None if authority is None else (parts.scheme, authority)


def _authority(netloc: str, scheme: str) -> str | None:
    try:
        parts = urlsplit(f"//{netloc}")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return f"{parts.hostname.rstrip('.')}:{port or _PORTS[scheme]}"
