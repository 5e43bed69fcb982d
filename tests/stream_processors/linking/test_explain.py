"""Why a candidate was linked or not."""

from __future__ import annotations

from stream_processors.linking import Catalog, Message, link
from stream_processors.linking.explain import explain
from tests.stream_processors.linking.films import FILMS

CATALOG = Catalog.build(FILMS)


def test_verdicts_agree_with_the_linker() -> None:
    """What is explained as linked is what the linker links, and every verdict has its reasons."""
    message = Message("'Dune: Part Two' (2024) is better than Prey", community="movies")

    verdicts = explain(message, CATALOG, 0.5)

    linked = {(one.start, one.end, one.film.tmdb_id) for one in verdicts if one.outcome == "linked"}
    assert linked == {(one.start, one.end, one.tmdb_id) for one in link(message, CATALOG, 0.5)}
    assert {one.outcome for one in verdicts} <= {"linked", "unsure", "covered"}
    assert all(one.reasons for one in verdicts)


def test_shorter_name_is_covered_by_the_longer() -> None:
    """Dune inside Dune: Part Two is a candidate that does not stand."""
    verdicts = explain(Message("'Dune: Part Two' (2024)", community="movies"), CATALOG, 0.5)

    assert [one.name for one in verdicts if one.outcome == "linked"] == ["dune part two"]
    assert {one.name for one in verdicts if one.outcome == "covered"} >= {"dune"}


def test_text_without_names_has_no_verdict() -> None:
    """Nothing to explain is an empty list."""
    assert explain(Message("nothing at all"), CATALOG, 0.5) == []
