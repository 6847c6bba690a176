"""Where webhooks, cursors and letters are kept: what every adapter promises."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.accounts import Account
from chatroom.domain.errors import Conflict, NameTaken, NotFound
from chatroom.domain.model import User
from chatroom.domain.webhooks import DEAD_KEPT, MOST, Behind, Letter, Move, Progress, Webhook
from chatroom.store import webhooks as store

from .drafts import said
from .memory_webhooks import MemoryWebhooks
from .registries import (
    KINDS,
    NOW,
    Asked,
    InMemory,
    Kept,
    OnDisk,
    account,
    append,
    changed,
    kept_by,
    place,
    record,
    refused,
)


class AskedWebhooks:
    """Webhooks, waited for."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._real = MemoryWebhooks(kept.registry) if isinstance(kept, InMemory) else kept.registry.webhooks

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._kept.wait(getattr(self._real, name)(*arguments))


@pytest.fixture
def webhooks(kept: Kept) -> Any:
    return AskedWebhooks(kept)


def bot(name: str = "Bot") -> Account:
    return Account(f"b{name}", name, name.casefold(), "bot", created=NOW)


def hook(id_: str = "w1", **more: Any) -> Webhook:
    fields = {"rooms": ("*",), "events": ("message",), "account": "bBot", "created": NOW}
    return Webhook(id_, "Bot", "https://example.org/", "whsec_x", **(fields | more))


def letter(**more: Any) -> Letter:
    return Letter(**({"id": 0, "hook": "w1", "room": "lobby", "after": 0, "at": NOW} | more))


def came(
    *letters: Letter, user: str = "u1", node: str = "one", here: bool = True, room: str = "lobby"
) -> Move:
    return Move(room, User(user, user.upper()), node, here, NOW, letters)


def went(*letters: Letter, **more: str) -> Move:
    return came(*letters, here=False, **more)


def test_a_webhook_is_kept_with_its_bot_and_told_of(webhooks, registry):
    assert changed(registry, lambda: webhooks.add_webhook(hook(), bot())) == [
        ("account", "bBot"),
        ("webhook", "w1"),
    ]
    webhooks.add_webhook(hook("w2", events=("direct", "member"), rooms=("a", "~b"), created=NOW + 1), None)
    assert [one.id for one in webhooks.webhooks()] == ["w1", "w2"]
    assert webhooks.webhooks()[1].rooms == ("a", "~b")
    assert webhooks.webhooks()[0] == hook()
    assert registry.account("bBot") == bot()
    refused(NameTaken, webhooks.add_webhook, hook("w3"), Account("b2", "bot", "bot", "bot"))


def test_there_are_only_so_many(webhooks):
    webhooks.add_webhook(hook("w0"), bot())
    for number in range(1, MOST):
        webhooks.add_webhook(hook(f"w{number}"), None)
    refused(Conflict, webhooks.add_webhook, hook("more"), None)


def test_a_new_webhook_begins_with_what_comes_next(webhooks, kept):
    append(kept, said("a"), said("b"), said("c", room="plans"))
    webhooks.add_webhook(hook(), bot())
    assert list(webhooks.behind(hook())) == []
    append(kept, said("d"), said("e", room="new"))
    assert list(webhooks.behind(hook())) == [Behind("lobby", 2, 3, False), Behind("new", 0, 1, False)]


def test_of_private_rooms_only_those_it_names_are_its_business(webhooks, kept, registry):
    registry.create_room(record("~den", kind="private"), [])
    registry.create_room(record("news", kind="announcement"), [])
    registry.create_room(record("@" + "1" * 24, kind="direct"), [place("@" + "1" * 24, "bBot")])
    registry.create_room(record("@" + "2" * 24, kind="direct"), [place("@" + "2" * 24, "u1")])
    webhooks.add_webhook(hook(), bot())
    one = hook("w2", rooms=("~den",), events=("direct",))
    webhooks.add_webhook(one, None)
    rooms = ("~den", "news", "@" + "1" * 24, "@" + "2" * 24)
    append(kept, *[said("x", room=room) for room in rooms])
    assert [late.room for late in webhooks.behind(hook())] == ["news"]
    assert [late.room for late in webhooks.behind(one)] == ["@" + "1" * 24, "~den"]


def test_a_cursor_never_goes_back(webhooks, kept):
    webhooks.add_webhook(hook(), bot())
    append(kept, said("a"), said("b"), said("c"))
    for seq in (2, 1):
        webhooks.keep(Progress({("w1", "lobby"): seq, ("gone", "lobby"): 3}))
        assert list(webhooks.behind(hook())) == [Behind("lobby", 2, 3, False)]
        assert [webhooks.reached("w1", room) for room in ("lobby", "plans")] == [2, 0]
    webhooks.keep(Progress({("w1", "lobby"): 3}))
    assert list(webhooks.behind(hook())) == []


