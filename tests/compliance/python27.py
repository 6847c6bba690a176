"""Finds a Python 2.7 and makes, once, the environment in which the original suite runs.

The suite (wstest) is Python 2.7 code and will stay so. Its packages go into a folder of the
checkout that Python 2.7 is pointed at; nothing is installed into the interpreter itself.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .checkout import BUILD

REQUIREMENTS = Path(__file__).with_name("requirements-py27.txt")
CACHE = BUILD / "py27"

# The last pip for Python 2.7. Its wheel runs as it is, so that it does not matter which pip the
# interpreter has, if any.
PIP = "pip==20.3.4"

PROBE = "import ssl, sys, zlib; sys.stdout.write('%d.%d' % sys.version_info[:2])"
PROBE_SECONDS = 30
INSTALL_SECONDS = 900


class NoPython27Error(Exception):
    """No Python 2.7 on this machine, or one in which the suite could not be installed."""


@dataclass(frozen=True)
class Environment:
    """An interpreter, and the folder with the suite and all it needs."""

    interpreter: Path
    packages: Path

    def variables(self) -> dict[str, str]:
        """This process's environment variables, with the packages in the place of any other."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return kept | {"PYTHONPATH": str(self.packages)}


def environment(cache: Path = CACHE) -> Environment:
    """The environment, made now if it is not there yet (about a minute; needs the package index).

    Two processes may do this at once: each builds under a name of its own, the first to finish
    renames its folder into place, the other one uses that. NoPython27Error says what is lacking.
    """
    interpreter = find()
    packages = cache / f"wstest-{_fingerprint(interpreter)}"
    if not packages.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=cache) as making:
            _install(interpreter, Path(making))
            _put_in_place(Path(making) / "packages", packages)
    return Environment(interpreter, packages)


def find() -> Path:
    """The first interpreter that really is a Python 2.7 with ssl and zlib, or NoPython27Error.

    $CHATROOM_PYTHON27 is asked first, then the versions pyenv keeps, then the search path. Each is
    made to run code: a `python2.7` on the path may be a launcher with nothing behind it.
    """
    for candidate in _candidates():
        if _is_python27(candidate):
            return candidate
    raise NoPython27Error("no Python 2.7 found (CHATROOM_PYTHON27 may name one)")


def _candidates() -> Iterator[Path]:
    named = os.environ.get("CHATROOM_PYTHON27")
    if named:
        yield Path(named)
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
        if root.returncode == 0:
            yield from sorted(Path(root.stdout.strip()).glob("versions/2.7*/bin/python2.7"))
    for name in ("python2.7", "python2"):
        found = shutil.which(name)
        if found:
            yield Path(found)


def _is_python27(interpreter: Path) -> bool:
    try:
        probe = subprocess.run(
            [interpreter, "-c", PROBE], capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.stdout == b"2.7"


def _fingerprint(interpreter: Path) -> str:
    # Another interpreter may want other binaries, other requirements certainly do.
    text = f"{interpreter.resolve()}\n{REQUIREMENTS.read_text(encoding='utf-8')}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _install(interpreter: Path, making: Path) -> None:
    print(f"making the Python 2.7 environment of wstest with {interpreter.name} ...", flush=True)
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(making)]
    _run([*fetch, "--python-version", "2.7", "--only-binary", ":all:", PIP], making)
    (wheel,) = making.glob("pip-*.whl")
    packages = making / "packages"
    install = [str(interpreter), str(wheel / "pip"), "install", "--quiet", "--target", str(packages)]
    _run([*install, "--requirement", str(REQUIREMENTS)], making)
    # zope.interface comes with a .pth file, which is not read outside site-packages.
    (packages / "zope" / "__init__.py").touch()


def _run(command: list[str], folder: Path) -> None:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoPython27Error(f"pip was not done after {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        reason = done.stderr.strip()[-600:]
        raise NoPython27Error(f"a Python 2.7 is there, but pip failed: {reason}")


def _put_in_place(made: Path, packages: Path) -> None:
    try:
        made.rename(packages)
    except OSError:
        # Another process was faster: a folder with something in it is never replaced.
        if not packages.is_dir():
            raise
