"""A loopback port that speaks plain to its client and TLS to a server.

kosoku knows no wss, so this is how it reaches one. Bytes are passed on as they come, and so is the
end of either side.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65536

# RFC 6455, section 3.
WSS_PORT = 443


@asynccontextmanager
async def plain_url(url: str) -> AsyncIterator[str]:
    """A ws:// URL that leads to the same place, for the time of the block; a ws:// URL is its own.

    The server's certificate is not looked at: it is the test's own.
    """
    parts = urlsplit(url)
    if parts.scheme != "wss":
        yield url
        return
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await asyncio.open_connection(parts.hostname, parts.port or WSS_PORT, ssl=context)
        await asyncio.gather(_copy(reader, server[1]), _copy(server[0], writer))

    listening = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield urlunsplit(parts._replace(scheme="ws", netloc=f"127.0.0.1:{port}"))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        # A connection may be cut off on either side: that is its end like any other.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
