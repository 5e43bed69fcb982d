"""The registry's metrics of films beyond a day's own trends: key figures, groups, talk and popularity, forecasts.

`formula` uses p, v, s for the last popularity, votes and mean vote seen of a film on a UTC day and n for its mentions;
x(k) is x k calendar days ago.
"""

from __future__ import annotations

from typing import Final

from clickhouse.measures import MENTIONED, TMDB, Measure

CATALOGUE: Final = "TMDB's catalogue (`tmdb.movies`) and snapshots (`tmdb.popularity`)"
BOTH: Final = f"{MENTIONED}, {TMDB}"

KPIS: Final = (
    Measure(
        "weighted_rating",
        "v / (v + m) · s + m / (v + m) · C; m: 90 % quantile of the votes of films with votes, interpolated; C: mean "
        "s of films with votes; both can be given, and m is 50 for hidden gems",
        "0 to 10",
        "no votes, or unknown",
        "300 / 400 · 8 + 100 / 400 · 6 = 7.5",
        CATALOGUE,
    ),
    Measure(
        "hidden-gems",
        "weighted_rating ≥ 7 and 50 ≤ v ≤ median v of films with votes; fewest votes first",
        "films",
        "not listed where any is unknown",
        "60 votes of 8.6 at C = 6: 60 / 110 · 8.6 + 50 / 110 · 6 = 7.42",
        CATALOGUE,
    ),
    Measure(
        "quick-watch",
        "0 < runtime ≤ 90 minutes and s ≥ 7; by weighted_rating",
        "films",
        "not listed where either is unknown; a runtime of 0 is unknown",
        "88 minutes, 7.4",
        CATALOGUE,
    ),
    Measure(
        "binge-worthy",
        "0 < mean episode ≤ 45 minutes, s ≥ 7, 0 < all episodes ≤ 480 minutes",
        "series",
        "always: the catalogue has no series",
        "8 episodes of 42 minutes, 8.1",
        CATALOGUE,
    ),
    Measure(
        "global-reach",
        "revenue ≥ 500,000,000 dollars; highest first",
        "films",
        "not listed where unknown; a revenue of 0 is unknown",
        "1,100 M",
        CATALOGUE,
    ),
    Measure(
        "days_left",
        "release day - day, for `oncoming`: films released after the day, soonest first",
        "days",
        "released, or the date unknown or no day of the calendar",
        "2026-03-01 on 2026-02-27: 2",
        CATALOGUE,
    ),
    Measure(
        "contents-raise",
        "films with rank_change > 0, and how many they are; the highest first",
        "films",
        "not listed where rank_change is unknown",
        "12 to 8: 4",
    ),
    Measure(
        "profit_usd", "revenue - budget", "dollars", "either unknown; 0 is unknown", "300 M - 100 M = 200 M", CATALOGUE
    ),
    Measure(
        "roi",
        "(revenue - budget) / budget, for `roi`: highest first",
        "times the budget",
        "either unknown; 0 is unknown",
        "(300 - 100) / 100 = 2",
        CATALOGUE,
    ),
)

GROUPS: Final = (
    Measure(
        "cohort",
        "by the day less the release day: < 0 Upcoming, ≤ 30 New, ≤ 90 Recent, ≤ 180 Established, else Catalog",
        "class",
        "the release date unknown or no day of the calendar",
        "31 days is Recent",
        CATALOGUE,
    ),
    Measure(
        "films",
        "films of the group seen on the day; a film counts fully in each of its genres",
        "films",
        "never",
        "120",
    ),
    Measure("scored", "those of them with a viral_score", "films", "never", "100"),
    Measure("viral", "those Extremely or Highly viral by viral_score_category", "films", "never", "4"),
    Measure("viral_percent", "100 viral / scored", "%", "scored is 0", "100 · 4 / 100 = 4"),
    Measure(
        "mean_popularity, mean_wow_percent, mean_vote_velocity, mean_viral_score, mean_votes, mean_score",
        "mean of the metric over the group's films for which it is known",
        "the metric's",
        "known for none",
        "(60 + 20) / 2 = 40",
    ),
    Measure("mean_age_days", "mean days since release of the films released", "days", "known for none", "412"),
    Measure(
        "films_30d",
        "films of the genre whose viral_coefficient is known for one of the weeks ending 0, 7, 14, 21, 28 days before",
        "films",
        "never",
        "110",
    ),
    Measure("viral_30d", "those of them that reach 60 in one of these weeks", "films", "never", "11"),
    Measure("viral_percent_30d", "100 viral_30d / films_30d", "%", "films_30d is 0", "100 · 11 / 110 = 10"),
)

