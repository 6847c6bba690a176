"""Messages published by HTTP, one on the way on each connection that is kept alive."""

import re
import time
from collections.abc import Callable

from bench.durable import TEXT_BYTES, Posters
from bench.members import Crowd, Member, ServerError

Request = Callable[[str, str], bytes]
"""The bytes of a request: for a text, and a key that no other has."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_PUBLISHED = (b"200", b"201", b"202")


def answers_in(data: bytes) -> tuple[int, bytes]:
    """How many whole answers `data` begins with, and the rest. ServerError for one that says no."""
    count = 0
    while (end := data.find(b"\r\n\r\n") + 4) >= 4:
        head = data[:end]
        status, length = _STATUS.match(head), _LENGTH.search(head)
        if status is None or status[1] not in _PUBLISHED:
            raise ServerError(f"a message was refused: {data!r}")
        whole = end + (int(length[1]) if length else 0)
        if len(data) < whole:
            break
        data = data[whole:]
        count += 1
    return count, data


class Publishers(Posters):
    """The same as Posters, by HTTP."""

    def __init__(self, crowd: Crowd, request: Request) -> None:
        super().__init__(crowd, "", window=1)
        self._request = request
        self._asked: dict[int, int] = {}

    def _acknowledged(self, member: Member) -> int:
        data = self._carry.get(member.number, b"") + member.receive_all()
        count, self._carry[member.number] = answers_in(data)
        if count:
            sent = self._sent.pop(self._asked.pop(member.number))
            self._latencies.append(time.perf_counter() - sent)
        return count

    def _post(self, member: Member, count: int) -> None:
        self._number += 1
        text = f"{self._number:08d}".ljust(TEXT_BYTES, "x")
        self._sent[self._number] = time.perf_counter()
        self._asked[member.number] = self._number
        member.send(self._request(text, f"k{self._number:08d}"))
