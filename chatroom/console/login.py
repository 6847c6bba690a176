"""`chatroom login`: makes a profile."""

from __future__ import annotations

import getpass
import sys

from chatroom import terminal
from chatroom.client import Client
from chatroom.client.address import address
from chatroom.console import profiles, running
from chatroom.console.profiles import Profile
from chatroom.domain import replies
from chatroom.terminal import Commands, Mistake, Options, remark


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "login",
        help="log in once, and be known to the other commands from then on",
        description="Log in, and keep that in a profile, which only you can read, for the other commands.",
    )
    parser.add_argument("url", metavar="URL", help="the server's page")
    parser.add_argument(
        "user", metavar="NAME", nargs="?", help="the account; asked for where it is not given"
    )
    parser.add_argument("--profile", metavar="NAME", default="default", help="what to call it (%(default)s)")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument(
        "--password-stdin", action="store_true", help="the password is the first line of standard input"
    )
    secret.add_argument(
        "--key-stdin", action="store_true", help="be a program: the first line of standard input is its key"
    )
    profiles.add_trust(parser)
    parser.set_defaults(action=_login)


def _login(options: Options) -> None:
    try:
        address(options.url)
    except ValueError as error:
        raise Mistake(str(error), terminal.MISUSED) from None
    profile = Profile(url=options.url, ca=options.ca, insecure=options.insecure)
    if options.key_stdin:
        if options.user is not None:
            raise Mistake("a key has its own name: leave NAME away", terminal.MISUSED)
        profile.key = _line("key")
        running.talk(profile, lambda client: _keep(client, options.profile, profile), agent="login")
    else:
        _with_password(options, profile)


def _with_password(options: Options, profile: Profile) -> None:
    if options.user is None and (options.password_stdin or not sys.stdin.isatty()):
        raise Mistake("whose password is it? Give the NAME after the URL", terminal.MISUSED)
    try:
        profile.name = options.user or input("Name: ")
        prompt = f"Password for {profile.name}: "
        password = _line("password") if options.password_stdin else getpass.getpass(prompt)
    except EOFError:
        raise Mistake("nothing was typed") from None
    running.talk(
        profile, lambda client: _keep(client, options.profile, profile), agent="login", password=password
    )


async def _keep(client: Client, name: str, profile: Profile) -> None:
    welcome: replies.Welcome = await client.start()
    if profile.key is None:
        profile.token = client.token
        profile.name = None
    profiles.save(name, profile)
    remark(f"{welcome.user.name} is logged in at {profile.url}: profile {name} in {profiles.path()}")


def _line(what: str) -> str:
    """The first line of standard input."""
    try:
        given = sys.stdin.buffer.readline(4096).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Mistake(f"the {what} is not text in UTF-8") from None
    if not given:
        raise Mistake(f"there is no {what} on standard input")
    return given
