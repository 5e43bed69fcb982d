"""The named queries: each a `.sql` file in `queries/` with bound parameters, shared by every reader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from clickhouse.client import Client

    Columns = Mapping[str, NDArray[Any]]
    """The columns of an answer by name, each an element a row; an answer without rows has none."""


@cache
def query_text(name: str) -> str:
    """Return the SQL of `queries/<name>.sql`, without its comments."""
    text = files("clickhouse").joinpath("queries", f"{name}.sql").read_text("utf-8")
    # The driver would read through them, letter by letter, each time the question is asked.
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--"))


@cache
def query_over(name: str, source: str) -> str:
    """Return the SQL of `queries/<name>.sql` where `film_days` stands for what `queries/<source>.sql` returns."""
    return f"WITH film_days AS\n(\n{query_text(source)})\n{query_text(name)}"


@cache
def query_both(first: str, last: str) -> str:
    """Return the SQL of `queries/<first>.sql` and `queries/<last>.sql` as one query of the rows of both."""
    return f"{query_text(first)}UNION ALL\n{query_text(last)}"


def ask(client: Client, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run a named query and return its rows as dictionaries; every parameter is bound by ClickHouse, none formatted in.

    Raises what the client raises: DatabaseUnavailable when ClickHouse does not answer.
    """
    return list(client.query(query_text(name), parameters=parameters).named_results())


def ask_over(client: Client, name: str, source: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """As `ask`, of a query that reads the mentions by film and day that another one returns."""
    return list(client.query(query_over(name, source), parameters=parameters).named_results())


def ask_both(client: Client, first: str, last: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """As `ask`, of two queries with the same columns, of which the first has no settings."""
    return list(client.query(query_both(first, last), parameters=parameters).named_results())


def ask_columns(client: Client, name: str, source: str = "", /, **parameters: Any) -> Columns:
    """As `ask`, or with a source `ask_over`, of many rows that are computed with; see `column` for what it returns."""
    if source:
        return client.query_columns(query_over(name, source), parameters=parameters)
    return client.query_columns(query_text(name), parameters=parameters)


def column(columns: Columns, name: str) -> NDArray[Any]:
    """Return a column of an answer of `ask_columns`, which may have no rows."""
    return columns[name] if columns else np.empty(0)


def in_order(columns: Columns, name: str) -> Columns:
    """Return the rows of an answer in the order of a column."""
    by = column(columns, name)
    # Most answers are in order as they come, and nothing is to be moved.
    if (by[1:] >= by[:-1]).all():
        return columns
    order = np.argsort(by, kind="stable")
    return {name: values[order] for name, values in columns.items()}


def together(*questions: Callable[[], Any]) -> list[Any]:
    """Return the answers to independent questions, asked beside each other: the engine has several cores.

    The last is asked by the caller's own thread. Raises what one of them raises that fails.
    """
    *others, last = questions
    if not others:
        return [last()]
    with ThreadPoolExecutor(len(others)) as threads:
        asked = [threads.submit(question) for question in others]
        answer = last()
        return [*(question.result() for question in asked), answer]
