"""Which server, and as whom: options, the environment, and profiles in ~/.config/chatroom."""

from __future__ import annotations

import argparse
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from chatroom.terminal import MISUSED, Mistake, Options, file_named, remark

DEFAULT_URL = "http://localhost:9000"
URL, KEY, PROFILE = "CHATROOM_URL", "CHATROOM_KEY", "CHATROOM_PROFILE"
"""The environment's names for the options."""


class Profile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A server, and who we are there."""

    url: str = DEFAULT_URL
    name: str | None = None
    token: str | None = None
    key: str | None = None
    ca: str | None = None
    insecure: bool = False


class Config(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The file. `default` is the profile that is meant where none is named."""

    default: str | None = None
    profiles: dict[str, Profile] = {}


def path() -> Path:
    """Where the file is (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "chatroom" / "config.toml"


def load() -> Config:
    """What the file says; nothing where there is none. Raises Mistake."""
    file = path()
    try:
        read = file.read_bytes()
        mode = file.stat().st_mode
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise Mistake(f"{file} cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        remark(f"chatroom: others can read the secrets in {file}: chmod 600 {file}")
    try:
        return msgspec.convert(tomllib.loads(read.decode()), Config)
    except (ValueError, msgspec.ValidationError) as error:
        raise Mistake(f"{file} is not as it should be: {error}") from None


def save(name: str, profile: Profile | None) -> None:
    """Write one profile (None: take it away); the first becomes the default. What else is in the
    file stays as it is, comments too. Raises Mistake."""
    import tomlkit  # slow to load, and needed here alone

    load()  # a file that is not understood is left alone
    file = path()
    try:
        document: Any = tomlkit.parse(file.read_text()) if file.exists() else tomlkit.document()
        if profile is not None:
            document.setdefault("default", name)
            document.setdefault("profiles", tomlkit.table(is_super_table=True))[name] = _written(profile)
        else:
            document.get("profiles", {}).pop(name, None)
            if document.get("default") == name:
                del document["default"]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(tomlkit.dumps(document))
        new.replace(file)
    except OSError as error:
        raise Mistake(f"{file} cannot be written: {error.strerror}") from None


def _written(profile: Profile) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.update({name: value for name, value in structs.asdict(profile).items() if value})
    return table


def add_to(parser: argparse.ArgumentParser) -> None:
    """The options that say which server, and as whom."""
    group = parser.add_argument_group("the server")
    group.add_argument("--url", metavar="URL", help=f"where it is: its page or its WebSocket [{URL}]")
    group.add_argument(
        "--key", metavar="KEY", help=f"an API key; others can see it in `ps`, so rather [{KEY}]"
    )
    group.add_argument(
        "--name", metavar="NAME", help="the name of a guest, where no key and no login is given"
    )
    group.add_argument("--profile", metavar="NAME", help=f"one that `chatroom login` has made [{PROFILE}]")
    add_trust(group)


def add_trust(group: Any) -> None:
    """The options that say which certificates are believed."""
    trust = group.add_mutually_exclusive_group()
    ca = trust.add_argument("--ca", metavar="FILE", help="believe the certificates in this PEM file alone")
    file_named(ca)
    trust.add_argument("--insecure", action="store_true", help="believe any certificate: for development")


def chosen(options: Options) -> Profile:
    """What options, environment and profile come to, in that order. A profile's secrets are shown to
    the profile's own server alone. Raises Mistake."""
    config = load()
    asked = options.profile or os.environ.get(PROFILE)
    name = asked or config.default
    kept = config.profiles.get(name or "")
    if asked and kept is None:
        known = ", ".join(sorted(config.profiles)) or "none yet"
        raise Mistake(f"there is no profile {asked}: there are {known}; `chatroom login` makes one", MISUSED)
    url = options.url or (None if options.profile else os.environ.get(URL))
    ours = kept is not None and url in (None, kept.url)
    found = kept if kept is not None and ours else Profile(url=url or DEFAULT_URL)
    key = options.key or (None if options.profile else os.environ.get(KEY))
    if key is not None:
        found = structs.replace(found, key=key, token=None, name=None)
    if options.name is not None:
        found = structs.replace(found, name=options.name, token=None, key=None)
    if options.ca is not None or options.insecure:
        found = structs.replace(found, ca=options.ca, insecure=options.insecure)
    return found
