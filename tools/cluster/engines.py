"""PostgreSQL and Redis, as a cluster's nodes need them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from .part import Part
from .place import HOST, Mistake, Place

USER, DATABASE = "chat", "chat"
"""Both engines' user, and PostgreSQL's database."""

_ACL = "resetchannels &chatroom:* -@all +hello +ping +publish +subscribe +unsubscribe"
"""All that the bus needs (docs/scaling.md)."""

_WHERE = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def program(name: str, package: str) -> Path:
    """Where a program is. Raises Mistake."""
    found = shutil.which(name, path=_WHERE)
    if found is None:
        raise Mistake(f"{name} is not installed: on Debian, as root, apt-get install {package}")
    return Path(found)


def postgresql(place: Place) -> Part:
    """PostgreSQL, with an empty database in the folder at the first start. Raises Mistake."""
    programs, user = _programs(), _user(place)
    passwords = place.secret("pgpass", f"{HOST}:*:*:{USER}:{{}}")
    folder = place.folder / "postgresql"
    if not folder.exists():
        password = place.private("password.new", passwords.read_text().strip().rpartition(":")[2])
        _make(programs, folder, password, user)
    settings = {"listen_addresses": HOST, "port": place.postgresql, "unix_socket_directories": ""}
    return Part(
        "PostgreSQL",
        f"{HOST}:{place.postgresql}",
        [programs / "postgres", "-D", folder, *[f"--{name}={value}" for name, value in settings.items()]],
        lambda: _has_database(place.postgresql, passwords),
        place.log("PostgreSQL"),
        folder=folder,
        # Fast: connections are closed, and nothing is left to be recovered.
        farewell=signal.SIGINT,
        user=user,
    )


def redis(place: Place) -> Part:
    """Redis, which keeps nothing, and whose one user may do what the bus does. Raises Mistake."""
    server = program("redis-server", "redis-server")
    password = place.secret("redis.password").read_text().strip()
    lines = [
        f"bind {HOST}",
        f"port {place.redis}",
        'save ""',
        f'dir "{place.folder}"',
        "user default off",
        f"user {USER} on >{password} {_ACL}",
    ]
    settings = place.private("redis.conf", "\n".join(lines) + "\n")
    return Part(
        "Redis",
        f"{HOST}:{place.redis}",
        [server, settings],
        lambda: _listens(place.redis),
        place.log("Redis"),
        folder=place.folder,
    )


def _programs() -> Path:
    """Where PostgreSQL's programs are: of several versions, the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else program("initdb", "postgresql").resolve().parent


def _user(place: Place) -> tuple[int, int] | None:
    """Who runs PostgreSQL: as root, which it refuses, somebody else. Raises Mistake."""
    if os.getuid() != 0:
        return None
    try:
        them = pwd.getpwnam("postgres")
    except KeyError:
        raise Mistake(
            "PostgreSQL does not run as root, and there is no user postgres: make one, or run this"
            " as somebody else"
        ) from None
    for folder in place.folder.parents:
        if not folder.stat().st_mode & 0o001:
            raise Mistake(
                f"PostgreSQL does not run as root, and its user postgres cannot go into {folder}: name a"
                ' folder elsewhere, as in make cluster ARGS="--data /var/tmp/cluster-data"'
            )
    return them.pw_uid, them.pw_gid


def _make(programs: Path, folder: Path, password: Path, user: tuple[int, int] | None) -> None:
    """An empty database. It gets its name when it is whole."""
    making = folder.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    as_them: dict[str, Any] = {}
    if user is not None:
        for path in (making, password):
            os.chown(path, *user)
        as_them = {"user": user[0], "group": user[1], "extra_groups": []}
    options = ["--encoding=UTF8", "--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}"]
    done = subprocess.run(
        [programs / "initdb", *options, *_locale(), f"--pgdata={making}"],
        cwd=making,
        capture_output=True,
        text=True,
        check=False,
        **as_them,
    )
    password.unlink()
    if done.returncode:
        raise Mistake(f"PostgreSQL's database cannot be made:\n{done.stderr.strip()}")
    making.rename(folder)


def _locale() -> list[str]:
    """One that knows every alphabet's capitals, where there is one that every machine has."""
    return ["--locale=C.UTF-8"] if os.uname().sysname == "Linux" else []


def _has_database(port: int, passwords: Path) -> bool:
    """Whether PostgreSQL answers; the nodes' database is made where it is not there."""
    import psycopg

    where: dict[str, Any] = {"host": HOST, "port": port, "user": USER, "passfile": str(passwords)}
    try:
        with psycopg.connect(**where, dbname="postgres", autocommit=True, connect_timeout=2) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
