"""Keeps what devices say: python reader.py listen|connect ENDPOINT ROOM

Each line becomes a message in the room; the device hears `ok` once it is on the server's disk.
"""

import os
import sys

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver

from chatroom.client import Client, ClientError

MOST = 100
"""So many lines wait for the server, before the devices have to."""


class Device(LineOnlyReceiver):
    """A fingerprint reader, a scale, a scanner: whatever sends lines."""

    delimiter = b"\n"
    MAX_LENGTH = 4096

    def connectionMade(self):
        peer = self.transport.getPeer()
        self.address = f"{peer.host}:{peer.port}"
        print(f"{self.address} is here", flush=True)

    def lineReceived(self, line):
        text = line.decode("utf-8", "replace").replace("\0", "\ufffd").strip()
        if text:
            Deferred.fromCoroutine(self.keep(text))

    async def keep(self, text):
        client, room = self.factory.client, self.factory.room
        if client.unsent >= MOST:
            self.transport.pauseProducing()
        try:
            # Waits while the server is away, and is there once however often it is sent.
            kept = await client.post(text, room=room, data={"device": self.address})
        except ClientError as error:
            print(f"{self.address}: {text!r} is not kept: {error}", file=sys.stderr, flush=True)
            self.transport.write(b"error\n")
        else:
            print(f"{self.address}: {text!r} is {kept.seq}", flush=True)
            self.transport.write(b"ok\n")
        self.transport.resumeProducing()


async def main(reactor, way, endpoint, room):
    devices = Factory.forProtocol(Device)
    devices.noisy = False
    devices.room = room
    devices.client = Client(os.environ["CHATROOM_URL"], key=os.environ["CHATROOM_KEY"], reactor=reactor)
    try:
        await devices.client.start()
    except ClientError as error:
        sys.exit(f"{os.environ['CHATROOM_URL']}: {error}")
    if way == "listen":
        await serverFromString(reactor, endpoint).listen(devices)
    else:
        ClientService(clientFromString(reactor, endpoint), devices, clock=reactor).startService()
    print("ready", flush=True)
    await Deferred()  # until it is interrupted


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("listen", "connect"):
        sys.exit("usage: python reader.py listen|connect ENDPOINT ROOM")
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *sys.argv[1:])))
