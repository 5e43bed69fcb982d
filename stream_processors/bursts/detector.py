"""Bursts of the films of one partition of `movie.mentions`, as a fold over its records in their order.

An hour is compared with what the film's baseline expects of it, while it runs too: a part of an hour against the same
part of the expectation. All is event time. The clock is the latest creation of a post so far, hours are counted from
1970-01-01 UTC, and nothing depends on when a record is processed: the same records in the same order give the same
bursts.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

from stream_processors.bursts.baseline import Expectation, score
from stream_processors.bursts.film import FORGOTTEN_HOURS, MOST_AN_HOUR, NEVER, UNKNOWN_AUTHOR, Film
from stream_processors.bursts.rules import DAY_HOURS, DEFAULT_RULE, HOUR_MS, OPEN_HOURS, BurstRule
from stream_processors.bursts.volume import RATIO_PRIOR, HourVolume, Volume

DETECTOR_VERSION: Final = "burst-1"
"""Changes whenever the same mentions may give other bursts."""


PEER_DISPERSION: Final = 1.0
BEGAN: Final = False
ENDED: Final = True


Changes = dict[tuple[int, int], int | None]
"""Author's sketch by hour and packed post; None for one that was taken out."""


class Burst(NamedTuple):
    """The beginning or the end of a burst.

    `at`: event time, milliseconds; `began_at`: that of the beginning, which names the burst. Of the span with the
    highest score: `score`, `mentions`, `expected` ones, its length in `hours`; `authors` None where none is known. An
    end has score and mentions of the peak.
    """

    tmdb_id: int
    at: int
    began_at: int
    ended: bool
    score: float
    mentions: int
    expected: float
    hours: int
    authors: int | None


class Verdict(NamedTuple):
    """The span of a film with the highest score, of those that have the support."""

    score: float
    mentions: int
    expected: float
    hours: int
    authors: int | None


