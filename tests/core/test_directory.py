"""Of whom reports and the audit log tell."""

from __future__ import annotations

import pytest

from .house import House


@pytest.fixture
def house() -> House:
    return House()


def named(reply) -> list[tuple[str, str]]:
    return sorted((user["name"], user["kind"]) for user in reply["users"])


def test_reports_name_who_reported_and_nobody_twice(house):
    mo, ana, bob = house.member("Mo", role="moderator"), house.json("Ana"), house.member("Bob")
    for text in ("one", "two"):
        seq = ana.does("post", room="lobby", text=text)["seq"]
        bob.does("report", room="lobby", seq=seq)
    ana.does("report", room="lobby", seq=seq)
    assert named(mo.does("reports")) == [("Ana", "guest"), ("Bob", "user")]


def test_the_audit_log_names_accounts_and_guests_who_are_here_and_tells_the_others_by_their_ids(house):
    mo, ana, bob = house.member("Mo", role="moderator"), house.json("Ana"), house.member("Bob")
    mo.does("ban", address="203.0.113.9")
    mo.does("mute", user=ana.id)
    mo.does("mute", user=bob.id)
    assert named(mo.does("audit")) == [("Ana", "guest"), ("Bob", "user"), ("Mo", "user")]
    ana.drop()
    bob.drop()
    house.settle()
    expected = sorted([("Bob", "user"), (f"guest-{ana.id[1:7]}", "guest"), ("Mo", "user")])
    assert named(mo.does("audit")) == expected


def test_a_name_that_looks_like_a_reports_number_is_nobodys(house):
    mo, other = house.member("Mo", role="moderator"), house.json("1")
    seq = other.does("post", room="lobby", text="x")["seq"]
    other.does("report", room="lobby", seq=seq)
    mo.does("report.close", report=1)
    assert named(mo.does("audit")) == [("Mo", "user")]
