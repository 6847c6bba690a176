"""Finding a Python 2.7: what only looks like one is passed over."""

from pathlib import Path

import pytest

from . import engines, python27
from .engines import NoEngineError, choose


def interpreter(path: Path, prints: str, status: int = 0) -> Path:
    """An executable that prints this and exits, whatever it is told to run."""
    path.write_text(f"#!/bin/sh\nprintf '%s' '{prints}'\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def search_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the whole search path: no pyenv, no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CHATROOM_PYTHON27", raising=False)
    return folder


def test_none_at_all(search_path: Path) -> None:
    with pytest.raises(python27.NoPython27Error, match="CHATROOM_PYTHON27"):
        python27.find()


@pytest.mark.parametrize(("prints", "status"), [("", 0), ("", 127), ("3.11", 0)])
def test_a_launcher_with_nothing_behind_it_is_passed_over(
    search_path: Path, prints: str, status: int
) -> None:
    interpreter(search_path / "python2.7", prints, status)
    real = interpreter(search_path / "python2", "2.7")
    assert python27.find() == real


def test_the_one_named_goes_first(search_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter(search_path / "python2.7", "2.7")
    named = interpreter(search_path.parent / "mine", "2.7")
    monkeypatch.setenv("CHATROOM_PYTHON27", str(named))
    assert python27.find() == named


def test_pyenv_is_asked(search_path: Path) -> None:
    root = search_path.parent / "pyenv"
    (root / "versions" / "2.7.18" / "bin").mkdir(parents=True)
    kept = interpreter(root / "versions" / "2.7.18" / "bin" / "python2.7", "2.7")
    interpreter(search_path / "pyenv", str(root))
    assert python27.find() == kept


def test_an_environment_that_is_there_is_used_as_it_is(search_path: Path, tmp_path: Path) -> None:
    interpreter(search_path / "python2.7", "2.7")
    packages = tmp_path / "cache" / f"wstest-{python27._fingerprint(python27.find())}"
    packages.mkdir(parents=True)
    found = python27.environment(tmp_path / "cache")
    assert found.packages == packages
    assert found.variables()["PYTHONPATH"] == str(packages)


def test_the_second_of_two_makers_leaves_the_first_ones_environment(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "made-by").write_text(name, encoding="utf-8")
        python27._put_in_place(tmp_path / name, tmp_path / "packages")
    assert (tmp_path / "packages" / "made-by").read_text(encoding="utf-8") == "first"


def test_without_one_kosoku_is_taken_and_said_so(
    search_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: name == "kosoku" or None)
    assert choose("auto").name == "kosoku"
    assert "wstest cannot run here" in capsys.readouterr().out
    with pytest.raises(NoEngineError, match=r"no Python 2\.7"):
        choose("wstest")


def test_without_either_there_is_no_engine(search_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(NoEngineError, match="kosoku is not installed"):
        choose("auto")
