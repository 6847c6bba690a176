"""Events lost, doubled and early, connections cut, readers slow, in any order: each event once, in order,
and each post once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from .scripted import Running, ScriptedServer, joined, started

HAPPENING = some.one_of(
    some.sampled_from(["says", "untold", "again", "cut", "away", "post", "unanswered"]),
    some.integers(1, 8),
)


class Story:
    """What happens to one client in one room."""

    def __init__(self) -> None:
        self.server = ScriptedServer()
        self.client = started(self.server)
        self.room: Any = joined(self.server, self.client, buffer=5)
        self.taken: list[str] = []
        self.posts: list[tuple[str, Running]] = []
        self._waiting: Running | None = None

    def happens(self, what: str | int) -> None:
        """One thing."""
        if isinstance(what, int):
            self.take(what)
        else:
            getattr(self, what)()
        self.server.turn(0.2)

    def says(self) -> None:
        """Somebody says something."""
        self.server.peer.tell(**self.untold())

    def untold(self) -> Any:
        """Somebody says something, and it does not reach us."""
        return self.server.happens("lobby", f"said {len(self.log)}")

    def again(self) -> None:
        """An event comes a second time."""
        if self.log:
            self.server.peer.tell(**self.log[len(self.log) // 2])

    def cut(self) -> None:
        """The connection breaks."""
        self.server.cut()

    def away(self) -> None:
        """The server is gone for a while."""
        self.server.down = True
        self.server.cut()
        self.server.turn(3)
        self.server.down = False

    def post(self) -> None:
        """We say something."""
        text = f"posted {len(self.posts)}"
        self.posts.append((text, Running(self.client.post(text, room="lobby"))))

    def unanswered(self) -> None:
        """We say something, and the connection breaks before the answer comes."""

        def kept(request: Any) -> None:
            del self.server.scripts["post"]
            self.server.answer(self.server.peer, request)
            self.server.clock.callLater(0, self.server.cut)

        self.server.scripts["post"] = kept
        self.post()

    def take(self, count: int) -> None:
        """We take so many events, if they are there."""
        for _ in range(count):
            if self._waiting is None:
                self._waiting = Running(self.room.__anext__())
            self.server.turn()
            if not self._waiting.done:
                return
            self.taken.append(self._waiting.result.text)
            self._waiting = None

    def ends(self) -> None:
        """All is well from now on."""
        for _ in range(20):
            self.server.turn(2)
        self.says()
        for _ in range(10):
            self.server.turn(2)
            self.take(1000)

    @property
    def log(self) -> list[Any]:
        """The room's, on the server."""
        return self.server.logs.setdefault("lobby", [])


@given(some.lists(HAPPENING, max_size=40))
@settings(max_examples=60, deadline=None)
def test_each_event_is_given_once_and_each_post_is_there_once(happenings):
    story = Story()
    for what in happenings:
        story.happens(what)
    story.ends()
    texts = [event["text"] for event in story.log]
    assert story.taken == texts
    assert [text for text in texts if text.startswith("posted")] == [text for text, _ in story.posts]
    for text, post in story.posts:
        assert story.log[post.result.seq - 1]["text"] == text
