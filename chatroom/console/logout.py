"""`chatroom logout`: what `chatroom login` has made, taken back."""

from __future__ import annotations

import os
from collections.abc import Mapping

from chatroom import terminal
from chatroom.client import Refused
from chatroom.client.address import address
from chatroom.console import profiles, running
from chatroom.console.profiles import Config, Profile
from chatroom.domain import commands, replies
from chatroom.terminal import Commands, Mistake, Options, remark


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "logout",
        help="end what `chatroom login` began",
        description="End a login on its server, and forget its profile. Without URL and --profile it is the"
        " profile that the other commands use.",
    )
    parser.add_argument("url", metavar="URL", nargs="?", help="end all that are at this server")
    parser.add_argument("--profile", metavar="NAME", help=f"the one of that name [{profiles.PROFILE}]")
    parser.add_argument(
        "--forget",
        action="store_true",
        help="do not ask the server, which is no more: there, a login lasts for 30 days",
    )
    parser.set_defaults(action=_logout)


def _logout(options: Options) -> None:
    meant = _meant(options, profiles.load())
    if options.forget or all(profile.token is None for profile in meant.values()):
        for name, profile in meant.items():
            _forget(name, profile)
    else:
        running.run(_log_out_all(meant))


def _meant(options: Options, config: Config) -> Mapping[str, Profile]:
    """Which profiles are to end. Raises Mistake where there is none."""
    if options.url is not None:
        found = {name: one for name, one in config.profiles.items() if _same(one.url, options.url)}
        asked = f"at {options.url}"
    else:
        name = options.profile or os.environ.get(profiles.PROFILE) or config.default or ""
        found = {name: config.profiles[name]} if name in config.profiles else {}
        asked = f"called {name}" if name else "that is the default"
    if options.profile is not None:
        found = {name: one for name, one in found.items() if name == options.profile}
    if not found:
        known = ", ".join(sorted(config.profiles)) or "none"
        raise Mistake(f"there is no profile {asked}; there are: {known}", terminal.MISUSED)
    return found


def _same(kept: str, asked: str) -> bool:
    try:
        wanted = address(asked)
    except ValueError as error:
        raise Mistake(str(error), terminal.MISUSED) from None
    try:
        return address(kept) == wanted
    except ValueError:
        return False


async def _log_out_all(meant: Mapping[str, Profile]) -> None:
    for name, profile in meant.items():
        if profile.token is not None:
            await _log_out(profile)
        _forget(name, profile)


async def _log_out(profile: Profile) -> None:
    client = running.client_of(profile, agent="logout")
    try:
        await client.start(attempts=1)
        await client.ask(commands.Logout(), replies.Reply)
    except Refused as error:
        # It has ended already: by its time, or from another device.
        if error.code != "bad_token":
            raise
    finally:
        await client.stop()


def _forget(name: str, profile: Profile) -> None:
    profiles.save(name, None)
    if profile.key is not None:
        remark(f"profile {name} is forgotten; its key is good until it is revoked: `chatroom key revoke`")
    else:
        remark(f"logged out of {profile.url}: profile {name} is forgotten")
