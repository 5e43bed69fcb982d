"""The registry of metrics: what each number means, how it is computed, and when there is none.

`docs/metrics.md` is made from it, and a test holds it against the columns that the queries return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TMDB: Final = "TMDB snapshots (`tmdb.popularity`)"
MENTIONED: Final = "mentions (`movie.mentions`)"
TOLD: Final = "counts of terms (`term_counts`)"


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric.

    `formula` uses p, v, s for the last popularity, votes and mean vote seen of a film on a UTC day; x(k) is x k days
    ago. `null`: when there is no value. `example`: numbers that a reader can follow.
    """

    name: str
    formula: str
    unit: str
    null: str
    example: str
    source: str = TMDB


POPULARITY: Final = (
    Measure("seen_at", "last time the film was seen on the day", "instant, UTC", "never", "2026-02-10 07:04:44"),
    Measure("popularity", "p", "TMDB's own, none", "not seen on the day", "49.0"),
    Measure("votes", "v", "votes", "not seen on the day", "1,644"),
    Measure("score", "s", "0 to 10", "not seen, or no votes", "7.1"),
    Measure("dod", "p - p(1)", "popularity", "not seen on either day", "60 - 50 = 10"),
    Measure("dod_percent", "100 (p - p(1)) / p(1)", "%", "p(1) unknown or 0", "100 (60 - 50) / 50 = 20"),
    Measure(
        "mean_7d",
        "mean of p(0) … p(6), days seen",
        "popularity",
        "fewer than 4 days seen",
        "(40 + 50 + 60 + 50) / 4 = 50",
    ),
    Measure("deviation_7d", "p - mean_7d", "popularity", "either unknown", "60 - 50 = 10"),
    Measure(
        "volatility_7d",
        "standard deviation of a sample of p(0) … p(6)",
        "popularity",
        "fewer than 4 days seen",
        "of 40, 50, 60, 50: √(200 / 3) = 8.16",
    ),
    Measure("wow", "p - p(7)", "popularity", "either unknown", "60 - 40 = 20"),
    Measure("wow_percent", "100 (p - p(7)) / p(7)", "%", "p(7) unknown or 0", "100 (60 - 40) / 40 = 50"),
    Measure("week_mean", "mean of p since Monday, days seen", "popularity", "no day seen", "(50 + 70) / 2 = 60"),
    Measure("week_mean_before", "mean of p in the ISO week before, days seen", "popularity", "no day seen", "50"),
    Measure(
        "week_percent",
        "100 (week_mean - week_mean_before) / week_mean_before",
        "%",
        "either unknown, or the earlier 0",
        "100 (60 - 50) / 50 = 20",
    ),
    Measure("week_peak", "highest p since Monday", "popularity", "no day seen", "70"),
    Measure("week_low", "lowest p since Monday", "popularity", "no day seen", "50"),
    Measure(
        "momentum",
        "by dod_percent: > 10 Surging, > 5 Rising, > -5 Stable, > -10 Declining, else Falling; without one, New in the "
        "film's first two days and else Insufficient",
        "class",
        "not seen on the day",
        "20 % is Surging",
    ),
    Measure("vote_velocity", "(v - v(7)) / 7", "votes a day", "either unknown", "(1,070 - 1,000) / 7 = 10"),
    Measure(
        "vote_acceleration",
        "vote_velocity less that of 7 days ago, (v(7) - v(14)) / 7",
        "votes a day, a week",
        "any of the three unknown",
        "10 - 4 = 6",
    ),
    Measure(
        "engagement",
        "by vote_velocity: ≥ 100 Viral, ≥ 50 High, ≥ 20 Moderate, ≥ 5 Low, else Minimal",
        "class",
        "vote_velocity unknown",
        "10 a day is Low",
    ),
    Measure("votes_dod", "v - v(1)", "votes", "not seen on either day", "1,070 - 1,058 = 12"),
    Measure(
        "votes_dod_before",
        "mean of v(k) - v(k + 1) for k = 7 … 13, pairs seen",
        "votes a day",
        "no pair seen",
        "(4 + 6) / 2 = 5",
    ),
    Measure(
        "engagement_trend",
        "votes_dod above, below or at votes_dod_before: Rising, Falling, Steady",
        "class",
        "either unknown",
        "12 against 5 is Rising",
    ),
    Measure(
        "viral_coefficient",
        "60 (v - v(7)) / max(v(7), 1) + 40 (p - p(7)) / max(p(7), 1), held within 0 … 100",
        "0 to 100",
        "any of the four unknown",
        "60 · 70 / 1,000 + 40 · 20 / 40 = 24.2",
    ),
    Measure(
        "viral_coefficient_before", "viral_coefficient of 7 days ago", "0 to 100", "any of its four unknown", "12.0"
    ),
    Measure(
        "viral_category",
        "by viral_coefficient: ≥ 80 Extremely, ≥ 60 Highly, ≥ 40 Moderately, ≥ 20 Slightly, else Not Viral",
        "class",
        "viral_coefficient unknown",
        "24.2 is Slightly Viral",
    ),
    Measure(
        "viral_score",
        "60 PR(g) + 40 PR(h), g = (v - v(7)) / (v(7) + 50), h = ln((p + 1) / (p(7) + 1)), PR = percent rank among the "
        "films for which it is known that day, 0 … 1",
        "0 to 100",
        "any of the four unknown",
        "60 · 0.9 + 40 · 0.5 = 74",
    ),
    Measure(
        "viral_score_category",
        "by viral_score with the bounds of viral_category; Extremely and Highly need vote_velocity ≥ 50",
        "class",
        "viral_score unknown",
        "74 at 10 votes a day is Moderately Viral",
    ),
    Measure(
        "trend",
        "Viral where vote_velocity > 50 and wow > 10; else by wow: > 5 Rising, < -5 Declining, else Stable",
        "class",
        "wow unknown",
        "wow 20 at 10 votes a day is Rising",
    ),
    Measure(
        "emerging",
        "vote_acceleration > 0 and vote_velocity ≥ 10 and (viral_coefficient > 30 or vote_acceleration > 5)",
        "true or false",
        "acceleration or coefficient unknown",
        "6 > 5 at 10 votes a day: true",
    ),
    Measure(
        "breakout",
        "of films whose viral_coefficient is ≥ 40 and above that of 7 days ago, by the latter: < 20 Major; < 40 with "
        "≥ 60 now Strong; risen by ≥ 20 Rapid; else Steady",
        "class",
        "no breakout, or either unknown",
        "12 to 45 is Major",
    ),
    Measure("first_day", "first day on which the film was seen", "day, UTC", "never", "2026-01-21"),
    Measure("peak", "highest popularity ever seen, up to the day", "popularity", "never seen with one", "566.971"),
    Measure("peak_day", "day of the peak, the first of several", "day, UTC", "as peak", "2026-01-21"),
    Measure("rank", "place by p, the lower TMDB id first among equals", "place", "not seen on the day", "3"),
    Measure(
        "rank_before",
        "place on the day compared with: the day before or, where fewer than half as many films were seen then, the "
        "one before it",
        "place",
        "not seen then, or no such day",
        "5",
    ),
    Measure(
        "rank_change",
        "rank_before - rank: positive is up",
        "places",
        "either unknown; joiners and leavers",
        "5 - 3 = 2",
    ),
    Measure("joined", "rank ≤ N and not so on the day compared with", "true or false", "never", "12 to 8 of N = 10"),
    Measure("departed", "rank ≤ N on the day compared with and not any more", "true or false", "never", "8 to 12"),
)

