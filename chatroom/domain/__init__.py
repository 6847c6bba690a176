"""What a chat room is: types and rules with no network, no SQL and no clock of their own.

The types are msgspec Structs because those are the fastest frozen dataclasses there are and
because they are then the one definition from which the wire format and its documentation follow.
How they become bytes is not known here: that is `chatroom.wire`.
"""
