"""Lists as Parquet: a column keeps its type even where all of it is unknown, and carries its unit and formula."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from clickhouse import film_measures, measures, mention_measures
from clickhouse.measures import Measure
from clickhouse.trends import ATTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import BinaryIO

    import pyarrow as pa

# Whatever unit is not here is a number with a fraction.
TYPES: Final = {
    "class": "string",
    "true or false": "bool",
    "day, UTC": "date",
    "instant, UTC": "instant",
    **dict.fromkeys(("place", "places", "votes", "mentions", "posts", "communities", "days"), "integer"),
}
# What every list about films says beside its metrics.
BASIS: Final = {
    **dict.fromkeys(("day", "from", "to"), "date"),
    **dict.fromkeys(("as_of", "known_at", "popularity_at", "seen_at"), "instant"),
    **dict.fromkeys(("compared_days", "previous", "change", "year", "gaps"), "integer"),
    **dict.fromkeys(("tmdb_id", "mentions", "submissions", "comments", "communities"), "integer"),
    **dict.fromkeys(
        ("coverage_share", "previous_coverage_share", "change_share", "share_of_voice", "popularity"), "fraction"
    ),
    **dict.fromkeys(("complete", "revised"), "bool"),
}


def write_parquet(rows: Sequence[Mapping[str, Any]], to: BinaryIO, *, columns: Iterable[str] = ()) -> None:
    """Write the rows as one Parquet file.

    `columns`: the columns of a list that may be empty. A column's type is that of its values; where all are null, or
    the values are ISO 8601 texts, that of its unit in the registry of metrics.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names = list(dict.fromkeys(name for row in rows for name in row)) or list(columns)
    known = measures_of(names)
    arrays = [_array([row.get(name) for row in rows], _kind(name, known.get(name))) for name in names]
    fields = [
        pa.field(name, array.type, metadata=_metadata(known.get(name)))
        for name, array in zip(names, arrays, strict=True)
    ]
    about = {"attribution": ATTRIBUTION, "day_zone": "UTC"} if "tmdb_id" in names else None
    schema = pa.schema(fields, metadata=about)
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), to, compression="zstd")


def measures_of(names: Iterable[str]) -> dict[str, Measure]:
    """Return the metrics among the columns; of a name in several registries, that of the one with most of them."""
    wanted = set(names)
    registries = [
        {one.name: one for one in value}
        for module in (measures, mention_measures, film_measures)
        for value in vars(module).values()
        if isinstance(value, tuple) and value and all(isinstance(one, Measure) for one in value)
    ]
    found: dict[str, Measure] = {}
    for registry in sorted(registries, key=lambda registry: len(wanted & registry.keys())):
        found |= {name: registry[name] for name in wanted & registry.keys()}
    return found


def _kind(name: str, measure: Measure | None) -> str:
    if measure is not None:
        return TYPES.get(measure.unit, "fraction")
    return BASIS.get(name, "")


def _metadata(measure: Measure | None) -> dict[str, str] | None:
    if measure is None:
        return None
    return {"unit": measure.unit, "formula": measure.formula, "null_when": measure.null}


def _array(values: Sequence[Any], kind: str) -> pa.Array:
    """Return the column, of the declared type where it fits the values, else of the type that the values have."""
    import pyarrow as pa

    declared = {
        "string": pa.string(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "instant": pa.timestamp("ms", tz="UTC"),
        "integer": pa.int64(),
        "fraction": pa.float64(),
    }
    try:
        if kind:
            return pa.array([_parsed(value, kind) for value in values], type=declared[kind])
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
        # Another list's column of the same name: its values say what it is.
        pass
    try:
        array = pa.array([_in_utc(value) for value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        array = pa.array([value if isinstance(value, str | None) else _text(value) for value in values])
    if pa.types.is_timestamp(array.type):
        return array.cast(declared["instant"])
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _parsed(value: Any, kind: str) -> Any:
    if isinstance(value, str) and kind == "date":
        return date.fromisoformat(value)
    if isinstance(value, str) and kind == "instant":
        return datetime.fromisoformat(value)
    return _in_utc(value)


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value, default=str, ensure_ascii=False)
