"""The registry's metrics of mentions.

`formula` uses n for a film's mentions on a UTC day; n(k) is k calendar days ago. Of an hour, n is its mentions and w(k)
those of the same hour of the same weekday k weeks before.
"""

from __future__ import annotations

from typing import Final

from clickhouse.measures import Measure

COUNTS: Final = "counts of the stream processor (`movie.mention_counts`)"
MENTION_ROWS: Final = "mentions (`movie.mentions`)"


def _counted(name: str, formula: str, unit: str, null: str, example: str) -> Measure:
    return Measure(name, formula, unit, null, example, COUNTS)


def _of_rows(name: str, formula: str, unit: str, null: str, example: str) -> Measure:
    return Measure(name, formula, unit, null, example, MENTION_ROWS)


UNTOLD: Final = "the day unknown and nothing counted"

MENTIONS: Final = (
    _counted("mentions", "posts of the day that mention the film", "mentions", UNTOLD, "12"),
    _counted("submissions", "those of them that are submissions", "mentions", UNTOLD, "4"),
    _counted("comments", "those of them that are comments", "mentions", UNTOLD, "8"),
    _counted("dod", "n - n(1)", "mentions", "either unknown", "12 - 8 = 4"),
    _counted("dod_percent", "100 (n - n(1)) / n(1)", "%", "either unknown, or n(1) = 0", "100 (12 - 8) / 8 = 50"),
    _counted(
        "mean_7d",
        "mean of n(0) … n(6), days known",
        "mentions a day",
        "fewer than 4 days known",
        "(12 + 8 + 0 + 4) / 4 = 6",
    ),
    _counted("deviation_7d", "n - mean_7d", "mentions a day", "either unknown", "12 - 6 = 6"),
    _counted(
        "volatility_7d",
        "standard deviation of a sample of n(0) … n(6)",
        "mentions a day",
        "fewer than 4 days known",
        "of 12, 8, 0, 4: √(80 / 3) = 5.16",
    ),
    _counted("wow", "n - n(7)", "mentions", "either unknown", "12 - 5 = 7"),
    _counted("wow_percent", "100 (n - n(7)) / n(7)", "%", "either unknown, or n(7) = 0", "100 (12 - 5) / 5 = 140"),
    _counted("week_mean", "mean of n since Monday, days known", "mentions a day", "no day known", "(12 + 8) / 2 = 10"),
    _counted("week_mean_before", "mean of n in the ISO week before, days known", "mentions a day", "no day known", "5"),
    _counted(
        "week_percent",
        "100 (week_mean - week_mean_before) / week_mean_before",
        "%",
        "either unknown, or the earlier 0",
        "100 (10 - 5) / 5 = 100",
    ),
    _counted("week_peak", "highest n since Monday", "mentions", "no day known", "12"),
    _counted("week_low", "lowest n since Monday", "mentions", "no day known", "8"),
    _counted(
        "momentum",
        "by dod_percent: > 10 Surging, > 5 Rising, > -5 Stable, > -10 Declining, else Falling; without one, New where "
        "the film is mentioned on the day or the one before, and on no other known day of the 28 before, 7 at least; "
        "else Insufficient",
        "class",
        "n unknown",
        "50 % is Surging",
    ),
    _counted("velocity", "(n - n(7)) / 7", "mentions a day, a day", "either unknown", "(12 - 5) / 7 = 1"),
    _counted(
        "acceleration",
        "velocity less that of 7 days ago, (n(7) - n(14)) / 7",
        "mentions a day, a day, a week",
        "any of the three unknown",
        "1 - 0.5 = 0.5",
    ),
    _counted("share", "n / sum of n over all films", "0 to 1", UNTOLD + ", or no mention at all", "12 / 400 = 0.03"),
    _of_rows("communities", "distinct communities that mention the film on the day", "communities", UNTOLD, "5"),
    _of_rows(
        "engagement_weight",
        "sum of ln(1 + max(score, 0) + comments) over the day's mentions, as last observed",
        "none",
        UNTOLD,
        "ln(1 + 9 + 0) + ln(1 + 0 + 0) = 2.30",
    ),
    _of_rows(
        "authors",
        "about how many distinct authors: HyperLogLog of 1,024 registers, from observations that keep no author",
        "authors",
        "as communities, or no mention with an observation",
        "3.0, give or take 3 %",
    ),
    _counted("usual", "μ = mean of n(1) … n(28), days known", "mentions a day", "no day known", "56 / 28 = 2"),
    _counted("usual_days", "how many of n(1) … n(28) are known", "days", "never", "28"),
    _counted(
        "burst",
        "shrunk z: (n - μ) / √(σ² + μ + 1), σ² = variance of a sample of n(1) … n(28)",
        "none",
        "n unknown, or fewer than 7 of the 28 days known",
        "μ = 2, σ² = 1: (12 - 2) / √(1 + 2 + 1) = 5",
    ),
)

HOURS: Final = (
    _of_rows("hour", "which hour of the day", "hour, UTC", "never", "18, from 18:00 to 19:00"),
    _of_rows(
        "mentions", "posts of the hour that mention the film", "mentions", "the hour unknown, nothing counted", "8"
    ),
    _of_rows("usual", "μ = mean of w(1) … w(4), weeks known", "mentions an hour", "no week known", "(1 + 3) / 2 = 2"),
    _of_rows("usual_weeks", "how many of w(1) … w(4) are known", "weeks", "never", "4"),
    _of_rows(
        "burst",
        "shrunk z: (n - μ) / √(σ² + μ + 1), σ² = variance of a sample of w(1) … w(4)",
        "none",
        "n unknown, or fewer than 3 of the 4 weeks known",
        "of 1, 1, 3, 3: (8 - 2) / √(4 / 3 + 2 + 1) = 2.88",
    ),
)
