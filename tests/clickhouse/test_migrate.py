"""The migration runner on the real server: once, in order, and only what nobody has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickhouse.client import connect
from clickhouse.migrate import TABLE, load_migrations, migrate

if TYPE_CHECKING:
    from cinepulse.settings import Settings


def test_applies_each_migration_once(clickhouse_settings: Settings) -> None:
    """The package's migrations apply to an empty database, and a second run finds nothing to do."""
    first = migrate(clickhouse_settings, load_migrations())
    second = migrate(clickhouse_settings, load_migrations())

    assert first == load_migrations()
    assert second == []
    recorded = connect(clickhouse_settings).query(f"SELECT count() FROM {TABLE}").first_item  # noqa: S608 - a constant
    assert recorded == {"count()": len(first)}
