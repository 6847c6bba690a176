"""What the server and its courier say to each other: one JSON object a line, each way."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from chatroom.domain.webhooks import Outcome, Parcel


class Job(Struct, frozen=True, array_like=True):
    """A request to make; `number` is the server's name for it."""

    number: int
    parcel: Parcel


class Done(Struct, frozen=True, array_like=True):
    """What came of it."""

    number: int
    outcome: Outcome


encode = msgspec.json.Encoder().encode
job = msgspec.json.Decoder(Job).decode
done = msgspec.json.Decoder(Done).decode