NOW: Final = (
    Measure("now", "a: mentions of the film in the window", "mentions", "never", "30", MENTIONED),
    Measure("before", "b: mentions of the film in the time before the window", "mentions", "never", "40", MENTIONED),
    Measure(
        "volume",
        "V: median of a / b over the films with b ≥ 8, each weighted by its b; Σ a / Σ b where there is none",
        "share",
        "never",
        "0.25: the window has a quarter of the usual film's mentions before it",
        MENTIONED,
    ),
    Measure("expected", "e = V (b + 0.5)", "mentions", "never", "0.25 · 40.5 = 10.125", MENTIONED),
    Measure("ratio", "a / e", "times", "e is 0: nothing known before", "30 / 10.125 = 2.96", MENTIONED),
    Measure(
        "score",
        "(a - e) / √(e + e² / (b + 0.5) + (0.1 e)² + 1): chance, what is not known of b, and a tenth of usual swing",
        "standard deviations",
        "e is 0",
        "19.875 / √(10.125 + 2.53 + 1.03 + 1) = 5.19",
        MENTIONED,
    ),
    Measure(
        "state",
        "Bursting: score ≥ 4, a ≥ 8, ratio ≥ 3; Rising: score ≥ 3, a ≥ 8, ratio ≥ 1.5; Fading: score ≤ -3, e ≥ 8, "
        "ratio ≤ 1 / 1.5; else Steady",
        "class",
        "score unknown",
        "5.19 and 2.96 times: Rising",
        MENTIONED,
    ),
)

