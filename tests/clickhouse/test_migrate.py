"""The migration runner on the real server: each file once, in order, and only what nobody has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError

from cinepulse.commands.migrate import migrate as command
from cinepulse.errors import ConfigurationInvalid
from clickhouse.client import connect
from clickhouse.migrate import Migration, MigrationRefused, load_migrations, migrate, pending

if TYPE_CHECKING:
    from pathlib import Path

    from cinepulse.settings import Settings

FILMS = Migration(1, "films", "CREATE TABLE IF NOT EXISTS films (id UInt64) ENGINE = MergeTree ORDER BY id;\n")
POSTS = Migration(
    2,
    "posts",
    "-- Two statements; one comment with a semicolon.\n"
    "CREATE TABLE IF NOT EXISTS posts (id String COMMENT 'a;b') ENGINE = MergeTree ORDER BY id;\n"
    "ALTER TABLE films ADD COLUMN IF NOT EXISTS title String",
)
BROKEN = Migration(3, "broken", "CREATE TABLE IF NOT EXISTS half (id UInt64) ENGINE = Memory; SELECT throwIf(1)")


def tables(settings: Settings) -> set[str]:
    """Return the names of the database's tables, without the runner's own."""
    rows = connect(settings).query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows
    return {name for (name,) in rows} - {"schema_migrations"}


def test_applies_each_migration_once(clickhouse_settings: Settings) -> None:
    """A second run finds nothing to do, and a run with one file more applies that one."""
    assert migrate(clickhouse_settings, [FILMS]) == [FILMS]
    assert migrate(clickhouse_settings, [FILMS]) == []
    assert migrate(clickhouse_settings, [FILMS, POSTS]) == [POSTS]

    assert tables(clickhouse_settings) == {"films", "posts"}
    assert connect(clickhouse_settings).query("SELECT title FROM films").result_rows == []


def test_the_packages_own_migrations_apply(clickhouse_settings: Settings) -> None:
    """The files in the package are well-formed and make their tables."""
    own = load_migrations()

    assert migrate(clickhouse_settings, own) == own
    assert migrate(clickhouse_settings, own) == []
    assert tables(clickhouse_settings)


def test_makes_the_database(clickhouse_server: Settings) -> None:
    """The first run creates the database, whatever its name has in it."""
    settings = clickhouse_server.model_copy(update={"clickhouse_database": f"new films-{uuid4().hex[:8]}"})

    migrate(settings, [FILMS])

    assert tables(settings) == {"films"}
    named = {"name": settings.clickhouse_database}
    connect(clickhouse_server, database=None).command("DROP DATABASE {name:Identifier}", parameters=named)


def test_dry_run_changes_nothing(clickhouse_server: Settings, clickhouse_settings: Settings) -> None:
    """A dry run tells what would be applied, without a database too, and leaves everything as it is."""
    nowhere = clickhouse_server.model_copy(update={"clickhouse_database": f"nowhere_{uuid4().hex[:8]}"})

    assert migrate(nowhere, [FILMS, POSTS], dry_run=True) == [FILMS, POSTS]
    assert migrate(clickhouse_settings, [FILMS], dry_run=True) == [FILMS]

    assert tables(clickhouse_settings) == set()
    with pytest.raises(ConfigurationInvalid):
        connect(nowhere).query("SELECT 1")


def test_a_changed_migration_is_refused(clickhouse_settings: Settings) -> None:
    """A file that was applied cannot change any more, and nothing after it is run."""
    migrate(clickhouse_settings, [FILMS])
    changed = replace(FILMS, sql=FILMS.sql.replace("UInt64", "UInt32"))

    with pytest.raises(MigrationRefused, match=r"1 \(films\) has changed"):
        migrate(clickhouse_settings, [changed, POSTS])

    assert tables(clickhouse_settings) == {"films"}


def test_a_migration_that_fails_is_not_recorded(clickhouse_settings: Settings) -> None:
    """What was applied before a failure stays; the failed one runs again from its start once it is mended."""
    with pytest.raises(DatabaseError):
        migrate(clickhouse_settings, [FILMS, POSTS, BROKEN])
    assert tables(clickhouse_settings) == {"films", "posts", "half"}

    mended = replace(BROKEN, sql="CREATE TABLE IF NOT EXISTS half (id UInt64) ENGINE = Memory")
    assert migrate(clickhouse_settings, [FILMS, POSTS, mended]) == [mended]


def test_an_earlier_number_is_refused() -> None:
    """A file that comes before an applied one would run out of order elsewhere."""
    with pytest.raises(MigrationRefused, match=r"1 \(films\) comes before 2"):
        pending([FILMS, POSTS], {2: POSTS.checksum})


def test_an_unknown_number_is_refused() -> None:
    """A database that a later version has migrated is not for this one."""
    with pytest.raises(MigrationRefused, match="migration 9, which this version of cinepulse does not know"):
        pending([FILMS], {1: FILMS.checksum, 9: "x"})


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"1_films.sql": "SELECT 1"}, "named NNNN_name.sql"),
        ({"0001_Films.sql": "SELECT 1"}, "named NNNN_name.sql"),
        ({"0001_films.sql": "SELECT 1", "0001_posts.sql": "SELECT 1"}, "exists twice"),
        ({"0001_films.sql": "-- nothing;\n"}, "no statement"),
    ],
)
def test_files_that_cannot_be_migrations_are_refused(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    """A misnamed, doubled or empty file is an error, not left out."""
    for name, sql in files.items():
        (tmp_path / name).write_text(sql, "utf-8")

    with pytest.raises(MigrationRefused, match=complaint):
        load_migrations(tmp_path)


def test_files_are_read_in_order(tmp_path: Path) -> None:
    """Numbers order the files, other files are left alone, and Windows line ends do not change a checksum."""
    (tmp_path / "0010_b.sql").write_bytes(b"SELECT 1;\r\nSELECT 2\r\n")
    (tmp_path / "0002_a.sql").write_bytes(b"SELECT 1")
    (tmp_path / "README.md").write_bytes(b"")

    first, second = load_migrations(tmp_path)

    assert (first.version, first.name, second.version) == (2, "a", 10)
    assert second.statements == ["SELECT 1", "SELECT 2"]
    assert second.checksum == Migration(10, "b", "SELECT 1;\nSELECT 2\n").checksum


def test_the_command_prints_the_sql(clickhouse_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cinepulse migrate --dry-run` prints the statements; without it the applied migrations are listed."""
    monkeypatch.setenv("CINEPULSE_CLICKHOUSE_PASSWORD", clickhouse_settings.clickhouse_password.get_secret_value())
    where = [
        *("--clickhouse-port", str(clickhouse_settings.clickhouse_port)),
        *("--clickhouse-user", clickhouse_settings.clickhouse_user),
        *("--clickhouse-database", clickhouse_settings.clickhouse_database),
    ]

    dry = CliRunner().invoke(command, [*where, "--dry-run"], catch_exceptions=False)
    before = tables(clickhouse_settings)
    done = CliRunner().invoke(command, [*where, "--format", "json"], catch_exceptions=False)

    assert "CREATE TABLE IF NOT EXISTS" in dry.output
    assert before == set()
    assert '"version": 1' in done.output
    assert tables(clickhouse_settings)
