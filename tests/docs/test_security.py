"""Every promise of docs/security.md names a test that shows it, and that test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/security.md").read_text()
_TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def promises(page: str) -> list[str]:
    """The list items of the page's part about promises, each with what belongs to it."""
    (part,) = re.findall(r"^## What is promised\n(.*?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    return re.findall(r"^- .*?(?=^- |^#|^$|\Z)", part, re.DOTALL | re.MULTILINE)


@cache
def known_in(path: str) -> frozenset[str]:
    """The tests of a file, as pytest calls them; none where there is no such file."""
    file = CHECKOUT / path
    if not file.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(file.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {f"{prefix}{one.name}" for one in inner if isinstance(one, ast.FunctionDef)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def faults(page: str) -> list[str]:
    """Promises without a test, and tests that are not there."""
    found = [promise for promise in promises(page) if not _TEST.search(promise)]
    found += [f"{path}::{name}" for path, name in _TEST.findall(page) if name not in known_in(path)]
    return found + [word for word in re.findall(r"`(tests/[^`]*)`", page) if not _TEST.fullmatch(f"`{word}`")]


def test_every_promise_names_a_test_that_there_is() -> None:
    assert len(promises(PAGE)) > 50
    assert faults(PAGE) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("\n  `tests/browser/test_foreign_pages.py::test_a_foreign_page_reads_nothing`", "", "- It reads"),
        ("test_a_login_runs_out", "test_a_login_walks_out", "tests/store/test_registry_accounts.py::test_a_"),
        ("tests/core/test_tokens.py", "tests/core/test_token.py", "tests/core/test_token.py::test_a_digest"),
        ("::TestHosts::", "::", "tests/doors/test_arrivals.py::test_under_another_name"),
        ("tests/core/test_chat.py::test_nobody_else_may", "tests/core/test_chat.py", "- Nobody changes what"),
    ],
)
def test_one_that_does_not_is_found_out(before: str, after: str, fault: str) -> None:
    assert PAGE.count(before) == 1
    found = faults(PAGE.replace(before, after))
    assert [one for one in found if one.startswith(fault)] != []