def test_letters_wait_in_their_order_until_they_are_told(webhooks):
    webhooks.add_webhook(hook(), bot())
    new = [letter(body="1"), letter(body="2", after=3), letter(body="3", room="plans"), letter(hook="gone")]
    webhooks.keep(Progress({}, moves=[came(*new)]))
    assert list(webhooks.lettered("w1")) == ["lobby", "plans"]
    first, second = webhooks.letters("w1", "lobby", 0, 10)
    assert (first.body, second.body, second.after) == ("1", "2", 3)
    assert list(webhooks.letters("w1", "lobby", first.id, 10)) == [second]
    assert list(webhooks.letters("w1", "lobby", 0, 1)) == [first]
    assert list(webhooks.behind(hook())) == [Behind("lobby", 0, 0, True), Behind("plans", 0, 0, True)]
    webhooks.keep(Progress({}, told=[first.id]))
    assert list(webhooks.letters("w1", "lobby", 0, 10)) == [second]


def test_dead_letters_wait_to_be_sent_again(webhooks, registry):
    webhooks.add_webhook(hook(), bot())
    webhooks.keep(Progress({}, moves=[came(letter(body="1", after=7))]))
    (waiting,) = webhooks.letters("w1", "lobby", 0, 10)
    died = Letter(waiting.id, "w1", "lobby", 7, NOW, None, "1", NOW + 5, "500")
    webhooks.keep(Progress({("w1", "lobby"): 9}, dead=[died, letter(seq=9, dead=NOW + 5, reason="410")]))
    assert list(webhooks.lettered("w1")) == []
    one, two = webhooks.dead("w1", 10)
    assert (one.body, one.reason, two.seq, two.dead) == ("1", "500", 9, NOW + 5)
    assert list(webhooks.dead("w1", 1)) == [one]
    assert changed(registry, lambda: webhooks.resend("w1", two.id, NOW + 9)) == [("webhook", "w1")]
    (again,) = webhooks.letters("w1", "lobby", 0, 10)
    assert again.id > two.id
    assert (again.seq, again.at, again.after, again.dead, again.reason) == (9, NOW + 9, 0, None, "")
    refused(NotFound, webhooks.resend, "w1", again.id, NOW)
    refused(NotFound, webhooks.resend, "nobody", None, NOW)
    assert webhooks.resend("w1", None, NOW) == 1
    assert webhooks.resend("w1", None, NOW) == 0


def test_dead_letters_are_kept_for_a_month(webhooks):
    webhooks.add_webhook(hook(), bot())
    webhooks.keep(Progress({}, dead=[letter(seq=1, dead=NOW)]))
    webhooks.keep(Progress({}, dead=[letter(seq=2, dead=NOW + DEAD_KEPT)]))
    assert [one.seq for one in webhooks.dead("w1", 10)] == [1, 2]
    webhooks.keep(Progress({}, dead=[letter(seq=3, dead=NOW + DEAD_KEPT + 1)]))
    assert [one.seq for one in webhooks.dead("w1", 10)] == [2, 3]


def test_disabling_and_removing_are_told_of(webhooks, registry):
    webhooks.add_webhook(hook(), bot())
    webhooks.keep(Progress({("w1", "lobby"): 3}, moves=[came(letter(body="1"))]))
    assert changed(registry, lambda: webhooks.set_webhook("w1", NOW, "410 Gone")) == [("webhook", "w1")]
    assert (webhooks.webhooks()[0].disabled, webhooks.webhooks()[0].reason) == (NOW, "410 Gone")
    assert changed(registry, lambda: webhooks.remove_webhook("w1")) == [("webhook", "w1")]
    assert list(webhooks.webhooks()) == []
    assert list(webhooks.lettered("w1")) == []
    refused(NotFound, webhooks.remove_webhook, "w1")
    refused(NotFound, webhooks.set_webhook, "w1", None, "")


def test_of_a_deleted_account_nothing_is_told_and_a_bots_webhooks_end(tmp_path):
    kept = OnDisk(tmp_path)
    registry, webhooks = Asked(kept), AskedWebhooks(kept)
    ana = account("Ana")
    registry.add_account(ana, None)
    webhooks.add_webhook(hook(), bot())
    bodies = [f'{{"user":{{"id":"{one}","name":"Ana"}}}}' for one in (ana.id, "g1")]
    new = [letter(body=body) for body in bodies]
    webhooks.keep(Progress({}, moves=[came(*new)], dead=[letter(body=bodies[0], dead=NOW)]))
    registry.delete_account(ana.id, "deleted")
    assert [one.body for one in webhooks.letters("w1", "lobby", 0, 10)] == bodies[1:]
    assert list(webhooks.dead("w1", 10)) == []
    assert ("webhook", "w1") in changed(registry, lambda: registry.delete_account("bBot", "deleted"))
    assert list(webhooks.webhooks()) == []
    kept.close()


