"""The options of `twistd chatroom`: what they mean, and what is said of mistakes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatroom.domain.limits import UNMETERED, Limits
from chatroom.options import Options, load_app


def settled(*argv: str) -> Options:
    """What these options mean."""
    options = Options()
    options.parseOptions(list(argv))
    return options


def mistake(*argv: str) -> str:
    """The line that these options end the program with."""
    with pytest.raises(SystemExit) as ended:
        settled(*argv)
    said = ended.value.code
    assert isinstance(said, str)
    assert said.startswith("chatroom: ")
    assert "\n" not in said
    return said.removeprefix("chatroom: ")


def test_without_any_it_is_a_room_for_everybody_on_port_9000(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = settled()
    assert options.endpoints == ["tcp:9000"]
    assert options.data == tmp_path / "chatroom-data"
    assert options.store_url == f"sqlite:///{tmp_path}/chatroom-data/chatroom.sqlite3"
    assert options["guests"] == "yes"
    assert (options["sign-up"], options["create-rooms"]) == ("invited", "everyone")
    assert (options.trusted_proxies, options.hosts) == ([], [])
    assert {options[name] for name in ("jwt-key", "jwt-jwks", "jwt-audience", "jwt-issuer")} == {None}
    assert options.limits == Limits()
    assert (options.app, options.origins, options["compliance"]) == (None, [], 0)
    assert (options["node"], options.drain) == (None, 0)


def test_what_may_be_repeated_adds_up() -> None:
    options = settled(
        *("--endpoint", "tcp:1", "--endpoint=unix:/x", "--origin", "https://a.example", "--origin=null"),
        *("--limit", "connections=3", "--limit=text_length=9", "--limit", "connections=4"),
        *(
            "--trusted-proxy=10.0.0.0/8",
            "--trusted-proxy",
            "unix",
            "--host=a.example",
            "--host",
            "*.b.example",
        ),
    )
    assert options.trusted_proxies == ["10.0.0.0/8", "unix"]
    assert options.hosts == ["a.example", "*.b.example"]
    assert options.endpoints == ["tcp:1", "unix:/x"]
    assert options.origins == ["https://a.example", "null"]
    assert (options.limits.connections, options.limits.text_length) == (4, 9)


def test_no_limits_takes_off_rates_and_counts_but_those_that_are_set() -> None:
    limits = settled("--no-limits", "--limit=posts_per_second=7").limits
    assert limits.posts_per_second == 7
    for name in UNMETERED - {"posts_per_second"}:
        assert getattr(limits, name) == 0
    assert limits.message_bytes == Limits().message_bytes


def test_a_sites_own_tokens_are_checked_with_a_key_or_with_published_ones(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("not a secret, but forty characters long")
    assert settled(f"--jwt-key={key}", "--jwt-audience=chat", "--jwt-issuer=site")["jwt-key"] == str(key)
    assert settled(f"--jwt-key={key}", "--jwt-roles")["jwt-roles"]
    key.write_text("too short")
    assert mistake(f"--jwt-key={key}").startswith(f"--jwt-key: the secret in {key} has 9 characters; ")
    for url in ("https://a.example/jwks", "http://localhost:8000/jwks", "http://[::1]/jwks"):
        assert settled(f"--jwt-jwks={url}", "--jwt-audience=chat")["jwt-jwks"] == url


def test_the_data_folder_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settled("--data=~/chat").data == tmp_path / "chat"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--limit=foo"], "--limit takes name=value with one of these names: message_bytes, "),
        (["--limit=nosuch=1"], "--limit takes name=value with one of these names: message_bytes, "),
        (["--limit=text_length=x"], "--limit text_length takes a whole number from 0 (no limit) up, not 'x'"),
        (["--limit=text_length=-1"], "--limit text_length takes a whole number from 0 "),
        (["--limit=text_length=1.5"], "--limit text_length takes a whole number from 0 "),
        (["--limit=hello_timeout=nan"], "--limit hello_timeout takes a number from 0 "),
        (["--limit=hello_timeout=inf"], "--limit hello_timeout takes a number from 0 "),
        (["--limit=hello_timeout="], "--limit hello_timeout takes a number from 0 "),
        (["--drain=soon"], "--drain takes seconds, from 0 to 3600, not 'soon'"),
        (["--drain=-1"], "--drain takes seconds, from 0 to 3600, not '-1'"),
        (["--drain=nan"], "--drain takes seconds, from 0 to 3600, not 'nan'"),
        (["--drain="], "--drain takes seconds, from 0 to 3600, not ''"),
        (["--node="], "--node takes 1 to 64 letters, digits, '_', '-' and '.', not ''"),
        (["--node=two\r\nSet-Cookie: a=b"], "--node takes 1 to 64 letters, "),
        (["--node=n\u00f6rd"], "--node takes 1 to 64 letters, "),
        (["--node=" + "n" * 65], "--node takes 1 to 64 letters, "),
        (["--guests=maybe"], "--guests is yes or no, not 'maybe'"),
        (["--guests="], "--guests is yes or no, not ''"),
        (["--sign-up=maybe"], "--sign-up is open, invited or closed, not 'maybe'"),
        (["--sign-up="], "--sign-up is open, invited or closed, not ''"),
        (["--create-rooms=owners"], "--create-rooms is everyone, members or moderators, not 'owners'"),
        (["--origin=friend.example"], "--origin takes an origin such as https://example.org or "),
        (["--trusted-proxy=proxy"], "--trusted-proxy takes an address or network such as 127.0.0.1 or "),
        (["--trusted-proxy=10.0.0.1/8"], "--trusted-proxy takes an address or network such as 127.0.0.1 or "),
        (["--host=https://a.example"], "--host takes a name such as chat.example.org or *.example.org, "),
        (["--jwt-key=none.pem"], "--jwt-key: none.pem: No such file or directory"),
        (["--jwt-key=/"], "--jwt-key: /: Is a directory"),
        (["--jwt-key="], "--jwt-key takes a value; leave it out where there is none"),
        (["--jwt-key=a\0b"], "--jwt-key: embedded null byte"),
        (["--jwt-roles"], "--jwt-roles goes with --jwt-key or --jwt-jwks, "),
        (["--jwt-key=x", "--jwt-jwks=https://a.example/jwks"], "--jwt-key and --jwt-jwks both say where "),
        (["--jwt-jwks=https://a.example/jwks"], "--jwt-jwks goes with --jwt-audience: "),
        (["--jwt-jwks=http://a.example/jwks", "--jwt-audience=x"], "--jwt-jwks takes a URL such as https://"),
        (["--jwt-jwks=", "--jwt-audience=x"], "--jwt-jwks takes a value; leave it out where there is none"),
        (["--jwt-jwks=https://[a", "--jwt-audience=x"], "--jwt-jwks takes a URL such as https://"),
        (["--jwt-jwks=https://a:x/", "--jwt-audience=x"], "--jwt-jwks takes a URL such as https://"),
        (["--jwt-audience=x"], "--jwt-audience goes with --jwt-key or --jwt-jwks, "),
        (["--jwt-issuer=x"], "--jwt-issuer goes with --jwt-key or --jwt-jwks, "),
        (["--jwt-key=x", "--jwt-issuer="], "--jwt-issuer takes a value; leave it out where there is none"),
        (["--data="], "--data takes a folder"),
        (["--data=~nobodyhasthisname/x"], "--data ~nobodyhasthisname/x: "),
        (["extra", "words"], "'extra' is no option; twistd chatroom --help shows them"),
        (["--app=sala"], "--app is module:Class, as in --app sala:Sala, not 'sala'"),
        (["--app=:X"], "--app is module:Class, as in --app sala:Sala, not ':X'"),
        (["--app=sala:"], "--app is module:Class, as in --app sala:Sala, not 'sala:'"),
    ],
)
def test_a_mistake_is_one_line(argv: list[str], said: str) -> None:
    assert mistake(*argv).startswith(said)


class TestApp:
    """--app module:Class."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The current one, with nothing in it that is imported already."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "modules", dict(sys.modules))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return tmp_path

    def test_a_class_beside_the_command_is_found(self, folder: Path) -> None:
        (folder / "mine.py").write_text("import chatroom\nclass Mine(chatroom.Room): pass\n")
        app = settled("--app=mine:Mine").app
        assert app is not None
        assert app.__name__ == "Mine"

    def test_a_module_that_is_not_there(self, folder: Path) -> None:
        where = f"in {folder} or among the installed ones"
        assert mistake("--app=nosuch:X") == f"--app: there is no module nosuch {where}"
        assert mistake("--app=nosuch.inner:X") == f"--app: there is no module nosuch {where}"

    def test_a_module_that_wants_another_one(self, folder: Path) -> None:
        (folder / "wanting.py").write_text("import nosuch_either\n")
        assert mistake("--app=wanting:X") == (
            "--app: wanting wants a module that is not installed: nosuch_either"
        )

    def test_a_module_that_fails_says_where(self, folder: Path) -> None:
        (folder / "failing.py").write_text("\n1 / 0\n")
        assert mistake("--app=failing:X") == (
            "--app: failing cannot be imported: ZeroDivisionError: division by zero"
            f" ({folder}/failing.py, line 2)"
        )

    def test_a_module_that_is_no_python(self, folder: Path) -> None:
        (folder / "broken.py").write_text("class\n")
        said = mistake("--app=broken:X")
        assert said.startswith("--app: broken cannot be imported: SyntaxError: ")
        assert said.endswith(f" ({folder}/broken.py, line 1)")

    def test_what_is_no_room(self) -> None:
        assert mistake("--app=os:nothing") == "--app: there is no nothing in os"
        assert mistake("--app=os:path") == "--app: os:path is not a subclass of chatroom.Room"
        assert mistake("--app=pathlib:Path") == "--app: pathlib:Path is not a subclass of chatroom.Room"

    def test_the_current_folder_is_looked_in_once(self, folder: Path) -> None:
        for _ in range(2):
            load_app("chatroom:Room")
        assert sys.path.count(str(folder)) == 1


