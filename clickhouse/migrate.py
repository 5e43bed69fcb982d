"""Applies the numbered SQL files of `migrations/`, each once, in order.

ClickHouse has no transactions for DDL: a migration that fails halfway is tried again from its first statement, so
every statement must be one that can run twice (`IF NOT EXISTS`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from cinepulse.errors import CinepulseError
from clickhouse.client import connect
from clickhouse.sqltext import split_statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from cinepulse.settings import Settings
    from clickhouse.client import Client

TABLE: Final = "schema_migrations"

_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_CREATE_DATABASE: Final = "CREATE DATABASE IF NOT EXISTS {database:Identifier}"
_CREATE_TABLE: Final = f"""CREATE TABLE IF NOT EXISTS {TABLE}
(
    version UInt32 COMMENT 'Number of the migration',
    name String COMMENT 'Its name',
    checksum FixedString(64) COMMENT 'SHA-256 of its file, hexadecimal',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied, UTC'
)
ENGINE = ReplacingMergeTree
ORDER BY version
COMMENT 'Migrations that this database has.'"""


class MigrationRefused(CinepulseError):
    """The files and the database's record of them disagree; nothing was run."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `NNNN_name.sql`."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file with Unix line ends, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements in order."""
        return split_statements(self.sql)


def load_migrations(folder: Traversable | None = None) -> list[Migration]:
    """Return the migrations of a folder in order, those of this package without one.

    Raises MigrationRefused for a file whose name is not NNNN_name.sql, a number that is taken twice, or an empty file.
    """
    migrations: dict[int, Migration] = {}
    for file in sorted((folder or files("clickhouse").joinpath("migrations")).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        matched = _FILE.fullmatch(file.name)
        if matched is None:
            raise MigrationRefused(f"{file.name}: a migration is named NNNN_name.sql")
        sql = file.read_text("utf-8").replace("\r\n", "\n")
        migration = Migration(int(matched[1]), matched[2], sql)
        if migration.version in migrations:
            raise MigrationRefused(f"{file.name}: migration {migration.version} exists twice")
        if not migration.statements:
            raise MigrationRefused(f"{file.name}: there is no statement in it")
        migrations[migration.version] = migration
    return [migrations[version] for version in sorted(migrations)]


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """Return the migrations still to apply; `applied`: checksums by version, as the database records them.

    Raises MigrationRefused when a file has changed since it was applied, when one is to run before a later one that
    was applied, or when the database has one that is not among the files.
    """
    known = {migration.version for migration in migrations}
    unknown = sorted(set(applied) - known)
    if unknown:
        raise MigrationRefused(
            f"the database has migration {unknown[0]}, which this version of cinepulse does not know"
        )
    newest = max(applied, default=0)
    for migration in migrations:
        checksum = applied.get(migration.version)
        if checksum is not None and checksum != migration.checksum:
            raise MigrationRefused(f"migration {migration.version} ({migration.name}) has changed since it was applied")
        if checksum is None and migration.version < newest:
            raise MigrationRefused(
                f"migration {migration.version} ({migration.name}) comes before {newest}, which is applied: renumber it"
            )
    return [migration for migration in migrations if migration.version not in applied]


def migrate(settings: Settings, migrations: Sequence[Migration], *, dry_run: bool = False) -> list[Migration]:
    """Bring the settings' database up to date and return the migrations that were applied, or with `dry_run` would be.

    Raises MigrationRefused as `pending` does, and what the client raises; what was applied before stays recorded.
    """
    server = connect(settings, database=None)
    database = settings.clickhouse_database
    exists = server.query("SELECT 1 FROM system.databases WHERE name = {name:String}", parameters={"name": database})
    if not exists.result_rows:
        if dry_run:
            return pending(migrations, {})
        server.command(_CREATE_DATABASE, parameters={"database": database})
    client = connect(settings)
    todo = pending(migrations, _applied(client))
    if dry_run:
        return todo
    client.command(_CREATE_TABLE)
    for migration in todo:
        _apply(client, migration)
    return todo


def _apply(client: Client, migration: Migration) -> None:
    for statement in migration.statements:
        client.command(statement)
    row = [migration.version, migration.name, migration.checksum]
    client.insert(TABLE, [row], column_names=["version", "name", "checksum"])


def _applied(client: Client) -> dict[int, str]:
    """Return the checksums of the applied migrations by version."""
    exists = client.query(
        "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": TABLE},
    )
    if not exists.result_rows:
        return {}
    rows: Iterable[tuple[int, str]] = client.query(
        f"SELECT version, toString(checksum) FROM {TABLE} FINAL ORDER BY version"  # noqa: S608 - a constant
    ).result_rows
    return dict(rows)
