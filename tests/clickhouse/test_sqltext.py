"""Texts cut where ClickHouse would cut them, whatever quotes and comments say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.sqltext import InsertHead, escaped, insert_head, output_format, quote_string, split_statements, tokens


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        (" ;; -- nothing\n;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'a;b'; SELECT 'it''s; so'", ["SELECT 'a;b'", "SELECT 'it''s; so'"]),
        (r"SELECT 'a\';b'; SELECT 2", [r"SELECT 'a\';b'", "SELECT 2"]),
        ("-- one; comment\nSELECT 1;\n# two; too\nSELECT 2", ["-- one; comment\nSELECT 1", "# two; too\nSELECT 2"]),
        ("SELECT /* ; /* ; */ ; */ 1; SELECT 2", ["SELECT /* ; /* ; */ ; */ 1", "SELECT 2"]),
        ("SELECT $a$;$b$;$a$; SELECT 2", ["SELECT $a$;$b$;$a$", "SELECT 2"]),
        ("SELECT 1 AS a$b$; SELECT 2 AS c$b$", ["SELECT 1 AS a$b$", "SELECT 2 AS c$b$"]),
        ('SELECT `a``;b`; SELECT "c\\";d"', ["SELECT `a``;b`", 'SELECT "c\\";d"']),
        ("SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]),
    ],
)
def test_splits_only_at_semicolons_of_the_script_itself(script: str, expected: list[str]) -> None:
    """Semicolons in strings, names, comments and heredocs do not end a statement, and nothing empty is returned."""
    assert split_statements(script) == expected


@given(st.lists(st.text().filter(lambda text: "\0" not in text), min_size=1, max_size=5))
def test_quoted_strings_never_split(values: list[str]) -> None:
    """Whatever a string holds, quoted it stays in its own statement."""
    script = "; ".join(f"SELECT {quote_string(value)}" for value in values)

    assert split_statements(script) == [f"SELECT {quote_string(value)}" for value in values]


@given(st.text())
def test_any_text_has_tokens(sql: str) -> None:
    """Tokens lie in order within the text, and no text makes the lexer fail."""
    found = list(tokens(sql))

    assert all(sql[token.start : token.end] == token.text for token in found if token.kind != "block")
    assert [token.start for token in found] == sorted(token.start for token in found)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", None),
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("SELECT 1 format CSV;", "CSV"),
        ("SELECT 1 FORMAT Native SETTINGS max_threads = 1", "Native"),
        ("SELECT format('{}', a) FROM t", None),
        ("SELECT 'x FORMAT JSON'", None),
        ("SELECT 1 -- FORMAT JSON", None),
        ("SELECT (SELECT 1 FORMAT CSV) FORMAT TSV", "TSV"),
        ("SELECT format FROM t WHERE format = 1", None),
    ],
)
def test_finds_the_format_clause(sql: str, expected: str | None) -> None:
    """Only a FORMAT clause at the query's end counts."""
    assert output_format(sql) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO t FORMAT CSV\n1,2\n", InsertHead("INSERT INTO t", "CSV", 25)),
        ("insert into t (a, b) format Native\n\x01", InsertHead("insert into t (a, b)", "Native", 35)),
        ("INSERT INTO t FORMAT TSV  \r\n\r\n1", InsertHead("INSERT INTO t", "TSV", 28)),
        ("INSERT INTO t VALUES (1)", InsertHead("INSERT INTO t", "Values", 20)),
        ("-- why\nINSERT INTO `values` VALUES(1)", InsertHead("-- why\nINSERT INTO `values`", "Values", 34)),
        (
            "INSERT INTO t SETTINGS async_insert=0 FORMAT JSONEachRow {}",
            InsertHead("INSERT INTO t SETTINGS async_insert=0", "JSONEachRow", 57),
        ),
        ("INSERT INTO t SELECT 1 FORMAT CSV", None),
        ("INSERT INTO t WITH 1 AS x SELECT x", None),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", None),
        ("INSERT INTO t", None),
        ("INSERT INTO t FORMAT", None),
        ("SELECT 'INSERT INTO t FORMAT CSV'", None),
        ("", None),
    ],
)
def test_finds_where_an_inserts_rows_start(text: str, expected: InsertHead | None) -> None:
    """Rows start after the format's name and one line break, or after VALUES; other statements have none."""
    assert insert_head(text) == expected


@given(st.text())
def test_escaped_values_have_no_control_characters(value: str) -> None:
    """A value in escaped text form fits on one line and comes back as it was."""
    text = escaped(value)

    assert not set(text) & set("\t\n\r\0")
    plain = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "0": "\0"}
    assert re.sub(r"\\(.)", lambda found: plain[found[1]], text) == value
