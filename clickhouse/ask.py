"""The named queries: each a `.sql` file in `queries/` with bound parameters, shared by every reader."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickhouse.client import Client


@cache
def query_text(name: str) -> str:
    """Return the SQL of `queries/<name>.sql`."""
    return files("clickhouse").joinpath("queries", f"{name}.sql").read_text("utf-8")


def ask(client: Client, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run a named query and return its rows as dictionaries; every parameter is bound by ClickHouse, none formatted in.

    Raises what the client raises: DatabaseUnavailable when ClickHouse does not answer.
    """
    return list(client.query(query_text(name), parameters=parameters).named_results())