class Detector:
    """The films of one partition.

    Args:
        rule: what a burst is.
    """

    def __init__(self, rule: BurstRule = DEFAULT_RULE) -> None:
        self.rule = rule
        self.now = 0
        """The clock: the latest event time so far, milliseconds."""
        self.volume = Volume()
        self.films: dict[int, Film] = {}
        self.bursting: set[int] = set()
        self.changes: dict[int, Changes] = {}
        """Films that changed, with the posts that came and went; whoever keeps the state elsewhere takes them."""
        self.heard: set[int] = set()
        """Hours whose volume changed."""
        self.turned = False
        """The clock has passed into another hour."""

    @property
    def hour(self) -> int:
        """The clock's hour."""
        return self.now // HOUR_MS

    def came(self, tmdb_id: int, post: int, created_at: int, author: int | None = None) -> list[Burst]:
        """Take a post that names a film; return the bursts that begin or end by it.

        `post`: packed (`stream_processors.identity`); `author`: a sketch of who wrote it. A post known already
        changes nothing.
        """
        bursts = self._advance(created_at)
        hour = created_at // HOUR_MS
        if hour <= self.hour - OPEN_HOURS:
            return bursts
        film = self._film(tmdb_id)
        posts = film.hours.setdefault(hour, {})
        if post in posts or len(posts) >= MOST_AN_HOUR:
            return bursts
        posts[post] = author = UNKNOWN_AUTHOR if author is None else author
        self._volume_of(hour).came(tmdb_id, len(posts))
        self._touched(tmdb_id, film, hour)[hour, post] = author
        if (begun := self._begun(tmdb_id, film, hour, created_at)) is not None:
            bursts.append(begun)
        return bursts

    def went(self, tmdb_id: int, post: int, created_at: int) -> bool:
        """Take a post out again; return whether it was in."""
        hour = created_at // HOUR_MS
        film = self.films.get(tmdb_id)
        posts = None if film is None else film.hours.get(hour)
        if film is None or posts is None or hour <= self.hour - OPEN_HOURS or posts.pop(post, None) is None:
            return False
        self._volume_of(hour).went(tmdb_id, len(posts))
        if not posts:
            del film.hours[hour]
        self._touched(tmdb_id, film, hour)[hour, post] = None
        return True

    def settle(self) -> None:
        """Note that the changes have been taken."""
        self.changes, self.heard, self.turned = {}, set(), False

    def restored(self) -> None:
        """Note that films and volume have been put back from elsewhere."""
        self.bursting = {tmdb_id for tmdb_id, film in self.films.items() if film.began_at != NEVER}
        self.settle()

    def forget_idle(self) -> None:
        """Drop films that nobody named for so long that their next mention makes them begin anew."""
        least = self.hour - OPEN_HOURS - FORGOTTEN_HOURS
        self.films = {tmdb_id: film for tmdb_id, film in self.films.items() if film.through >= least or film.hours}

    def verdict(self, tmdb_id: int, hour: int, at_least: float = -inf) -> Verdict | None:
        """Return how a film's talk up to and with an hour compares.

        None below the least support, and where no span's score reaches `at_least`.
        """
        film, rule = self.films[tmdb_id], self.rule
        best: Verdict | None = None
        exposure, posts = 0.0, 0
        spans = set(rule.windows)
        for length in range(1, rule.windows[-1] + 1):
            each = hour - length + 1
            posts += film.mentions(each)
            exposure += self.volume.cycle(each) * self._elapsed(each)
            if length not in spans or posts < rule.least_mentions:
                continue
            own = self._own(film, hour, exposure)
            # What is expected is never less than this, so the score is never more.
            if score(posts, own) < at_least:
                continue
            expected = self._expected(tmdb_id, hour, length, exposure, own)
            value = score(posts, expected)
            if value >= at_least and (best is None or value > best.score):
                best = Verdict(value, posts, expected.mean, length, None)
        if best is None:
            return None
        return best._replace(authors=self._authors(film, hour, best.hours))

    def _advance(self, created_at: int) -> list[Burst]:
        """Move the clock; return the bursts that ended in the hours that it closed."""
        if created_at <= self.now:
            return []
        before, self.now = self.hour, created_at
        if not before:
            self.volume.start = self.hour
            self.turned = True
            return []
        bursts: list[Burst] = []
        closed = range(before, self.hour)
        for hour in closed[-OPEN_HOURS:]:
            self.volume.close(hour)
            bursts += self._ended(hour)
        if closed:
            self.turned = True
            self.volume.forget(self.hour)
        return bursts

    def _ended(self, hour: int) -> list[Burst]:
        """Follow the bursts that go on to the end of an hour; return those that it ends."""
        if hour in self.volume.unknown:
            return []
        bursts = []
        for tmdb_id in sorted(self.bursting):
            film = self.films[tmdb_id]
            verdict = self.verdict(tmdb_id, hour)
            # The hours behind this one are yet to be learnt from.
            film.working = None
            if verdict is not None and verdict.score > film.peak:
                film.peak, film.peak_mentions = verdict.score, verdict.mentions
                self.changes.setdefault(tmdb_id, {})
            if verdict is None or verdict.score < self.rule.end_score:
                bursts.append(self._end(tmdb_id, film, hour))
        return bursts

    def _end(self, tmdb_id: int, film: Film, hour: int) -> Burst:
        expected = self._own(film, hour, self.volume.cycle(hour)).mean
        burst = Burst(
            tmdb_id, (hour + 1) * HOUR_MS, film.began_at, ENDED, film.peak, film.peak_mentions, expected, 1, None
        )
        film.began_at, film.ended_hour, film.peak, film.peak_mentions = NEVER, hour, 0.0, 0
        self.bursting.discard(tmdb_id)
        self.changes.setdefault(tmdb_id, {})
        return burst

    def _begun(self, tmdb_id: int, film: Film, hour: int, at: int) -> Burst | None:
        """Return the burst that begins with a mention just taken."""
        rule, day = self.rule, hour // DAY_HOURS
        rests = film.ended_hour != NEVER and hour - film.ended_hour <= rule.cooldown_hours
        if film.began_at != NEVER or rests or day <= film.began_day:
            return None
        if sum(film.mentions(hour - back) for back in range(rule.windows[-1])) < rule.least_mentions:
            return None
        verdict = self.verdict(tmdb_id, hour, rule.begin_score)
        if verdict is None or (verdict.authors is not None and verdict.authors < rule.least_authors):
            return None
        film.began_at, film.began_day = at, day
        film.peak, film.peak_mentions = verdict.score, verdict.mentions
        self.bursting.add(tmdb_id)
        return Burst(tmdb_id, at, at, BEGAN, *verdict)

    def _own(self, film: Film, hour: int, exposure: float) -> Expectation:
        """Return what a film's own history alone makes expected, weighed by how long it is."""
        rule, history = self.rule, hour - self.volume.start
        baseline = film.baseline_through(hour - rule.windows[-1], self.hour, self.volume, rule)
        share = history / (history + rule.prior_hours) if history > 0 else 0.0
        dispersion = baseline.dispersion(min(history, rule.half_life_hours))
        # Among peers the rates themselves differ about as much as their mean.
        return Expectation(share * baseline.m * exposure, share * dispersion + (1.0 - share) * PEER_DISPERSION)

    def _expected(self, tmdb_id: int, hour: int, length: int, exposure: float, own: Expectation) -> Expectation:
        """Return what is expected of the hours that end with `hour`.

        A film with little history is shrunk towards its peers: what the other films that are named at all are named
        now. And where all of them are named more than usual, so much more is expected of each.
        """
        film, volume, rule = self.films[tmdb_id], self.volume, self.rule
        others = peers = 0
        for each in range(hour - length + 1, hour + 1):
            heard = volume.hours.get(each)
            if heard is not None:
                said, films = heard.others(tmdb_id, film.mentions(each))
                others, peers = others + said, peers + films
        share = rule.prior_hours / (max(0, hour - volume.start) + rule.prior_hours)
        alike = others / peers * length if peers else 0.0
        usual = max(0.0, volume.level * exposure - own.mean)
        surge = max(1.0, (others + RATIO_PRIOR) / (usual + RATIO_PRIOR))
        return Expectation((own.mean + share * alike) * surge, own.dispersion)

    def _elapsed(self, hour: int) -> float:
        """Return the share of an hour that is over."""
        return min(1.0, max(0.0, (self.now - hour * HOUR_MS) / HOUR_MS))

    def _authors(self, film: Film, hour: int, length: int) -> int | None:
        """Return how many authors the posts of a span have at least; None where no author is known."""
        known: set[int] = set()
        unknown = 0
        for each in range(hour - length + 1, hour + 1):
            for author in film.hours.get(each, {}).values():
                if author == UNKNOWN_AUTHOR:
                    unknown += 1
                else:
                    known.add(author)
        return len(known) + unknown if known else None

    def _film(self, tmdb_id: int) -> Film:
        film = self.films.get(tmdb_id)
        if film is None:
            film = self.films[tmdb_id] = Film(self.hour - OPEN_HOURS)
        if film.absorb(self.hour, self.volume, self.rule):
            self.changes.setdefault(tmdb_id, {})
        return film

    def _volume_of(self, hour: int) -> HourVolume:
        return self.volume.hours.setdefault(hour, HourVolume())

    def _touched(self, tmdb_id: int, film: Film, hour: int) -> Changes:
        """Note that an hour of a film changed, and return its changes."""
        self.heard.add(hour)
        if film.working is not None and hour <= film.working[1]:
            film.working = None
        return self.changes.setdefault(tmdb_id, {})
