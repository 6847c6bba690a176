"""What Twisted and Autobahn keep to themselves is touched in one module only."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from textwrap import dedent

import pytest

from .test_imports import sources

INSIDER = "chatroom.doors.internals"
FOREIGN = ("twisted", "autobahn")
MODULES = sources()


def private(name: str) -> bool:
    """Whether a name says that it is nobody else's business; what named tuples have is theirs to ask."""
    return name.startswith("_") and not name.endswith("__") and name not in ("_asdict", "_fields", "_replace")


def made(source: str) -> set[str]:
    """The private names that a source makes: functions, attributes of classes, slots, of `self`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(dedent(source))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and of_self(node):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return {name for name in found if private(name)}


def of_self(node: ast.Attribute) -> bool:
    """Whether it is an attribute of `self`, `cls` or `super()`."""
    return ast.unparse(node.value) in ("self", "cls", "super()")


@cache
def ours() -> set[str]:
    """The private names that our own modules make."""
    return set().union(*(made(source) for name, source in MODULES.items() if name != INSIDER))


def others(source: str) -> Iterator[str]:
    """The private attributes and modules of others that a source asks for."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and private(node.attr):
            if not of_self(node) or node.attr not in ours():
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FOREIGN:
            asked = [*str(node.module).split("."), *(alias.name for alias in node.names)]
            yield from (name for name in asked if private(name))


def clashes(kind: type) -> set[str]:
    """The private names that a class makes and one of its foreign bases too."""
    theirs: set[str] = set()
    for base in kind.__mro__[1:]:
        if base.__module__.split(".")[0] in FOREIGN:
            theirs |= made(inspect.getsource(base))
    return made(inspect.getsource(kind)) & theirs


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {INSIDER}))
def test_a_module_keeps_to_what_others_document(name: str) -> None:
    assert list(others(MODULES[name])) == []
    if name.startswith("chatroom.store.migrations"):
        return  # Alembic imports those; they have no classes.
    module = importlib.import_module(name)
    for kind in vars(module).values():
        if isinstance(kind, type) and kind.__module__ == name:
            assert clashes(kind) == set(), kind


def test_the_one_that_does_not_is_found_out_by_these_tests() -> None:
    source = MODULES[INSIDER]
    assert {"self._dataReceived", "self._perMessageCompress"} <= set(others(source))
    quick = importlib.import_module(INSIDER)
    assert clashes(quick.QuickProtocol) == {"_perMessageCompress"}
    assert clashes(quick.AnsweringChannel) == {"_respondToBadRequestAndDisconnect"}


@pytest.mark.parametrize(
    "source",
    [
        "def f(channel): channel._dataBuffer.clear()",
        "class A(HTTPChannel):\n    def f(self): self._networkProducer.unregisterProducer()",
        "class A(HTTPChannel):\n    def f(self): super()._respondToBadRequestAndDisconnect()",
        "from autobahn.websocket.protocol import _url_to_origin",
        "from twisted.internet._sslverify import OpenSSLCertificateOptions",
    ],
)
def test_what_is_others_own_is_found(source: str) -> None:
    assert len(list(others(source))) == 1
