"""Server-sent events (HTML Living Standard, section 9.2): lines of fields, and an empty one behind each."""

from __future__ import annotations

TYPE = "text/event-stream"

END = b"\n\n"
"""Behind an event's last field."""

COMMENT = b":\n\n"
"""Nothing at all, which shows that the stream is alive."""


def fields(
    payload: bytes | None = None,
    *,
    id: str | None = None,  # noqa: A002 - the field's name
    event: str | None = None,
    retry: float | None = None,
) -> bytes:
    """An event without its END. `payload` has no line break in it, as JSON has none; `retry` is in
    seconds. Without a payload a browser takes note of `id` and `retry`, and tells the page nothing."""
    lines = []
    if id is not None:
        lines.append(b"id: %b" % id.encode())
    if event is not None:
        lines.append(b"event: %b" % event.encode())
    if retry is not None:
        lines.append(b"retry: %d" % round(retry * 1000))
    if payload is not None:
        lines.append(b"data: %b" % payload)
    return b"\n".join(lines)
