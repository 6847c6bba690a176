"""A broadcast server as Autobahn's users write it: `sendMessage` to each, to everybody in the room.

    python autobahn_naive.py PORT [--prepared | --echo] [--deflate] [--tls KEY_AND_CERTIFICATE]

A connection's room is named by `?room=`. It keeps no log, acknowledges nothing, and knows no names.
"""

import argparse
from collections import defaultdict

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from twisted.internet import epollreactor


class Broadcast(WebSocketServerProtocol):
    rooms: "defaultdict[str, set[Broadcast]]" = defaultdict(set)  # noqa: RUF012
    clients: "set[Broadcast] | None" = None

    def onOpen(self) -> None:
        (room,) = self.http_request_params.get("room", ["lobby"])
        self.clients = self.rooms[room]
        self.clients.add(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self.clients:
            self.clients.discard(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        for client in self.clients or ():
            client.sendMessage(payload, isBinary)


class PreparedBroadcast(Broadcast):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        message = self.factory.prepareMessage(payload, isBinary)
        for client in self.clients or ():
            client.sendPreparedMessage(message)


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


def _accept_deflate(offers: list[object]) -> PerMessageDeflateOfferAccept | None:
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            # As the load asks: each frame can then be inflated by itself.
            return PerMessageDeflateOfferAccept(offer, no_context_takeover=True)
    return None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("port", type=int)
    options.add_argument("--prepared", action="store_true")
    options.add_argument("--echo", action="store_true")
    options.add_argument("--deflate", action="store_true")
    options.add_argument("--tls", metavar="PEM")
    chosen = options.parse_args()
    epollreactor.install()
    from twisted.internet import endpoints, reactor

    factory = WebSocketServerFactory()
    factory.protocol = PreparedBroadcast if chosen.prepared else Echo if chosen.echo else Broadcast
    if chosen.deflate:
        factory.setProtocolOptions(perMessageCompressionAccept=_accept_deflate)
    door = f"tcp:{chosen.port}"
    if chosen.tls:
        door = f"ssl:{chosen.port}:privateKey={chosen.tls}"
    endpoint = endpoints.serverFromString(reactor, door + ":interface=127.0.0.1:backlog=4096")
    endpoint.listen(factory).addErrback(lambda failure: (failure.printTraceback(), reactor.stop()))
    reactor.run()


if __name__ == "__main__":
    main()