def test_help_is_whole_sentences_with_examples_and_defaults() -> None:
    said = " ".join(Options().getUsage(width=80).split())
    for phrase in (
        "With no options: a room for everybody at http://localhost:9000, kept in the folder ./chatroom-data.",
        "tcp:9000, ssl:9443:privateKey=key.pem, unix:/run/chatroom.sock",
        "[default: tcp:9000]",
        "[default: sqlite:///DATA/chatroom.sqlite3]",
        "https://example.org, https://*.example.org, null (local files), * (any)",
        "Whether people without an account are let in: yes or no. [default: yes]",
        "Who may make an account: open (anybody), invited (who has a link from a moderator) or closed."
        " [default: invited]",
        "Who may make rooms: everyone, members or moderators. [default: everyone]",
        "its X-Forwarded-For and X-Forwarded-Proto are believed; repeatable. 127.0.0.1, 10.0.0.0/8",
        "chat.example.org, *.example.org [default: any name]",
        "Set one limit, as name=value; 0 takes it off; repeatable.",
        ", ".join(Limits.__struct_fields__),
    ):
        assert phrase in said


def test_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"chatroom": "1.2.3"}[name])
    with pytest.raises(SystemExit) as ended:
        settled("--version")
    assert not ended.value.code
    assert capsys.readouterr().out == "chatroom 1.2.3\n"


def test_networks_that_webhooks_may_be_sent_to() -> None:
    assert settled().webhook_networks == []
    options = settled("--webhook-allow", "127.0.0.1", "--webhook-allow", "10.0.0.0/8")
    assert options.webhook_networks == ["127.0.0.1", "10.0.0.0/8"]
    assert mistake("--webhook-allow", "example.org").startswith("--webhook-allow takes an address")
