"""What is said where the plan measures."""

from chatroom.domain.events import Message
from chatroom.domain.model import By


def post(room: str, seq: int = 0, key: str | None = None) -> Message:
    """Sixty-four characters of Ana's."""
    author = By("u" + "0" * 24, "Ana")
    return Message(room=room, at=1_700_000_000_000, by=author, text="x" * 64, seq=seq, key=key)
