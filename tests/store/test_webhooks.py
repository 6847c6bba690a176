"""Where webhooks, cursors and letters are kept: what every adapter promises."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.accounts import Account
from chatroom.domain.errors import Conflict, NameTaken, NotFound
from chatroom.domain.webhooks import DEAD_KEPT, MOST, Behind, Letter, Progress, Webhook

from .drafts import said
from .memory_webhooks import MemoryWebhooks
from .registries import (
    NOW,
    Asked,
    InMemory,
    Kept,
    OnDisk,
    account,
    append,
    changed,
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
    webhooks.keep(Progress({}, new=new))
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
    webhooks.keep(Progress({}, new=[letter(body="1", after=7)]))
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
    webhooks.keep(Progress({("w1", "lobby"): 3}, new=[letter(body="1")]))
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
    webhooks.keep(Progress({}, new=new, dead=[letter(body=bodies[0], dead=NOW)]))
    registry.delete_account(ana.id, "deleted")
    assert [one.body for one in webhooks.letters("w1", "lobby", 0, 10)] == bodies[1:]
    assert list(webhooks.dead("w1", 10)) == []
    assert ("webhook", "w1") in changed(registry, lambda: registry.delete_account("bBot", "deleted"))
    assert list(webhooks.webhooks()) == []
    kept.close()
