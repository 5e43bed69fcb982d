"""The migrations give exactly the tables that the code declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from clickhouse.client import connect
from clickhouse.migrate import TABLE
from clickhouse.rows import routes
from clickhouse.tables import DERIVED, TABLES, Table

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.client import Client

pytestmark = pytest.mark.real

NAMES: Final = tuple(table.name for table in TABLES)


@pytest.fixture
def client(migrated_settings: Settings) -> Client:
    """Return a client of a migrated database."""
    return connect(migrated_settings)


def test_migrations_give_the_declared_tables(client: Client) -> None:
    """There is a table for each one declared, and no other but the migrations' own and what is derived from them."""
    found = {row[0] for row in client.query("SHOW TABLES").result_rows}

    assert found == {*NAMES, *DERIVED, TABLE}


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_migrations_give_the_declared_columns(client: Client, table: Table) -> None:
    """Names and types of the columns are those that the sink writes and those that ClickHouse fills."""
    query = (
        "SELECT name, type, default_kind FROM system.columns WHERE database = currentDatabase() AND table = {t:String}"
    )

    rows = client.query(query, parameters={"t": table.name}).result_rows

    assert {(name, kind) for name, kind, default in rows if not default} == set(table.columns)
    assert {(name, kind) for name, kind, default in rows if default} == set(table.filled)


def test_every_column_and_table_says_what_it_is(client: Client) -> None:
    """Each column and table has a comment: the data dictionary is in the database."""
    bare = client.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = ''"
        " UNION ALL SELECT name, '' FROM system.tables WHERE database = currentDatabase() AND comment = ''"
    ).result_rows

    assert bare == []


@pytest.mark.parametrize("name", NAMES)
def test_every_table_drops_repeated_inserts(client: Client, name: str) -> None:
    """Each table has a deduplication window: without one, ClickHouse ignores insert tokens."""
    definition = client.command(f"SHOW CREATE TABLE {name}")

    assert "non_replicated_deduplication_window = " in str(definition)
    assert "ReplacingMergeTree" in str(definition)


@pytest.mark.parametrize("name", ["films", "popularity", "popularity_days", "popularity_on"])
def test_tables_of_tmdb_data_carry_the_attribution(client: Client, name: str) -> None:
    """TMDB asks to be named where its data is."""
    assert "not endorsed or certified by TMDB" in str(client.command(f"SHOW CREATE TABLE {name}"))


def test_every_topic_that_the_sink_reads_has_a_table() -> None:
    """Routes write declared tables, each its own; the counts of terms are made of another table."""
    written = [route.table.name for route in routes()]

    assert sorted(written) == sorted(set(NAMES) - {"sink_batches", "term_counts"})
