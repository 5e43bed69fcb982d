"""What a server must know of a query's text before the engine parses it: tokens, the format clause, an insert's head.

Only text outside quotes and comments counts. ClickHouse's lexical rules: strings in single quotes with backslash
escapes or doubled quotes, identifiers bare or in backquotes or double quotes, comments `--`, `#!`, `# ` and nested
`/* */`, heredocs `$tag$ ... $tag$`. Good for finding things; what guards the machine asks the engine's own lexer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*|\#[!\ ][^\n]*)
    | (?P<block>/\*)
    | (?P<string>'(?:[^'\\]|\\.|'')*(?:'|\\?\Z))
    | (?P<quoted>`(?:[^`\\]|\\.|``)*(?:`|\\?\Z)|"(?:[^"\\]|\\.|"")*(?:"|\\?\Z))
    | (?P<heredoc>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.$]*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")

# What ends an insert's head: its rows, or that they come from elsewhere.
_AFTER_HEAD: Final = ("VALUES", "FORMAT", "SELECT", "WITH", "FROM", "INFILE")


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `kind` is word, quoted, string, heredoc, number or symbol; `start` and `end` index the text."""

    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Return whether this is one of the given upper-case keywords."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def name(self) -> str | None:
        """The identifier that this token names, without its quotes; None for any other token."""
        if self.kind == "word":
            return self.text
        return self.text[1:-1] if self.kind == "quoted" else None


@dataclass(frozen=True, slots=True)
class InsertHead:
    """An insert whose rows follow its text: the statement without format, the format, where its rows start."""

    statement: str
    format: str
    data_start: int


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of `sql` without space and comments; never raises, an open quote runs to the end."""
    position = 0
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        if found is None:
            return
        kind, start = str(found.lastgroup), position
        position = _end_of_comment(sql, found.end()) if kind == "block" else found.end()
        if kind not in ("space", "comment", "block"):
            yield Token(kind, found.group(), start, position)


def split_statements(sql: str) -> list[str]:
    """Return the statements of a script, split at semicolons outside quotes and comments, without empty ones."""
    statements, start, filled = [], 0, False
    for token in tokens(sql):
        if token.text != ";":
            filled = True
            continue
        if filled:
            statements.append(sql[start : token.start].strip())
        start, filled = token.end, False
    return [*statements, sql[start:].strip()] if filled else statements


def output_format(sql: str) -> str | None:
    """Return the format that the query's own FORMAT clause names, None without one."""
    if "format" not in sql.lower():
        return None
    outer = [token for depth, token in _with_depth(sql) if depth == 0]
    for place in range(len(outer) - 2, -1, -1):
        after = outer[place + 2] if place + 2 < len(outer) else None
        ends = after is None or after.text == ";" or after.is_word("SETTINGS")
        if outer[place].is_word("FORMAT") and outer[place + 1].name is not None and ends:
            return outer[place + 1].name
    return None


def insert_head(text: str) -> InsertHead | None:
    """Return the head of an insert whose rows come with it, None for every other statement or an incomplete head."""
    stream = (token for depth, token in _with_depth(text) if depth == 0)
    first = next(stream, None)
    if first is None or not first.is_word("INSERT"):
        return None
    token = next((token for token in stream if token.is_word(*_AFTER_HEAD)), None)
    if token is not None and token.is_word("VALUES"):
        return InsertHead(text[: token.start].rstrip(), "Values", token.end)
    name = next(stream, None) if token is not None and token.is_word("FORMAT") else None
    if token is None or name is None or name.name is None:
        return None
    return InsertHead(text[: token.start].rstrip(), name.name, _data_start(text, name.end))


def quote_string(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(value: str) -> str:
    """Return `value` as an SQL identifier."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


def escaped(value: str) -> str:
    """Return `value` in the escaped text form that ClickHouse reads query parameters in."""
    for character, sequence in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        value = value.replace(character, sequence)
    return value


def _with_depth(sql: str) -> Iterator[tuple[int, Token]]:
    """Yield each token with the number of brackets open around it."""
    depth = 0
    for token in tokens(sql):
        if token.kind == "symbol" and token.text in _CLOSING:
            depth -= 1
        yield depth, token
        if token.kind == "symbol" and token.text in _OPENING:
            depth += 1


def _end_of_comment(sql: str, position: int) -> int:
    """Return where the block comment that was opened just before `position` ends; comments nest."""
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(sql, position)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _data_start(text: str, position: int) -> int:
    """Return where the rows start after a format's name: past spaces and at most one line break."""
    while position < len(text) and text[position] in " \t\f":
        position += 1
    if text.startswith("\r", position):
        position += 1
    return position + 1 if text.startswith("\n", position) else position
