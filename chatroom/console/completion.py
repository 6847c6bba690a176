"""`chatroom completion`: what makes a shell complete the words of these commands."""

from __future__ import annotations

import argparse

import shtab

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
    from chatroom.cli import parser  # which knows all commands, this one too

    say(shtab.complete(parser(), options.shell).rstrip("\n"))
