"""The `chatroom` command: finds what the first word asks for, and loads that alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from chatroom.domain.errors import ChatError
from chatroom.terminal import COULD_NOT, INTERRUPTED, Commands, Mistake, remark


class Part(NamedTuple):
    """One word that commands begin with. `module` has an `add_to` that adds them."""

    module: str
    what: str


PARTS = {
    "send": Part("chatroom.console.send", "post a message, or one a line of standard input"),
    "tail": Part("chatroom.console.tail", "show what is said in a room, and go on showing it"),
    "who": Part("chatroom.console.who", "show who is in a room now"),
    "rooms": Part("chatroom.console.rooms", "list the rooms"),
    "login": Part("chatroom.console.login", "log in once, and be known to the other commands from then on"),
    "logout": Part("chatroom.console.logout", "end what `chatroom login` began"),
    "doctor": Part("chatroom.console.doctor", "find out why a server is not reached, and what to do"),
    "user": Part("chatroom.administration.users", "accounts: who can log in"),
    "key": Part("chatroom.administration.keys", "API keys: what lets programs publish and read"),
    "room": Part("chatroom.administration.rooms", "rooms: what they are called and for whom they are"),
    "ban": Part("chatroom.administration.bans", "bans: who is kept out"),
    "invite": Part(
        "chatroom.administration.invitations", "make a link by which somebody can sign up, and print it"
    ),
    "webhook": Part("chatroom.administration.webhooks", "webhooks: who is told by HTTP what happens"),
    "backup": Part("chatroom.administration.backup", "copy the database into a file, also while it is used"),
    "restore": Part("chatroom.administration.restore", "put a backup in the database's place"),
    "epoch": Part(
        "chatroom.administration.epoch", "begin another life of a log that its PostgreSQL server lost part of"
    ),
    "migrate": Part("chatroom.administration.migrating", "take everything from one database to another"),
    "cert": Part("chatroom.administration.certificates", "make a self-signed certificate for development"),
    "completion": Part("chatroom.console.completion", "print what makes your shell complete these commands"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status (docs/command-line.md)."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser(given[0] if given else "").parse_args(given)
        options.action(options)
        sys.stdout.flush()
    except Mistake as error:
        return _fail(str(error), error.status)
    except ChatError as error:
        return _fail(error.message)
    except UnicodeEncodeError:
        return _fail("what was given is not text in UTF-8")
    except BrokenPipeError:
        # Whoever read it has read enough; nothing is to be flushed to them at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT
    except KeyboardInterrupt:
        remark("")
        return INTERRUPTED
    return 0


def parser(word: str | None = None) -> argparse.ArgumentParser:
    """What reads the command line. Of parts that begin with another `word` it knows the word alone;
    without one it knows all of them."""
    made = argparse.ArgumentParser(
        prog="chatroom",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Tools for a chatroom server, also while it runs. The server itself is started with:\n\n"
        "  twistd -n chatroom",
    )
    commands: Commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, part in PARTS.items():
        if word in (name, None):
            import_module(part.module).add_to(commands)
        else:
            commands.add_parser(name, help=part.what)
    return made


def _fail(message: str, status: int = COULD_NOT) -> int:
    if message:
        remark(f"chatroom: {message}")
    return status


if __name__ == "__main__":
    sys.exit(main())
