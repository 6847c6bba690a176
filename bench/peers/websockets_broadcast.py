"""A broadcast server on websockets, with its own `broadcast`.

python websockets_broadcast.py PORT [--deflate]
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

_members: set[ServerConnection] = set()


async def member(connection: ServerConnection) -> None:
    _members.add(connection)
    try:
        async for message in connection:
            broadcast(_members, message)
    finally:
        _members.discard(connection)


async def main() -> None:
    compression = "deflate" if "--deflate" in sys.argv else None
    async with serve(member, "127.0.0.1", int(sys.argv[1]), compression=compression, backlog=4096) as server:
        await server.serve_forever()


asyncio.run(main())