SENTIMENT: Final = (
    Measure(
        "sentiment_n",
        "mentions of the day that have a sentiment: a sentence of the post holds the film",
        "mentions",
        "never",
        "24",
        MENTIONED,
    ),
    Measure(
        "sentiment_mean",
        "mean of the mentions' compounds c, each -1 to 1",
        "-1 to 1",
        "sentiment_n below 20",
        "10 of 0.6, 10 of -0.2: 0.2",
        MENTIONED,
    ),
    Measure(
        "sentiment_margin",
        "1.96 s / √n, s the standard deviation of a sample of c: the mean's 95 % interval is mean ± margin",
        "-1 to 1",
        "sentiment_n below 20",
        "s = √(20 · 0.16 / 19) = 0.410: 1.96 · 0.410 / √20 = 0.180",
        MENTIONED,
    ),
    Measure("positive_share", "share of c ≥ 0.05", "0 to 1", "sentiment_n below 20", "10 / 20 = 0.5", MENTIONED),
    Measure("negative_share", "share of c ≤ -0.05", "0 to 1", "sentiment_n below 20", "10 / 20 = 0.5", MENTIONED),
)

WHY: Final = (
    Measure("posts", "y: posts of the day that have the term near the film", "posts", "fewer than 2", "10", TOLD),
    Measure(
        "posts_before",
        "x: such posts of the 28 days before, each day's counted from 2 up",
        "posts",
        "never",
        "2",
        TOLD,
    ),
    Measure(
        "log_odds",
        "ln((y + a) / (n + 100 - y - a)) - ln((x + a) / (m + 100 - x - a)), n the sum of y over all terms, "
        "m of x, and a = 100 (Y + 1) / (N + 2) with Y and N those of all films on all of these days",
        "none",
        "posts unknown",
        "y 10 of n 40, x 2 of m 100, Y 12 of N 140: a = 9.15, ln(19.15 / 120.85) - ln(11.15 / 188.85) = 0.987",
        TOLD,
    ),
    Measure(
        "z",
        "log_odds / √(1 / (y + a) + 1 / (x + a))",
        "standard deviations",
        "posts unknown",
        "0.987 / √(1 / 19.15 + 1 / 11.15) = 2.62",
        TOLD,
    ),
    Measure(
        "share", "share of the film's mentions of the day in a community", "0 to 1", "no mention", "0.75", MENTIONED
    ),
    Measure(
        "share_before",
        "the same of the 28 days before",
        "0 to 1",
        "no mention before",
        "0.25",
        MENTIONED,
    ),
    Measure(
        "excess",
        "mentions of the day in the community less share_before times all of the day",
        "mentions",
        "no mention",
        "3 - 0.25 · 4 = 2",
        MENTIONED,
    ),
)
