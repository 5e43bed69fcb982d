"""Bursts from mentions one by one, with numbers worked by hand."""

from __future__ import annotations

import random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_processors.bursts import Burst, Detector
from stream_processors.bursts.film import MOST_AN_HOUR, UNKNOWN_AUTHOR
from stream_processors.bursts.rules import HOUR_MS, OPEN_HOURS

START: Final = 494_016
"""A Monday's first hour."""
FILM: Final = 603
OTHER: Final = 604
MINUTE: Final = 60_000


def at(hour: float) -> int:
    """Return an instant, by hours since the start."""
    return round((START + hour) * HOUR_MS)


def quiet(hours: int = 30) -> Detector:
    """Return a detector that has heard of one other film once an hour for so many hours."""
    detector = Detector()
    for hour in range(hours):
        assert detector.came(OTHER, hour, at(hour + 0.5)) == []
    return detector


def talk(detector: Detector, begin: float, posts: int, *, first: int = 1_000, authors: int = 1_000) -> list[Burst]:
    """Let so many posts name the film, a minute apart."""
    found = []
    for number in range(posts):
        found += detector.came(FILM, first + number, at(begin) + number * MINUTE, number % authors)
    return found


def test_eight_posts_about_a_film_nobody_named_are_a_burst() -> None:
    """Minimum support, and the score on paper.

    30 hours of history: its share is 30/36, so phi = 30/36 x 0.3 + 6/36 x 1 = 5/12 and r = 2.4. Nothing is expected,
    so mu = 0.3. n = 8: sqrt(2 (8 ln(8/0.3) - 10.4 ln(10.4/2.7))) = sqrt(2 (26.26731 - 14.02496)) = 4.94820.
    """
    (burst,) = talk(quiet(), 30, 8)
    assert burst.tmdb_id == FILM
    assert not burst.ended
    assert (burst.mentions, burst.hours, burst.authors) == (8, 1, 8)
    assert burst.at == burst.began_at == at(30) + 7 * MINUTE
    assert burst.score == pytest.approx(4.94820, abs=1e-4)
    assert burst.expected == 0


def test_seven_posts_are_too_few() -> None:
    """Minimum support is eight mentions, whatever the score."""
    assert talk(quiet(), 30, 7) == []


def test_four_authors_are_too_few_and_a_fifth_is_enough() -> None:
    """One person's twenty comments are no burst."""
    detector = quiet()
    assert talk(detector, 30, 20, authors=4) == []
    assert [burst.authors for burst in detector.came(FILM, 5_000, at(30.5), 77)] == [5]


def test_without_any_author_known_the_condition_is_left_out() -> None:
    """Mentions linked by an earlier version have no sketch of their author."""
    detector = quiet()
    found = [burst for number in range(8) for burst in detector.came(FILM, number, at(30) + number)]
    assert [burst.authors for burst in found] == [None]


def test_the_same_post_counts_once() -> None:
    """A post that is looked at again is the same mention."""
    detector = quiet()
    assert talk(detector, 30, 7) == []
    assert talk(detector, 30.5, 7) == []


def test_a_retracted_mention_is_taken_out() -> None:
    """Eight posts of which one was deleted before the eighth came are seven."""
    detector = quiet()
    assert talk(detector, 30, 7) == []
    assert detector.went(FILM, 1_000, at(30))
    assert not detector.went(FILM, 1_000, at(30))
    assert talk(detector, 30.2, 1, first=2_000) == []
    assert len(talk(detector, 30.3, 1, first=3_000)) == 1


def test_a_burst_ends_when_its_hours_are_over() -> None:
    """The end comes at the close of the hour whose spans fall below the score or the support, with the peak."""
    detector = quiet()
    (begun,) = talk(detector, 30, 20)
    ends = [burst for hour in range(31, 40) for burst in detector.came(OTHER, hour, at(hour + 0.5))]
    (end,) = ends
    assert end.ended
    assert end.began_at == begun.at
    # Spans of up to three hours still hold the posts at the close of the third.
    assert end.at == at(34)
    assert end.mentions == 20
    assert end.score > begun.score


def test_one_burst_a_film_and_day() -> None:
    """A second wave on the same UTC day is not told again; the next day's is."""
    detector = quiet(48)
    assert len(talk(detector, 48, 20)) == 1
    for hour in range(49, 60):
        detector.came(OTHER, hour, at(hour + 0.5))
    assert talk(detector, 60, 30, first=2_000) == []
    for hour in range(61, 72):
        detector.came(OTHER, hour, at(hour + 0.5))
    assert len(talk(detector, 76, 60, first=3_000)) == 1


