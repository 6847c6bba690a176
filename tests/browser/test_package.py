"""chatroom.js as a package from npm: what is in it, its types, and docs/javascript.md, in Node 20 and in a
browser."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .live_server import Server
from .test_readme import other_site, said_in

__all__ = ["other_site"]

CHECKOUT = Path(__file__).parents[2]
WEB = CHECKOUT / "web"
PAGE = (CHECKOUT / "docs/javascript.md").read_text()
NEEDED = ("typescript@5.9.3", "node@20.20.2", "ws@8.23.0")
"""Pinned: what a package from npm says today, it may not say tomorrow."""

STRICT = ("--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom")
PATIENCE = 60.0
URL = "wss://chat.example.org/ws"


class Project:
    """A folder in which the package is installed, with what its users have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        packed = json.loads(self.npm("pack", "--json", str(WEB)))[0]
        self.files = {one["path"] for one in packed["files"]}
        self.write("package.json", '{"private": true, "type": "module"}')
        self.npm("install", "--no-audit", "--no-fund", f"./{packed['filename']}", *NEEDED)
        self.node = folder / "node_modules/node/bin/node"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def npm(self, *arguments: str) -> str:
        return self.run("npm", *arguments)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def members(self, *files: Path) -> dict[str, list[str]]:
        """What the classes in some files have."""
        script = self.write("members.cjs", (Path(__file__).parent / "members.cjs").read_text())
        return dict(json.loads(self.run(str(self.node), str(script), *map(str, files))))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    if shutil.which("npm") is None:
        reason = "npm is not on the PATH: tools/system-packages test would install it"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Project(tmp_path_factory.mktemp("project"))


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def imported(module: Path) -> set[str]:
    """A module and all that it imports."""
    found, todo = set[str](), [module.name]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += re.findall(r'from "\./([\w.]+)"', (WEB / name).read_text())
    return found


def test_the_package_has_the_client_and_what_it_imports_and_no_more(project: Project) -> None:
    assert project.files == imported(WEB / "chatroom.js") | {"chatroom.d.ts", "package.json"}


def test_it_has_the_servers_version() -> None:
    ours = ConfigParser()
    ours.read(CHECKOUT / "setup.cfg")
    assert json.loads((WEB / "package.json").read_text())["version"] == ours["metadata"]["version"]


def test_the_declarations_name_what_the_classes_have(project: Project) -> None:
    declared = project.members(WEB / "chatroom.d.ts")
    made = project.members(*(WEB / name for name in sorted(imported(WEB / "chatroom.js"))))
    assert set(declared) >= {"Chatroom", "Room", "Unsent", "ChatroomError"}
    # Every Error's, which TypeScript declares.
    made["ChatroomError"].remove("name")
    for name in declared:
        assert declared[name] == made[name], name


TYPED = """
room.on("something-new", (detail) => console.log(detail.whatever));
room.on("message" as string, (detail) => console.log(detail.whatever));
"""

WRONG = (
    'room.on("message", ({ nothing }: { nothing: string }) => nothing);',
    'const seq: string = (await room.post("Hello")).seq;',
    'chat.join({ name: "lobby" });',
    "chat.nothing;",
    "new ChatroomError();",
)


def test_typescript_takes_the_pages_example_and_finds_what_is_wrong(project: Project) -> None:
    (example,) = examples("ts")
    wrong = "\n".join(f"// @ts-expect-error\n{line}" for line in WRONG)
    source = f'{example}import {{ ChatroomError }} from "chatroom";\n{TYPED}{wrong}\n'
    project.write("example.ts", source)
    project.run("node_modules/.bin/tsc", "--noEmit", *STRICT, "example.ts")


class Running:
    """A program in Node 20, and what it prints."""

    def __init__(self, project: Project, code: str, server: Server) -> None:
        script = project.write("program.mjs", code.replace(URL, server.url.replace("http", "ws") + "/ws"))
        self.process = subprocess.Popen(
            [str(project.node), str(script)],
            cwd=project.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines: list[str] = []
        self._text = b""

    def prints(self, *wanted: str) -> None:
        """Wait for these lines, in any order, others between them."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not set(wanted) <= set(self.lines):
                assert selector.select(deadline - time.monotonic()), f"not {wanted}, but {self.lines}"
                piece = os.read(self.process.stdout.fileno(), 65536)
                assert piece, f"ended: {self.lines}"
                *lines, self._text = (self._text + piece).split(b"\n")
                self.lines += [line.decode() for line in lines]


@contextmanager
def running(project: Project, code: str, server: Server) -> Iterator[Running]:
    program = Running(project, code, server)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.communicate()


def test_it_is_node_20(project: Project) -> None:
    told = project.run(str(project.node), "-p", "process.version + typeof globalThis.WebSocket")
    assert re.fullmatch(r"v20\.\d+\.\d+undefined\n", told)


def test_the_pages_examples_do_in_node_what_they_say(project: Project, server: Server) -> None:
    posting, with_ws, careful = examples("js")
    with running(project, posting, server) as program:
        program.prints("Ana: Hello", "on the server's disk as number 1")
    with running(project, with_ws, server) as program:
        program.prints("here as Ana")
    with running(project, careful, server) as program:
        program.prints("1 message", "too_long")


GOING_ON = """
import { Chatroom } from "chatroom";

const chat = new Chatroom("wss://chat.example.org/ws", { name: "Node" });
const room = chat.join("lobby");
const heard = [];
room.on("message", ({ seq, text }) => { heard.push(seq); console.log(`heard ${text}`); });
chat.on("state", (state) => console.log(state));
for (let n = 1; n <= 30; n++) room.post(`early ${n}`).then(({ seq }) => console.log(`kept ${seq}`));
room.on("message", ({ text }) => {
  if (text !== "early 30" && text !== "late 5") return;
  console.log(heard.every((seq, index) => seq === heard[0] + index) ? "no gap" : `gap in ${heard}`);
  if (text === "late 5") chat.close();
  else for (let n = 1; n <= 5; n++) room.post(`late ${n}`);
});
"""


@pytest.mark.parametrize("with_class", [False, True], ids=["fetch", "ws"])
def test_in_node_a_crash_loses_and_doubles_nothing(
    project: Project, server: Server, with_class: bool
) -> None:
    code = GOING_ON
    if with_class:
        code = 'import WebSocket from "ws";\n' + code.replace('name: "Node"', 'name: "Node", WebSocket')
    with running(project, code, server) as program:
        program.prints("kept 3")
        server.kill()
        server.start()
        program.prints("heard early 30", "heard late 5", "no gap")
        assert program.process.wait(timeout=PATIENCE) == 0, "the program ends when it is done"
    said = [line for line in program.lines if line.startswith("heard")]
    wanted = [f"heard early {n}" for n in range(1, 31)] + [f"heard late {n}" for n in range(1, 6)]
    assert said == wanted


def test_the_pages_example_is_live_in_a_page_of_another_site(
    browser: Any, server: Server, other_site: Any
) -> None:
    folder, address = other_site
    server.stop()
    server.start("--origin", address)
    (script,) = examples("html")
    script = script.replace("https://chat.example.org", server.url)
    script = script.replace(
        "</script>", 'room.on("message", ({ text }) => console.log(`hello: ${text}`));\n</script>'
    )
    (folder / "index.html").write_text(f"<!doctype html><title>Mine</title>{script}")
    assert said_in(browser, address, lambda _page: None) == "hello: Hello"
