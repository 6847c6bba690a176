"""Installs the peers, each by itself: one that fails leaves the others standing, and a reason.

Python's go into their own environments, Node's into their own folder, all in build/peers; nginx
comes from apt, where this is Debian or a relative of it and we are root. Run again, it does what
is left to do.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from bench.peers.places import CROSSBAR, NODE, NODE_MODULES, OUTCOME, PLACE, PYTHON, nchan_module

PYTHON_PACKAGES = {"picows": "2.3.1", "uvloop": "0.23.0", "socketify": "0.0.31", "websockets": "17.4"}
NODE_PACKAGES = {"ws": "8.23.0", "socket.io": "4.8.4"}
CROSSBAR_VERSION = "26.10.1"
_PATIENCE = 600.0


class InstallError(Exception):
    """Why something cannot be had here; the end of what the installer said."""


def _run(command: list[str], where: Path | None = None, **environment: str) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=where,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{command[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise InstallError(f"{Path(command[0]).name}: {said[-1]}")
    return done.stdout + done.stderr


def _environment(place: Path) -> Path:
    """The interpreter of a virtual environment, made where there is none."""
    interpreter = place / "bin" / "python"
    if not interpreter.exists():
        _run([sys.executable, "-m", "venv", str(place)])
    return interpreter


def _pip(place: Path, name: str, version: str) -> str:
    interpreter = _environment(place)
    probe = f"from importlib.metadata import version; assert version({name!r}) == {version!r}"
    try:
        _run([str(interpreter), "-c", probe])
    except InstallError:
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, f"{name}=={version}"])
    return version


def _npm(name: str, version: str) -> str:
    manifest = NODE_MODULES / name / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
        NODE.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--no-audit", "--no-fund", "--silent", f"{name}@{version}"], NODE)
    return version


def _nchan() -> str:
    if not (nchan_module() and shutil.which("nginx")):
        if os.geteuid() or not shutil.which("apt-get"):
            raise InstallError("needs root and apt: apt-get install nginx-light libnginx-mod-nchan")
        _run(["apt-get", "update", "-qq"])
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        _run([*install, "nginx-light", "libnginx-mod-nchan"], DEBIAN_FRONTEND="noninteractive")
    nginx = re.search(r"nginx/([\d.]+)", _run(["nginx", "-v"]))
    module = re.search(r"Version: (\S+)", _run(["dpkg", "-s", "libnginx-mod-nchan"]))
    return f"{module[1] if module else '?'} in nginx {nginx[1] if nginx else '?'}"


def _steps() -> Iterable[tuple[str, Callable[[], str]]]:
    yield "nchan", _nchan
    for name, version in PYTHON_PACKAGES.items():
        yield name, partial(_pip, PYTHON, name, version)
    for name, version in NODE_PACKAGES.items():
        yield name, partial(_npm, name, version)
    yield "crossbar", partial(_pip, CROSSBAR, "crossbar", CROSSBAR_VERSION)


def install(say: Callable[[str], None]) -> bool:
    """Install what is missing, write down what came of it; whether all is there."""
    versions: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name, step in _steps():
        try:
            versions[name] = step()
            say(f"{name} {versions[name]}")
        except InstallError as error:
            failed[name] = str(error)
            say(f"{name} is not to be had: {error}")
    PLACE.mkdir(parents=True, exist_ok=True)
    OUTCOME.write_text(json.dumps({"versions": versions, "failed": failed}, indent=1) + "\n")
    return not failed
