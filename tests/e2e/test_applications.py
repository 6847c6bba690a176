"""--app: the hooks of somebody's own class, in a real server."""

from pathlib import Path

from .clients import JsonClient, PlainClient
from .conftest import Start

EXAMPLE = Path(__file__).parents[2] / "examples" / "sala.py"

HOOKS = """
import chatroom
from twisted.internet import reactor
from twisted.internet.task import deferLater


class Moody(chatroom.Room):
    async def connected(self, user):
        await deferLater(reactor, 0)
        self.send(user, f"welcome, {user.name}")

    async def process(self, user, message):
        if message == "fail":
            raise RuntimeError("as asked")
        if message == "keep to yourself":
            return
        kept = await self.broadcast(f"{user.name} says {message}")
        self.send(user, f"kept as {kept.seq} of {len(self.members)}")

    def closed(self, user):
        raise RuntimeError("also on leaving")
"""


def test_the_tutorials_class_runs_as_it_is(server: Start) -> None:
    one = server("--app=sala:Sala", files={"sala.py": EXAMPLE.read_text()})
    with JsonClient(one.ws, "Witness") as witness:
        witness.join()
        # Once this is told it is in the log, and nobody who comes later is told it again.
        assert witness.event()["text"] == "Witness has come in"
        with PlainClient(f"{one.ws}?name=Ana") as ana:
            assert witness.event()["text"] == "Ana has come in"
            with PlainClient(f"{one.ws}?name=Ben") as ben:
                assert ana.text() == "Ben has come in"
                ben.send("hola")
                assert ana.text() == "hola"
                ana.send("adiós")
                assert ben.text() == "adiós"
            assert ana.text() == "Ben has gone"


def test_hooks_may_be_async_keep_a_message_to_themselves_and_fail(server: Start) -> None:
    one = server("--app=moody:Moody", files={"moody.py": HOOKS}, blamed=True)
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        assert ana.event("notice")["text"] == "welcome, Ana"
        assert ana.post("hello") == 1
        assert ana.event()["text"] == "Ana says hello"
        assert ana.event("notice")["text"] == "kept as 1 of 1"
        refused = ana.ask("post", room="lobby", text="fail")
        assert (refused["type"], refused["code"]) == ("error", "internal")
        silent = ana.ask("post", room="lobby", text="keep to yourself")
        assert (silent["type"], silent.get("seq")) == ("ok", None)
        assert ana.post("still here") == 2
    with JsonClient(one.ws, "Ben") as ben:
        ben.join()
        assert ben.post("after the failed goodbye") == 3
    assert "RuntimeError: as asked" in one.log
    one.wait_for(lambda: "RuntimeError: also on leaving" in one.log)


def test_a_retried_post_is_not_processed_twice(server: Start) -> None:
    one = server("--app=moody:Moody", files={"moody.py": HOOKS}, blamed=True)
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        assert ana.post("once", key="k1") == 1
        assert ana.post("once", key="k1") == 1
        assert ana.post("next", key="k2") == 2