FORECASTS: Final = (
    Measure(
        "seasonal-naive",
        "the last known value of the same weekday, of the last four weeks",
        "the metric's",
        "the weekday known in none of them",
        "1 … 14: then 8, 9, 10",
        BOTH,
    ),
    Measure(
        "ewma",
        "Σ w x / Σ w over the days known, w = 2^(-age / 3 days), the same for each day ahead",
        "the metric's",
        "no day known",
        "10 three days before 40: (0.5 · 10 + 40) / 1.5 = 30",
        BOTH,
    ),
    Measure(
        "weekly-ewma",
        "ewma of x / profile, times profile: mean of a weekday over mean of all, last four weeks; shown where its mae "
        "is below both others'",
        "the metric's",
        "a weekday known less than twice, or its mean 0",
        "six days of 35, one of 70: profile 0.875 and 1.75, level 40",
        BOTH,
    ),
    Measure(
        "mae",
        "mean |forecast - x| over the days ahead, from each of the last 90 days but the first 14",
        "the metric's",
        "fewer than 7 days to forecast from",
        "(3 + 5) / 2 = 4",
        BOTH,
    ),
    Measure(
        "mase",
        "mae / mean |x - x(7)|",
        "times the change from week to week",
        "mae unknown, or no change",
        "4 / 8 = 0.5",
        BOTH,
    ),
    Measure(
        "lead",
        "k of -7 … 7 with the highest correlation of ln(n + 1) - ln(n(1) + 1) on a day and ln p - ln p(1) k days "
        "later, over the last 90 whole days; positive where talk comes first",
        "days",
        "|r| below 0.3, or fewer than 28 days known for every k",
        "popularity repeats talk three days later: 3",
        BOTH,
    ),
)

TOGETHER: Final = (
    Measure(
        "burst_rank",
        "PR(burst), the burst score of mentions: (n - μ) / √(σ² + μ + 1) over the known ones of 28 days; PR = percent "
        "rank among the films that TMDB showed on the day and for which it is known, 0 … 1",
        "0 to 1",
        "the day not known, or fewer than 7 of the 28 days",
        "lower are 3 of 4 others: 0.75",
        BOTH,
    ),
    Measure("popularity_growth", "ln((p + 1) / (p(7) + 1))", "none", "either unknown", "ln(41 / 21) = 0.67"),
    Measure("popularity_growth_rank", "PR(popularity_growth)", "0 to 1", "popularity_growth unknown", "0.5"),
    Measure("votes_growth", "(v - v(7)) / (v(7) + 50)", "none", "either unknown", "(170 - 100) / 150 = 0.47"),
    Measure("votes_growth_rank", "PR(votes_growth)", "0 to 1", "votes_growth unknown", "0.5"),
    Measure(
        "authors_rank",
        "PR(authors), distinct authors of the day's mentions by a sketch that keeps none; 0 without a mention",
        "0 to 1",
        "the day not known, or no mention with an observation",
        "0.9",
        BOTH,
    ),
    Measure(
        "trend_index",
        "100 (0.45 burst_rank + 0.25 popularity_growth_rank + 0.20 votes_growth_rank + 0.10 authors_rank); the weights "
        "are version 1 of `clickhouse/trend_index.py`",
        "0 to 100",
        "any of the four unknown",
        "100 (0.45 · 1 + 0.25 · 0.5 + 0.2 · 0.5 + 0.1 · 0.9) = 76.5",
        BOTH,
    ),
    Measure("mentions_rank", "PR(n)", "0 to 1", "the day not known", "0.9", BOTH),
    Measure("popularity_rank", "PR(p)", "0 to 1", "not seen on the day", "0.3"),
    Measure(
        "divergence",
        "100 (mentions_rank - popularity_rank); listed as much talk where mentions_rank ≥ 0.75 and popularity_rank "
        "< 0.5, as little talk the other way round",
        "-100 to 100",
        "either unknown",
        "100 (0.9 - 0.3) = 60",
        BOTH,
    ),
    Measure(
        "quadrant",
        "by n and weighted_rating, of the films mentioned on the day and with votes: above both medians Hit, of n "
        "alone Hype, of the rating alone Gem, else Quiet",
        "class",
        "not mentioned, no votes, or the day not known",
        "n 9 of median 4, 6.1 of median 6.8: Hype",
        BOTH,
    ),
)
