from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from producers.tmdb.films import RANK, fingerprint, news
from producers.tmdb.state import Published
from schemas.events import Movie

MATRIX = Movie(
    tmdb_id=603,
    title="The Matrix",
    observed_at=1,
    source="list",
    release_date="1999-03-31",
    popularity=80.0,
    vote_count=10,
    vote_average=8.0,
)
DETAILED = replace(MATRIX, source="details", alternative_titles=("Matrix",), runtime_minutes=136)


def published(movie: Movie) -> dict[int, Published]:
    """Return a memory that holds this film as published."""
    return {movie.tmdb_id: Published(movie.source, fingerprint(movie))}


class TestFingerprint:
    """What counts as a change of a film."""

    def test_numbers_of_the_moment_do_not_count(self) -> None:
        """Another time, popularity or votes leave the record as it is."""
        later = replace(MATRIX, observed_at=2, popularity=1.0, vote_count=11, vote_average=7.9)

        assert fingerprint(later) == fingerprint(MATRIX)

    def test_everything_else_counts(self) -> None:
        """Each other field makes another fingerprint."""
        others = [
            replace(MATRIX, title="Matrix"),
            replace(MATRIX, alternative_titles=("x",)),
            replace(MATRIX, release_date=None),
            replace(MATRIX, cast=("x",)),
            replace(MATRIX, directors=("x",)),
            replace(MATRIX, revenue_usd=2_923_706_026),
            replace(MATRIX, source="details"),
        ]

        assert len({fingerprint(movie) for movie in [MATRIX, *others]}) == len(others) + 1


class TestNews:
    """What goes out."""

    def test_new_films(self) -> None:
        """A film never published is news, once."""
        assert list(news([MATRIX, replace(MATRIX, popularity=3.0)], {})) == [603]

    def test_the_same_again_is_none(self) -> None:
        """A film told of as before is no news."""
        assert news([replace(MATRIX, observed_at=9, vote_count=99)], published(MATRIX)) == {}

    def test_a_change_of_content_is_news(self) -> None:
        """The same source with another date publishes anew."""
        moved = replace(MATRIX, release_date="1999-04-01")

        assert news([moved], published(MATRIX))[603][0] == moved

    def test_details_replace_a_list_entry(self) -> None:
        """A better source publishes over a lesser one."""
        assert news([DETAILED], published(MATRIX))[603][0] == DETAILED

    def test_a_list_entry_never_replaces_details(self) -> None:
        """A lesser source takes nothing back, within one batch neither."""
        changed = replace(MATRIX, title="Matrix, The")

        assert news([changed], published(DETAILED)) == {}
        assert news([DETAILED, changed], {})[603][0] == DETAILED

    @given(st.lists(st.tuples(st.sampled_from(sorted(RANK)), st.sampled_from("abc")), max_size=8))
    def test_the_best_source_wins_in_any_order(self, sightings: list[tuple[str, str]]) -> None:
        """After any sequence of sightings the record is the latest one of the best source seen."""
        memory: dict[int, Published] = {}
        sent: Movie | None = None

        for source, title in sightings:
            for movie, now in news([replace(MATRIX, source=source, title=title)], memory).values():
                sent, memory = movie, {603: now}

        if sightings:
            best = max(RANK[source] for source, _ in sightings)
            latest = [title for source, title in sightings if RANK[source] == best][-1]
            assert sent is not None
            assert (RANK[sent.source], sent.title) == (best, latest)
