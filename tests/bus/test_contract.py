"""What `chatroom.domain.ports.Bus` promises, of every bus there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import redis
from .ends import Ends, InProcess, OverRedis


@pytest.fixture(params=["local", "redis"], scope="module")
def ends(request) -> Iterator[Ends]:
    if request.param == "local":
        yield InProcess()
        return
    server = redis.server()
    made = OverRedis(server)
    yield made
    made.close()
    server.end()


def test_what_is_published_comes_to_all_who_listen_in_order(ends):
    one, two, three = ends.more(), ends.more(), ends.more()
    for bus in (two, three):
        bus.listen("room:é")
    ends.settle(one, two, three)
    said = [b"", b"\x00\r\n\xff", "é".encode(), b"x" * 300_000]
    for payload in said:
        one.publish("room:é", payload)
    ends.settle(one, two, three)
    assert ends.told(two) == ends.told(three) == [("room:é", payload) for payload in said]
    assert ends.told(one) == []


def test_a_topic_that_is_ignored_is_not_heard(ends):
    one, two = ends.more(), ends.more()
    for topic in ("a", "b"):
        two.listen(topic)
    two.ignore("a")
    two.ignore("never listened to")
    ends.settle(one, two)
    for topic in ("a", "b", "c"):
        one.publish(topic, topic.encode())
    ends.settle(one, two)
    assert ends.told(two) == [("b", b"b")]


def test_servers_on_one_bus_do_not_hear_each_other(ends):
    one, other = ends.more("one"), ends.more("other")
    other.listen("a")
    one.publish("a", b"not for you")
    ends.settle(one)
    ends.settle(other)
    assert ends.told(other) == []


def test_what_was_listened_to_before_the_start_is_heard(ends):
    one = ends.more()
    ends.settle(one)
    assert ends.mended[one] == 1
    assert one.up
    ends.stop(one)
    assert not one.up
    one.publish("a", b"into the void")
