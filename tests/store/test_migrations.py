"""The migrations make the tables that the code works with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, text

from chatroom.domain.accounts import RoomRecord
from chatroom.store import migrations
from chatroom.store.opening import open_engines
from chatroom.store.tables import metadata

from .drafts import edited, said
from .keeping import OnDisk

PRAGMAS = ("table_xinfo", "index_list", "foreign_key_list")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """To an empty database."""
    engine = create_engine(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def config(connection: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(migrations.__file__).parent))
    made.attributes["connection"] = connection
    return made


def differences(connection: Connection, wanted: MetaData) -> list[Any]:
    # What is there for searching is made of the rest whenever it is missing.
    ours = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("search_")}
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, **ours}
    )
    return compare_metadata(context, wanted)


def schema(connection: Connection) -> dict[str, Any]:
    """Everything about the tables that the names of constraints do not hide."""
    listed = connection.execute(text("PRAGMA table_list")).all()
    made: dict[str, Any] = {}
    for row in listed:
        if row.name.startswith(("sqlite_", "alembic_")):
            continue
        made[row.name] = (
            (row.wr, row.strict),
            *(
                sorted(tuple(found[1:]) for found in connection.execute(text(f"PRAGMA {pragma}({row.name})")))
                for pragma in PRAGMAS
            ),
        )
    partial = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")
    )
    return made | {row.name: " ".join(row.sql.replace('"', "").split()) for row in partial}


def test_the_steps_are_one_line():
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_the_migrations_make_the_tables(connection):
    command.upgrade(config(connection), "head")
    assert differences(connection, metadata) == []


def test_the_comparison_sees_a_column_that_no_migration_makes(connection):
    command.upgrade(config(connection), "head")
    wanted = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(wanted)
    Table("room", wanted, Column("colour", Text), extend_existing=True)
    assert [found[0] for found in differences(connection, wanted)] == ["add_column"]


def test_the_migrations_make_exactly_what_the_tables_would(connection, tmp_path):
    command.upgrade(config(connection), "head")
    engine = create_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    metadata.create_all(engine)
    with engine.connect() as other:
        wanted = schema(other)
    engine.dispose()
    indexes = {index.name for table in metadata.tables.values() for index in table.indexes}
    assert set(wanted) == {*metadata.tables, *indexes}
    assert schema(connection) == wanted


def test_each_step_can_be_taken_back_and_again(connection):
    steps = config(connection)
    command.upgrade(steps, "head")
    wanted = schema(connection)
    for _ in ScriptDirectory.from_config(steps).walk_revisions():
        command.downgrade(steps, "-1")
        command.upgrade(steps, "+1")
        assert schema(connection) == wanted
        command.downgrade(steps, "-1")
        wanted = schema(connection)
    assert schema(connection) == {}
    command.upgrade(steps, "head")
    assert differences(connection, metadata) == []


def test_a_database_taken_back_to_nothing_can_be_opened(connection, tmp_path):
    command.upgrade(config(connection), "head")
    command.downgrade(config(connection), "base")
    connection.commit()
    writing, reading = open_engines(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    writing.dispose()
    reading.dispose()
    assert differences(connection, metadata) == []


def test_upgrading_keeps_what_is_there(connection, tmp_path):
    command.upgrade(config(connection), "0001")
    for statement in (
        "INSERT INTO meta VALUES ('epoch', 'e1')",
        "INSERT INTO room VALUES ('lobby', 'lobby', 'public', 2)",
        "INSERT INTO event VALUES ('lobby', 1, 1000, 'message', 'g1', 'Ana', 'k', NULL, NULL)",
        "INSERT INTO message VALUES ('lobby', 1, 'hello', 2000, 0)",
        "INSERT INTO event VALUES ('lobby', 2, 2000, 'edited', 'g1', 'Ana', NULL, 1, NULL)",
    ):
        connection.execute(text(statement))
    connection.commit()
    for _ in range(2):
        kept = OnDisk(tmp_path)
        try:
            assert kept.store.epoch == "e1"
            page = kept.wait(kept.store.after("lobby", 0, 10))
            assert kept.wait(kept.store.registry.room("lobby")) == RoomRecord("lobby", "lobby", head=2)
        finally:
            kept.close()
        assert page.events == [
            said("hello", seq=1, at=1000, key="k", edited=2000),
            edited(1, "hello", seq=2, at=2000),
        ]
    assert differences(connection, metadata) == []
    assert connection.execute(text("SELECT * FROM room")).all() == [("lobby", "lobby", "public", 2, "", 0.0)]
