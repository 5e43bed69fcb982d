"""Posts taken out of the tables: which rows go, which stay, and that nothing reappears on the way."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from clickhouse.erasure import FORGOTTEN, Sweeper, erase_posts, mentions_of_posts, rows_of_posts, sweep
from clickhouse.tables import DEAD_LETTERS
from tests.clickhouse.tables import Filled, filled
from tests.fixtures.world import eventually

__all__ = ["filled"]

pytestmark = pytest.mark.real

DAY = "2026-09-14T12:00:00"
BEFORE = "2026-08-14T12:00:00"


def shown(filled: Filled) -> set[tuple[int, str]]:
    """Return the mentions that a reader sees."""
    return {
        (film, post) for film, post in filled.client.query("SELECT tmdb_id, post_id FROM mentions FINAL").result_rows
    }


def stored(filled: Filled) -> list[tuple[int, str, int]]:
    """Return every row of the table, hidden ones included."""
    return [
        tuple(row)
        for row in filled.client.query("SELECT tmdb_id, post_id, is_deleted FROM mentions ORDER BY ALL").result_rows
    ]


def test_a_posts_rows_go_and_those_of_others_stay(filled: Filled) -> None:
    """Mentions of two films in two months' parts, one retracted, one seen twice; a like-named post stays."""
    filled.mention(7, "t3_abc", DAY)
    filled.mention(7, "t3_abc", DAY)
    filled.mention(8, "t3_abc", BEFORE)
    filled.mention(8, "t3_abc", BEFORE, gone=True)
    filled.mention(7, "t3_abcd", DAY)
    filled.mention(7, "t1_abc", DAY)

    assert {(one.tmdb_id, one.post_id) for one in mentions_of_posts(filled.client, ["t3_abc"])} == {
        (7, "t3_abc"),
        (8, "t3_abc"),
    }
    assert rows_of_posts(filled.client, ["t3_abc"]) == {"mentions": 4, "mention_terms": 0, "dead_letters": 0}
    erase_posts(filled.client, ["t3_abc"])

    assert rows_of_posts(filled.client, ["t3_abc"]) == {"mentions": 0, "mention_terms": 0, "dead_letters": 0}
    assert stored(filled) == [(7, "t1_abc", 0), (7, "t3_abcd", 0)]


def test_a_letters_message_loses_the_id_and_stays(filled: Filled) -> None:
    """What failed, and how often, is still known; which post it was is not."""
    for offset, name in enumerate(["t3_abc", "t3_abcd"]):
        filled.insert(
            DEAD_LETTERS,
            stage="link",
            reason="title_missing",
            error=f"'{name}': no title",
            failed_at=1,
            revision=offset,
        )

    assert rows_of_posts(filled.client, ["t3_abc", "t1_x"])["dead_letters"] == 1
    erase_posts(filled.client, ["t3_abc", "t1_x"])

    errors = filled.client.query("SELECT error FROM dead_letters ORDER BY revision").result_rows
    assert errors == [(f"'{FORGOTTEN}': no title",), ("'t3_abcd': no title",)]


def test_a_table_beside_the_mentions_is_found_by_its_column(filled: Filled) -> None:
    """Shadow tables of a replay hold posts as well."""
    filled.client.command("CREATE TABLE shadow AS mentions")
    filled.mention(7, "t3_abc", DAY)
    filled.client.command("INSERT INTO shadow SELECT * FROM mentions")

    assert rows_of_posts(filled.client, ["t3_abc"]) == {
        "mentions": 1,
        "mention_terms": 0,
        "shadow": 1,
        "dead_letters": 0,
    }
    erase_posts(filled.client, ["t3_abc"])

    assert sum(rows_of_posts(filled.client, ["t3_abc"]).values()) == 0


def test_a_sweep_carries_out_retractions_and_shows_nothing_again(filled: Filled) -> None:
    """Hidden rows and tombstones in separate parts both go; a mention that came back after its retraction stays.

    While it runs, a reader looks again and again: at no moment does he see what was retracted.
    """
    for number in range(20):
        filled.mention(7, f"t3_{number}", DAY)
        filled.mention(7, f"t3_{number}", DAY, gone=True)
    filled.mention(7, "t3_back", DAY, gone=True)
    filled.mention(7, "t3_back", DAY)
    filled.mention(7, "t3_kept", DAY)
    expected, seen, done = {(7, "t3_back"), (7, "t3_kept")}, [], Event()

    def look() -> None:
        while not done.is_set():
            seen.append(shown(filled))

    reader = Thread(target=look)
    reader.start()
    swept = sweep(filled.client, age_seconds=0)
    done.set()
    reader.join()

    assert swept == 21
    assert seen
    assert all(one == expected for one in seen)
    assert [row for row in stored(filled) if row[1] not in {"t3_back", "t3_kept"}] == []
    assert shown(filled) == expected


def test_a_sweep_leaves_fresh_retractions(filled: Filled) -> None:
    """What was retracted a moment ago may still be on its way in another insert."""
    filled.mention(7, "t3_abc", DAY)
    filled.mention(7, "t3_abc", DAY, gone=True)

    assert sweep(filled.client) == 0
    assert len(stored(filled)) == 2


def test_the_sweeper_outlives_a_database_that_is_away(filled: Filled) -> None:
    """A sweep that fails is tried again at the next interval."""
    filled.mention(7, "t3_abc", DAY, gone=True)
    older = "ALTER TABLE mentions UPDATE ingested_at = ingested_at - INTERVAL 1 DAY WHERE 1"
    filled.client.command(older, settings={"mutations_sync": "2"})
    attempts, stop = [0], Event()

    def client() -> object:
        attempts[0] += 1
        if attempts[0] == 1:
            raise OSError("away")
        return filled.client

    thread = Sweeper(client, every_seconds=0.05).start(stop)  # type: ignore[arg-type]  # one of its calls fails
    eventually(lambda: stored(filled) == [])
    stop.set()
    thread.join(10)

    assert not thread.is_alive()
    assert attempts[0] >= 2