def bodies(webhooks) -> list[str | None]:
    """What waits to be told, and is taken away."""
    found = [one for room in ("lobby", "plans") for one in webhooks.letters("w1", room, 0, 100)]
    webhooks.keep(Progress({}, told=[one.id for one in found]))
    return [one.body for one in found]


def test_who_is_on_several_nodes_comes_once_and_goes_once(webhooks):
    webhooks.add_webhook(hook(events=("connected",)), bot())
    webhooks.keep(Progress({}, moves=[came(letter(body="came"))]))
    webhooks.keep(Progress({}, moves=[came(letter(body="came to two"), node="two")]))
    assert bodies(webhooks) == ["came"]
    webhooks.keep(Progress({}, moves=[went(letter(body="went from one"))]))
    webhooks.keep(Progress({}, moves=[went(letter(body="went"), node="two")]))
    assert bodies(webhooks) == ["went"]
    both = [came(letter(body="came"), node=node) for node in ("one", "two")]
    other = came(letter(body="other came"), user="u2")
    elsewhere = came(letter(body="came elsewhere", room="plans"), room="plans")
    webhooks.keep(Progress({}, moves=[*both, other, elsewhere]))
    assert bodies(webhooks) == ["came", "other came", "came elsewhere"]
    webhooks.keep(Progress({}, moves=[went(letter(body="went"), node=node) for node in ("one", "two")]))
    assert bodies(webhooks) == ["went"]


def test_who_says_again_that_they_are_there_does_not_come_again(webhooks):
    webhooks.add_webhook(hook(events=("connected",)), bot())
    for _ in range(2):
        webhooks.keep(Progress({}, moves=[came(letter(body="came"))]))
    assert bodies(webhooks) == ["came"]
    webhooks.keep(Progress({}, moves=[went(letter(body="went"), user="u2")]))
    assert bodies(webhooks) == [], "nor does who is gone already go"


def test_whom_a_node_has_left_behind_is_found(webhooks):
    webhooks.add_webhook(hook(events=("disconnected",)), bot())
    webhooks.keep(Progress({}, moves=[came(node=node, user=user) for node in "abc" for user in ("u1", "u2")]))
    left = webhooks.left_behind(["b"], 100)
    assert sorted((one.node, one.user.id) for one in left) == [(n, u) for n in "ac" for u in ("u1", "u2")]
    assert left[0] == came(node="a", user=left[0].user.id)
    assert {one.node for one in webhooks.left_behind(["b"], 2)} == {"a"}
    assert list(webhooks.left_behind(["a", "b", "c"], 100)) == []


def test_it_is_forgotten_who_is_where_with_the_last_webhook_that_is_told_of_it(webhooks):
    webhooks.add_webhook(hook(events=("disconnected",)), bot())
    webhooks.add_webhook(hook("w2", events=("connected",)), None)
    webhooks.keep(Progress({}, moves=[came()]))
    webhooks.remove_webhook("w2")
    assert len(webhooks.left_behind([], 100)) == 1
    webhooks.set_webhook("w1", NOW, "gone")
    assert list(webhooks.left_behind([], 100)) == []


@pytest.mark.parametrize("kind", KINDS[1:])
def test_how_late_a_webhook_is_can_be_seen(kind, tmp_path):
    kept = kept_by(kind, tmp_path)
    webhooks, late = AskedWebhooks(kept), lambda: _late(kept)
    webhooks.add_webhook(hook(), bot())
    assert late() == (0, None)
    append(kept, said("a", at=10), said("b", at=20), said("c", at=30), said("x", room="plans", at=25))
    webhooks.keep(Progress({("w1", "lobby"): 1}))
    assert late() == (2, 20)
    webhooks.keep(Progress({("w1", "lobby"): 3, ("w1", "plans"): 1}))
    assert late() == (0, None)
    webhooks.keep(Progress({}, moves=[came(letter(body="came"), letter(body="again"))]))
    assert late() == (1, NOW)
    webhooks.keep(Progress({}, dead=[letter(dead=NOW)]))
    assert late() == (1, NOW)
    kept.close()


def _late(kept: Any) -> Any:
    with kept.store._reading.connect() as connection:
        return store.late(connection, hook())
