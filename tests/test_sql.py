"""SQL is written, not built: values reach a database as bound parameters only."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("cinepulse", "producers", "schemas", "stream_processors", "clickhouse")
FILES: Final = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

STATEMENT: Final = re.compile(
    r"\b(SELECT\b.*|WITH .* AS|INSERT INTO|DELETE FROM|UPDATE .* SET|"
    r"(CREATE|ALTER|DROP|TRUNCATE|OPTIMIZE|RENAME|EXCHANGE|ATTACH|DETACH) "
    r"(TABLES?|DATABASE|VIEW|USER|FUNCTION|DICTIONARY)|SYSTEM [A-Z]+)",
    re.DOTALL,
)
RUNNING: Final = {
    *("query", "command", "raw_query", "query_df", "query_np", "query_columns"),
    *("query_rows_stream", "query_row_block_stream", "query_column_block_stream"),
    *("execute", "executemany", "executescript"),
}
DATABASES: Final = re.compile(r"(client|connection|server|cursor|database|engine|admin|store)$")

# Where SQL is put together all the same, and why nothing that comes from outside gets into it.
BUILT: Final = {
    ("clickhouse/ask.py", "WITH film_days AS"): "two files of queries/",
    ("clickhouse/engine_handle.py", "SELECT name, value FROM system.settings"): "names of settings, quoted",
    ("clickhouse/migrate.py", "SELECT version, toString(checksum)"): "a constant's name",
    ("clickhouse/migrate.py", "CREATE TABLE IF NOT EXISTS"): "a constant's name",
    ("clickhouse/engine_config.py", "ATTACH DATABASE _ UUID"): "an id made here, in the engine's own metadata",
    ("producers/database.py", "DELETE FROM"): "table names of the schema in the code",
    ("producers/backfill/state.py", "DELETE FROM"): "table names of the schema in the code",
    ("cinepulse/commands/replay_view.py", "DROP DATABASE"): "a line for a person to read, never run",
    ("producers/reddit/forgotten.py", "DELETE FROM"): "table names of the module",
    ("producers/reddit/forgotten.py", "SELECT count(*)"): "table names of the module",
    ("producers/tmdb/state.py", "SELECT tmdb_id, source, fingerprint"): "question marks only",
}
# Where a database runs a text that is no constant of its module, and whose text that is.
PASSED_ON: Final = {
    ("clickhouse/ask.py", "query_text(name)"): "a file of queries/",
    ("clickhouse/ask.py", "query_over(name, source)"): "two files of queries/",
    ("clickhouse/ask.py", "query_both(first, last)"): "two files of queries/",
    ("clickhouse/merging.py", "query_text('merge_days')"): "a file of queries/",
    ("clickhouse/mention_days.py", "query_text(statement)"): "a file of queries/",
    ("clickhouse/promotion.py", "query_text(name)"): "a file of queries/",
    ("clickhouse/terms.py", "query_text(name)"): "a file of queries/",
    ("clickhouse/migrate.py", "statement"): "a file of migrations/",
    ("clickhouse/shadow.py", "statement"): "a file of queries/",
    ("clickhouse/erasure.py", "statement"): "a file of queries/ with a table's name that the engine has told, quoted",
    ("clickhouse/engine_handle.py", "sql"): "a statement of the server's authenticated caller, checked by refusals.py",
    ("producers/database.py", "META + schema"): "a constant of the module that owns the file",
}


def built_statements(tree: ast.AST) -> Iterator[str]:
    """Yield the written part of every SQL statement that is put together from pieces."""
    for node in ast.walk(tree):
        pieces: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
            pieces = node.values
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            pieces = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _BUILDERS:
            pieces = [node.func.value]
        text = "".join(part.value for part in pieces if isinstance(part, ast.Constant) and isinstance(part.value, str))
        if found := STATEMENT.search(text):
            yield text[found.start() :]


_BUILDERS: Final = {"format", "format_map", "replace", "join"}


def passed_on(tree: ast.AST) -> Iterator[str]:
    """Yield what databases are given to run where it is neither a text nor a module's constant."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNING):
            continue
        if not (node.args and DATABASES.search(ast.unparse(node.func.value).partition("(")[0].lower())):
            continue
        text = node.args[0]
        constant = isinstance(text, ast.Name | ast.Attribute) and ast.unparse(text).rpartition(".")[2].isupper()
        if not (constant or isinstance(text, ast.Constant | ast.JoinedStr | ast.Starred)):
            yield ast.unparse(text)


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module of the rooms, read."""
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in FILES}


def test_no_statement_is_put_together() -> None:
    """A value in the text of a statement is an injection: bind it as `{name:Type}`, a table as `{name:Identifier}`.

    What is safe all the same is listed above with the reason.
    """
    found = [(file, text) for file, tree in trees().items() for text in built_statements(tree)]

    assert [
        (file, text[:80])
        for file, text in found
        if not any(file == known and text.startswith(beginning) for known, beginning in BUILT)
    ] == []


def test_what_is_run_is_written_in_the_code() -> None:
    """A database runs constants and files of this repository; what else it runs is listed above with its origin."""
    found = {(file, text) for file, tree in trees().items() for text in passed_on(tree)}

    assert found - PASSED_ON.keys() == set()


def test_the_lists_hold_nothing_that_is_gone() -> None:
    """A reason without its case would excuse the next one."""
    for file, beginning in BUILT:
        assert any(text.startswith(beginning) for text in built_statements(trees()[file])), (file, beginning)
    for file, text in PASSED_ON:
        assert text in set(passed_on(trees()[file])), (file, text)


@pytest.mark.parametrize(
    "code",
    [
        'client.query(f"SELECT * FROM {table}")',
        'client.query("SELECT a FROM t WHERE b = \'" + b + "\'")',
        "client.query(\"SELECT a FROM t WHERE b = '%s'\" % b)",
        'client.query("SELECT a FROM t WHERE b = {}".format(b))',
        'sql = f"ALTER TABLE {name} DELETE WHERE 1"',
        'client.command("DROP TABLE x".replace("x", name))',
    ],
)
def test_every_way_to_build_is_seen(code: str) -> None:
    """The search is not blind: each way to put a value into a text is found."""
    assert list(built_statements(ast.parse(code)))


@pytest.mark.parametrize("code", ["client.query(sql)", "self._client.command(text_of(x))", "connection.execute(a.b)"])
def test_every_way_to_pass_on_is_seen(code: str) -> None:
    """The search is not blind: texts from elsewhere are found."""
    assert list(passed_on(ast.parse(code)))


def test_every_parameter_of_a_query_has_a_type() -> None:
    """Named queries bind by ClickHouse's own placeholders; none has a hole that Python fills."""
    queries = sorted((ROOT / "clickhouse").rglob("*.sql"))

    assert len(queries) > 10
    for path in queries:
        text = re.sub(r"--.*|/\*.*?\*/", "", path.read_text("utf-8"))
        text = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", text)
        holes = re.findall(r"\{[^}]*\}|%\(\w+\)s|%s", text)
        assert [hole for hole in holes if not re.fullmatch(r"\{\w+:[A-Z]\w*(\(.*\))?\}", hole)] == [], path.name
