"""docs/scaling.md: what stands there to be typed is understood, and what it leads to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

from chatroom.options import Options

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scaling.md").read_text()


def test_a_node_understands_what_it_is_started_with(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("secret\n")
    (command,) = re.findall(r"^    (twistd -n chatroom (?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", "").replace("/etc/chatroom/redis", str(tmp_path / "redis")))
    options = Options()
    options.parseOptions(words[words.index("chatroom") + 1 :])
    assert (options["node"], options.drain) == ("one", 12)
    assert options.bus is not None
    assert (options.bus.host, options.bus.password) == ("cache", "secret")


def test_what_it_leads_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", PAGE):
        assert (DOCS / target).exists(), target
    for test in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (DOCS.parent / test).exists(), test


def test_its_picture_is_one() -> None:
    picture = ElementTree.parse(DOCS / "scaling.svg").getroot()
    assert picture.tag.endswith("svg")
