"""`twistd -n chatroom` is found from a wheel, from an editable install and from the checkout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from websockets.sync.client import unix_connect

CHECKOUT = Path(__file__).parents[2]
PROGRAM = "from twisted.scripts.twistd import run; run()"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command prints; it must succeed. No PYTHONPATH but the one that is asked for."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what is committed or about to be, built from a copy without build leftovers."""
    source = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=CHECKOUT).splitlines()
    for name in listed:
        original, copy = CHECKOUT / name, source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if original.is_symlink():
            copy.symlink_to(original.readlink())
        elif original.is_file():
            copy.write_bytes(original.read_bytes())
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, cwd=folder)
    (built,) = folder.glob("chatroom-*.whl")
    return built


def test_the_wheel_holds_the_plugin_the_web_client_and_every_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"twisted/plugins/chatroom_plugin.py", "chatroom/py.typed"}
    wanted |= {f"chatroom/web/{path.name}" for path in (CHECKOUT / "web").iterdir() if path.is_file()}
    wanted |= {
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / "chatroom").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert wanted <= held, sorted(wanted - held)


def test_the_wheel_leaves_nothing_in_the_way_of_twisteds_own_packages(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in held if name.startswith("twisted/") and name.endswith("__init__.py")]
    assert not [name for name in held if "dropin.cache" in name or name.startswith("tests")]


def test_a_fresh_environment_chats_through_the_wheel(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    run(home / "bin/python", "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    assert "chatroom" in run(home / "bin/twistd", "--help", cwd=tmp_path)
    assert "cert" in run(home / "bin/chatroom", "--help", cwd=tmp_path)
    socket = tmp_path / "door"
    command = [home / "bin/twistd", "--pidfile=", "-n", "chatroom", "--endpoint", f"unix:{socket}"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert any("open" in line for line in iter(server.stdout.readline, ""))
            page = run("curl", "-sS", "--unix-socket", socket, "http://localhost/", cwd=tmp_path)
            assert "<!doctype html>" in page.lower()
            chat_on(socket)
        finally:
            server.terminate()
            server.stdout.read()
        # twistd shuts down in order, and then ends by the signal that asked it to.
        assert server.wait(30) == -signal.SIGTERM


def chat_on(path: Path) -> None:
    """Two plain connections on a Unix socket: what one says reaches the other."""
    with (
        unix_connect(str(path), "ws://localhost/?name=Ana") as ana,
        unix_connect(str(path), "ws://localhost/?name=Bob") as bob,
    ):
        # Bob is there once his own post has come to Ana.
        bob.send("here")
        assert ana.recv(timeout=30) == "here"
        ana.send("hello")
        assert bob.recv(timeout=30) == "hello"


def test_an_editable_install_is_found_outside_the_checkout(tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True, system_site_packages=False)
    (site,) = home.glob("lib/python*/site-packages")
    # The dependencies are those of the environment that runs the tests; only chatroom is installed.
    mine = Path(next(p for p in sys.path if p.endswith("site-packages")))
    (site / "borrowed.pth").write_text(f"{mine}\n")
    run(home / "bin/python", "-m", "pip", "install", "-q", "--no-deps", "-e", CHECKOUT, cwd=tmp_path)
    shown = run(home / "bin/python", "-c", PROGRAM, "--help", cwd=tmp_path)
    assert "chatroom" in shown
    found = run(home / "bin/python", "-c", "import chatroom; print(chatroom.__file__)", cwd=tmp_path)
    assert Path(found.strip()).parent == CHECKOUT / "chatroom"


def test_the_checkout_itself_is_enough(tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages")
    for entry in Path(next(p for p in sys.path if p.endswith("site-packages"))).iterdir():
        # Everything that is installed here but chatroom itself, editable or not.
        if "chatroom" not in entry.name:
            (site / entry.name).symlink_to(entry)
    shown = run(home / "bin/python", "-c", PROGRAM, "--help", cwd=tmp_path, PYTHONPATH=str(CHECKOUT))
    assert "chatroom" in shown
    missing = run(home / "bin/python", "-c", PROGRAM, "--help", cwd=tmp_path)
    assert "A chat room" not in missing
