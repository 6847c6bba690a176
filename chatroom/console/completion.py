"""`chatroom completion`: what makes a shell complete the words of these commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from chatroom.terminal import Commands, Options, say


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "completion",
        help="print what makes your shell complete these commands",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Print what makes your shell complete these commands; for ~/.bashrc:\n\n"
        '  eval "$(chatroom completion bash)"',
    )
    parser.add_argument("shell", choices=("bash", "zsh"))
    parser.set_defaults(action=_completion)


def _completion(options: Options) -> None:
    import shtab

    from chatroom.cli import parser

    made = parser()
    for action in _arguments(made):
        if action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    say(shtab.complete(made, options.shell).rstrip("\n"))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All that a parser and the parsers of its commands take."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for one in set(action.choices.values()):
                yield from _arguments(one)
