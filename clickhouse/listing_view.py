"""How an answer of rows looks: a table with the columns that matter, JSON values and flat rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from clickhouse.plain import NONE, moment, plain, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from clickhouse.listing import Listing

FORMATS: Final = {"weighted_rating": ",.2f", "score": ",.1f", "roi": ",.2f", "c": ",.2f", "r": "+,.2f", "mase": ",.2f"}
MONEY: Final = ("budget_usd", "revenue_usd", "profit_usd")


def render_listing(listing: Listing) -> RenderableType:
    """Return a table of the rows under the facts that they rest on."""
    basis = listing.basis
    facts = [f"{basis.films:,} films seen", f"as of {moment(basis.as_of)}", basis.state, f"days in {basis.day_zone}"]
    facts += [f"{name.replace('_', ' ')} {cell(name, value)}" for name, value in listing.parameters.items()]
    head = [Text(f"{listing.headline}: {basis.day}", style="bold"), Text(" · ".join(facts))]
    if listing.note:
        head.append(Text(listing.note, style="yellow"))
    if not listing.rows:
        return Group(
            *head, *([] if listing.note else [Text("Nothing is listed: nothing was seen, or none qualifies.")])
        )
    return Group(*head, _table(listing), Text(listing.attribution, style="dim"))


def listing_document(listing: Listing) -> dict[str, Any]:
    """Return the listing as JSON values."""
    return {
        "name": listing.name,
        **plain(listing.basis),
        "parameters": {name: plain(value) for name, value in listing.parameters.items()},
        "note": listing.note,
        "attribution": listing.attribution,
        "rows": [_values(listing, row) for row in listing.rows],
    }


def listing_rows(listing: Listing) -> list[dict[str, Any]]:
    """Return one flat row each, with what all rest on."""
    about = {"day": plain(listing.basis.day), "as_of": plain(listing.basis.as_of), "state": listing.basis.state}
    given = {name: plain(value) for name, value in listing.parameters.items() if name not in listing.columns}
    return [{**_values(listing, row), **about, **given} for row in listing.rows]


def listing_columns(listing: Listing) -> tuple[str, ...]:
    """Return the columns of `listing_rows`, which has no row to tell them where nothing is listed."""
    given = (name for name in listing.parameters if name not in listing.columns)
    return (*listing.columns, "day", "as_of", "state", *given)


def cell(name: str, value: object) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in MONEY and isinstance(value, int | float):
        return f"{value / 1e6:,.1f} M"
    if isinstance(value, float):
        return f"{value:{FORMATS.get(name, ',.1f')}}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _values(listing: Listing, row: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(row[name]) for name in listing.columns}


def _table(listing: Listing) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(listing.shown):
        head = name.replace("_percent", " %").replace("_usd", " $").replace("_", " ")
        table.add_column(head, justify="left" if place == 0 else "right", no_wrap=True, overflow="ellipsis")
    for row in listing.rows:
        # Text and not markup: a title may have brackets.
        table.add_row(*(Text(cell(name, row[name])) for name in listing.shown))
    return table