def test_a_burst_does_not_begin_again_within_six_hours_of_its_end() -> None:
    """Cool-down: ended at the close of hour 69, the next may begin in hour 76 and not in hour 74."""

    def second(hour: float) -> list[Burst]:
        detector = quiet(66)
        assert len(talk(detector, 66, 20)) == 1
        for each in range(67, int(hour)):
            detector.came(OTHER, each, at(each + 0.5))
        return [burst for burst in talk(detector, hour, 60, first=2_000) if not burst.ended]

    assert second(74) == []
    assert len(second(76)) == 1


def test_a_part_of_an_hour_is_compared_with_the_same_part() -> None:
    """A film named 12 times an hour: 12 in the first quarter are far more than usual, 12 in a whole hour are not."""

    def after(minutes: float) -> float:
        detector = Detector()
        number = 0
        for hour in range(60):
            for part in range(12):
                number += 1
                detector.came(FILM, number, at(hour + (part + 0.5) / 12))
        for part in range(12):
            detector.came(FILM, number + 1 + part, at(60) + round(part * minutes * MINUTE / 12))
        detector.came(OTHER, 1, at(60 + minutes / 60))
        verdict = detector.verdict(FILM, START + 60)
        assert verdict is not None
        return verdict.score

    assert after(15) > after(30) > after(59)
    assert after(59) < 1


def test_hours_without_any_data_are_no_part_of_the_baseline() -> None:
    """An outage of the source is unknown, not silence: after it the baseline is what it was."""

    def expected(*, outage: bool) -> float:
        detector = Detector()
        number = 0
        for hour in range(160):
            if outage and 100 <= hour < 130:
                continue
            for part in range(12):
                number += 1
                detector.came(FILM + part % 2, number, at(hour + (part + 0.5) / 12))
        verdict = detector.verdict(FILM, START + 159)
        assert verdict is not None
        return verdict.expected

    assert expected(outage=True) == pytest.approx(expected(outage=False), rel=0.05)


def test_a_surge_of_everything_is_nobodys_burst() -> None:
    """When all films are named ten times as often at once, no single one of them stands out."""
    detector = Detector()
    number = 0
    bursts = []
    for hour in range(80):
        for post in range(40 if hour < 78 else 400):
            number += 1
            times = 40 if hour < 78 else 400
            bursts += detector.came(FILM + post % 20, number, at(hour + post / times))
    assert bursts == []


def test_a_mention_older_than_the_open_hours_changes_nothing() -> None:
    """What comes fifty hours late is not counted here."""
    detector = quiet(60)
    assert talk(detector, 59 - OPEN_HOURS, 50) == []
    assert FILM not in detector.films


def test_late_mentions_of_one_hour_are_its_burst() -> None:
    """A log read again has mentions where they were last looked at: the burst is found in the hour it was in."""
    detector = quiet(60)
    (burst,) = talk(detector, 40, 8)
    assert burst.at == at(40) + 7 * MINUTE


def test_what_is_kept_of_a_film_is_bounded() -> None:
    """However loud a film is: open hours, and posts in each of them."""
    detector = Detector()
    for hour in range(3):
        for number in range(MOST_AN_HOUR + 500):
            detector.came(FILM, hour * 10_000 + number, at(hour) + number)
    for hour in range(3, 2 * OPEN_HOURS):
        detector.came(FILM, -hour, at(hour))
    film = detector.films[FILM]
    assert max(film.mentions(START + hour) for hour in range(3)) <= MOST_AN_HOUR
    assert len(film.hours) <= OPEN_HOURS
    assert len(detector.volume.hours) <= OPEN_HOURS + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_duplicates_anywhere_change_nothing(seed: int) -> None:
    """Every record of a log delivered again at any later place within the open hours gives the same bursts."""
    draw = random.Random(seed)  # noqa: S311 - a test's, no secret
    posts = [
        (draw.choice((FILM, OTHER, 605)), number, at(draw.uniform(0, 3) + hour), draw.choice((None, number % 9)))
        for number, hour in enumerate(sorted(draw.choices(range(40), k=150)))
    ]
    doubled = []
    for place, post in enumerate(posts):
        doubled.append(post)
        if draw.random() < 0.3:
            doubled.append(draw.choice(posts[: place + 1]))
    assert _bursts(doubled) == _bursts(posts)


def _bursts(posts: list[tuple[int, int, int, int | None]]) -> list[Burst]:
    detector = Detector()
    return [burst for post in posts for burst in detector.came(*post)]


def test_no_author_is_none_of_the_authors() -> None:
    """The mark of an unknown author is no value that a sketch can have."""
    assert UNKNOWN_AUTHOR < 0
