"""Output formats: their content types, and which of them can be sent block by block.

The engine encodes each block of a streamed result as a document of its own. Blocks of formats without header and
footer can follow each other as they are; where there is only a header, all blocks but the first lose theirs.
"""

from __future__ import annotations

from typing import Final

_PLAIN: Final = frozenset(
    {"Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "Raw", "CSV", "RowBinary", "LineAsString"}
    | {"JSONEachRow", "JSONLines", "NDJSON", "JSONStringsEachRow", "JSONCompactEachRow", "JSONCompactStringsEachRow"}
)
_HEADER_LINES: Final = {
    "TabSeparatedWithNames": 1,
    "TSVWithNames": 1,
    "TabSeparatedWithNamesAndTypes": 2,
    "TSVWithNamesAndTypes": 2,
    "CSVWithNames": 1,
    "CSVWithNamesAndTypes": 2,
    "JSONCompactEachRowWithNames": 1,
    "JSONCompactEachRowWithNamesAndTypes": 2,
}
_BINARY_HEADERS: Final = {"RowBinaryWithNames": 1, "RowBinaryWithNamesAndTypes": 2}

_CONTENT_TYPES: Final = {
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "ndjson": "application/x-ndjson; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
    "pretty": "text/plain; charset=UTF-8",
    "values": "text/plain; charset=UTF-8",
}


def is_streamed(output: str) -> bool:
    """Return whether a result in this format can be sent block by block."""
    return output in _PLAIN or has_header(output)


def has_header(output: str) -> bool:
    """Return whether a streamed format begins with a header."""
    return output in _HEADER_LINES or output in _BINARY_HEADERS


def cut_header(output: str, block: bytes) -> bytes:
    """Return a block of a streamed format without its header."""
    if output in _HEADER_LINES:
        position = 0
        for _ in range(_HEADER_LINES[output]):
            position = _line_end(block, position, quoted=output.startswith("CSV"))
        return block[position:]
    if output in _BINARY_HEADERS:
        return block[_texts_end(block, _BINARY_HEADERS[output]) :]
    return block


def content_type(output: str) -> str:
    """Return the content type of an answer in this format."""
    lower = output.lower()
    if lower.startswith("csv"):
        return f"{_CONTENT_TYPES['csv']}; header={'present' if 'withnames' in lower else 'absent'}"
    found = next((kind for prefix, kind in _CONTENT_TYPES.items() if lower.startswith(prefix)), None)
    return found or "application/octet-stream"


def _line_end(block: bytes, position: int, *, quoted: bool) -> int:
    """Return where the line that starts at `position` ends; in CSV a quoted name may hold line breaks."""
    end = block.index(b"\n", position) + 1
    while quoted and block.count(b'"', position, end) % 2:
        end = block.index(b"\n", end) + 1
    return end


def _texts_end(block: bytes, times: int) -> int:
    """Return where a RowBinary header ends: the number of columns, then `times` texts for each."""
    columns, position = _varint(block, 0)
    for _ in range(columns * times):
        length, position = _varint(block, position)
        position += length
    return position


def _varint(block: bytes, position: int) -> tuple[int, int]:
    """Return the LEB128 number at `position` and where it ends."""
    value = shift = 0
    while True:
        byte = block[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
