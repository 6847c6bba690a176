"""The relay that takes kosoku to a wss:// server: bytes and endings pass in both directions."""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from chatroom.certificate import write_own

from .tls_relay import plain_url

# More than any buffer on the way.
PAYLOAD = bytes(range(256)) * 16384


async def _echo_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readexactly(len(PAYLOAD)))
    writer.close()


def test_bytes_and_the_servers_end_come_through(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(write_own(tmp_path / "key.pem", "127.0.0.1"))

    async def scenario() -> bytes:
        async with await asyncio.start_server(_echo_once, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            async with plain_url(f"wss://127.0.0.1:{port}/echo?x=1") as url:
                parts = urlsplit(url)
                assert (parts.scheme, parts.path, parts.query) == ("ws", "/echo", "x=1")
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                writer.write(PAYLOAD)
                # Reads to the end: the server's hanging up has to arrive as well.
                received = await reader.read(-1)
                writer.close()
        return received

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) == PAYLOAD


def test_a_plain_url_is_left_alone() -> None:
    async def scenario() -> str:
        async with plain_url("ws://127.0.0.1:1/echo") as url:
            return url

    assert asyncio.run(scenario()) == "ws://127.0.0.1:1/echo"
