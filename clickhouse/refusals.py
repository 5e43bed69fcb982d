"""What users of the interface may not run, although the engine would: it takes them for its machine's own user.

Grants and fixed settings (`engine_config`) keep out what reaches files and other hosts, where ClickHouse has a grant
or a setting for it. This is the rest: the function `file`, INFILE and OUTFILE, engines and disks with a path of their
own, and texts that would be run as SQL out of these checks' sight.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clickhouse.engine import Engine, SqlToken
    from clickhouse.engine_handle import Handle
    from clickhouse.http_request import Call

READ_ONLY: Final = "READ_ONLY"
LITERALS_ONLY: Final = {
    "input_format_values_interpret_expressions": "0",
    "input_format_values_deduce_templates_of_expressions": "0",
}
"""Settings under which the rows of an INSERT ... VALUES are literals alone."""
_BY_CALL: Final = frozenset(map(str.upper, LITERALS_ONLY))
_CONTROL: Final = "CONTROL"

# Functions can be passed by name, so that the name is refused wherever it may be one: a column `file` has to be
# written `table.file`.
_REFUSED_NAMES: Final = frozenset({"file"})
# They run programs, take objects of this process for tables, run a text, or store somewhere else; `input` the embedded
# engine does not feed, so that rows for it would be dropped without a word.
_REFUSED_CALLS: Final = frozenset({"python", "executable", "executablepool", "eval", "disk", "input"})
# Engines whose data lie in the engine's own store; all others have an address or a path.
_ENGINES: Final = frozenset(
    {"MEMORY", "LOG", "TINYLOG", "STRIPELOG", "NULL", "SET", "JOIN", "BUFFER", "MERGE", "GENERATERANDOM", "ATOMIC"}
)
# What can stand around or in a name, in the escaped text form of parameters, without changing it.
_DECORATION: Final = dict.fromkeys(map(ord, '\\`"\u201c\u201d '))
# Without any of these, or the function `format`, a text need not be looked at closely. An escape or a parameter could
# spell out a name.
_SUSPICIOUS: Final = ("file", "python", "executable", "eval", "disk", "engine", "input", "identifier", "param_", "\\")
_FORMAT_CALL: Final = re.compile(r"format(?!\s+\w)")
# The engine's CONTROL class has also what leaves the database: INTO OUTFILE, BACKUP, EXECUTE AS.
_CONTROL_ALLOWED: Final = frozenset({"SET", "USE", "KILL", "SYSTEM", "INSERT", "CREATE", "DROP"})


def check(engine: Engine, handle: Handle, call: Call, sql: str) -> str:
    """Return the engine's class of a statement; raises RequestRefused or EngineError for what the call may not run.

    The engine's own parser and lexer say what the text is, so that no comment or quote can pass it off as another.
    """
    if "\0" in sql:
        raise RequestRefused("SYNTAX_ERROR", "Syntax error: there is a zero byte in the query")
    query_class, count = handle.classify(sql)
    if count != 1:
        raise engine.complaint(sql) or RequestRefused("SYNTAX_ERROR", "Syntax error: this is not one statement")
    if query_class == _CONTROL or _is_suspicious(sql):
        tokens = engine.tokens(sql)
        reason = next(_reasons(tokens, query_class, call.parameters), None)
        if reason is not None:
            raise RequestRefused("ACCESS_DENIED", f"Not for users of the embedded server: {reason}")
        changes = query_class != READ_ONLY and tokens[0].word not in ("SET", "USE")
    else:
        changes = query_class != READ_ONLY
    if call.read_only and changes:
        message = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly"
        raise RequestRefused("READONLY", message)
    return query_class


def may_evaluate(engine: Engine, rows: str) -> bool:
    """Return whether rows of format Values, which may hold expressions, hold none that is refused."""
    return not _is_suspicious(rows) or next(_reasons(engine.tokens(rows), READ_ONLY, {}), None) is None


def _is_suspicious(text: str) -> bool:
    # The engine's names know no case of letters beyond ASCII's, so there is none to fold.
    lowered = text.lower()
    return any(word in lowered for word in _SUSPICIOUS) or _FORMAT_CALL.search(lowered) is not None


def _reasons(tokens: Sequence[SqlToken], query_class: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what is refused about a statement."""
    first = tokens[0].word
    if query_class == _CONTROL and first not in _CONTROL_ALLOWED:
        yield f"this kind of {tokens[0].text}"
    for place, token in enumerate(tokens):
        before, after = tokens[max(place - 2, 0) : place], tokens[place + 1 : place + 3]
        yield from _name_reasons(before, token)
        if token.text == "(" and before and before[-1].name:
            yield from _call_reasons(before[-1].name, after)
        if token.word == "ENGINE" and query_class != READ_ONLY:
            yield from _engine_reasons(after)
        if token.word == "IDENTIFIER" and [item.text for item in before[1:]] == [":"]:
            yield from _identifier_reasons(before[0].text, parameters)
        if (first == "SET" and token.word.startswith("PARAM_")) or (first == "INSERT" and token.word in _BY_CALL):
            yield f"{token.text} in the statement: give it with the call"


def _name_reasons(before: Sequence[SqlToken], token: SqlToken) -> Iterator[str]:
    """Yield what is refused about a word or name, by the tokens before it."""
    last = before[-1] if before else None
    if last and (last.word, token.word) in (("FROM", "INFILE"), ("INTO", "OUTFILE")):
        yield f"{last.word} {token.word}"
    if token.kind == "QuotedIdentifier" and "\\" in token.text:
        yield f"the escaped name {token.text}"
    if token.name in _REFUSED_NAMES and not (last and last.text == "."):
        yield f"{token.name}(), which reads files (write a column of this name as table.{token.name})"


def _call_reasons(function: str, arguments: Sequence[SqlToken]) -> Iterator[str]:
    """Yield what is refused about a call, by its function and the first two tokens in its brackets."""
    if function.lower() in _REFUSED_CALLS:
        yield f"{function}()"
    if function.lower() == "format":
        # The table function of this name reads a text in any format, of which Values may hold expressions. The other
        # one fills placeholders, which no format has in its name.
        pattern, end = (*arguments, None, None)[:2]
        if not (pattern and pattern.kind == "StringLiteral" and "{" in pattern.text and end and end.text in ",)"):
            yield "the table function format()"


def _engine_reasons(after: Sequence[SqlToken]) -> Iterator[str]:
    """Yield what is refused about an ENGINE clause, by what follows the word."""
    name = next((token.name for token in after if token.text != "="), None)
    if name is not None and name.upper() not in _ENGINES and not name.upper().endswith("MERGETREE"):
        yield f"the engine {name}"


def _identifier_reasons(parameter: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what is refused about `{parameter:Identifier}`, by its value, which must be known here."""
    value = parameters.get(parameter)
    if value is None:
        # It may be a parameter of a view, which could then be given the name.
        yield f"the identifier {{{parameter}:Identifier}} without a parameter of this call"
    elif "\\x" in value or value.translate(_DECORATION) in _REFUSED_NAMES:
        yield f"the identifier {value}"
