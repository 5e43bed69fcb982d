"""32 real days of TMDB's lists, which lie beside the checkout, and the list that docs/metrics.md shows of one of them.

Run: python -m tests.clickhouse.real_days

Writes that list, read from an engine of its own; a test holds it against the same day loaded through the whole stack.
"""

from __future__ import annotations

import csv
import gzip
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from clickhouse.popularity import PopularityQuestion, read_popularity
from clickhouse.reasons import reasons
from clickhouse.tables import FILMS, POPULARITY
from tests.clickhouse.tables import ms
from tests.fixtures.clickhouse import ServerProcess
from tests.generate_docs import ROOT, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clickhouse.client import Client
    from clickhouse.tables import Table
    from tests.clickhouse.popularity_reference import Seen

REAL_DAYS: Final = ROOT.parent / "shared" / "data" / "tmdb_daily_2026-01-21_2026-02-21.csv.gz"
DAY: Final = date(2026, 2, 20)
SHOWN: Final = 10
NOW: Final = round(time.time() * 1_000)
TOP: Final = 100
PAGE: Final = ROOT / "docs" / "metrics.md"
BEGIN: Final = "<!-- real day -->\n"
END: Final = "<!-- real day ends -->"


def lines() -> Iterator[dict[str, str]]:
    """Yield the lines of the file, of a film that a list has twice the first: pages shift while they are read."""
    told: set[tuple[str, ...]] = set()
    with gzip.open(REAL_DAYS, "rt", encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            place = (line["list"], line["generated_at"], line["tmdb_id"])
            if place not in told:
                told.add(place)
                yield line


def seen() -> list[tuple[int, date, Seen]]:
    """Return a film's numbers on a day, in the file's order: the last line of a film and day is what counts."""
    return [
        (
            int(line["tmdb_id"]),
            date.fromisoformat(line["date"]),
            numbers_of(line),
        )
        for line in lines()
    ]


def numbers_of(line: dict[str, str]) -> Seen:
    """Return popularity, votes and mean vote, which a film without votes has none of."""
    votes = int(line["vote_count"])
    return float(line["popularity"]), votes, float(line["vote_average"]) if votes else None


def gainers(client: Client) -> str:
    """Return the films that gained most on the day, and why, as a Markdown table."""
    report = read_popularity(client, PopularityQuestion(by="gainers", day=DAY, limit=SHOWN, top=TOP))
    rows = (
        (
            str(place),
            f"{film['title']} ({(film['release_date'] or '')[:4]})",
            f"{film['popularity']:.1f}",
            f"{film['wow_percent']:+.0f} %",
            "; ".join(reasons(film, DAY)),
        )
        for place, film in enumerate(report.films, 1)
    )
    return table(("#", "Film", "Popularity", "In a week", "Why"), rows)


def shown() -> str:
    """Return the list that the page has."""
    return PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write the list into the page."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder))
        server.start()
        try:
            migrate(server.settings, load_migrations())
            client = connect(server.settings)
            load(client)
            text = PAGE.read_text("utf-8")
            PAGE.write_text(text.replace(BEGIN + shown() + END, BEGIN + gainers(client) + END), "utf-8")
        finally:
            server.stop()


def load(client: Client) -> None:
    """Insert the snapshots and films of the file, as the sink does, without the way through Kafka."""
    snapshots = []
    for number, line in enumerate(lines(), 1):
        tmdb_id, at = int(line["tmdb_id"]), ms(line["generated_at"])
        snapshots.append((tmdb_id, at, line["list"], *numbers_of(line), number))
    names = ["tmdb_id", "observed_at", "source", "popularity", "vote_count", "vote_average", "revision"]
    _insert(client, POPULARITY, names, snapshots)
    load_films(client)


def load_films(client: Client) -> None:
    """Insert the films of the file as seen now: what was seen then is older than the six months that TMDB allows."""
    films = {}
    for number, line in enumerate(lines(), 1):
        tmdb_id = int(line["tmdb_id"])
        films[tmdb_id] = (tmdb_id, line["title"], line["release_date"] or None, NOW, number)
    _insert(client, FILMS, ["tmdb_id", "title", "release_date", "observed_at", "revision"], list(films.values()))


def _insert(client: Client, into: Table, names: list[str], rows: Sequence[Sequence[object]]) -> None:
    kinds = dict(into.columns)
    client.insert(into.name, rows, column_names=names, column_type_names=[kinds[name] for name in names])


if __name__ == "__main__":
    main()
