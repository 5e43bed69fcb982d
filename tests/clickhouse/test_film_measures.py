"""The registry has every metric that the answers about films hold."""

from __future__ import annotations

import pytest

from cinepulse.commands import forecast
from clickhouse import film_groups, film_measures, kpis, measures, mention_measures, trend_index
from clickhouse.forecasting import METHODS
from clickhouse.measures import Measure

FAMILIES = [
    family
    for module in (measures, mention_measures, film_measures)
    for family in vars(module).values()
    if isinstance(family, tuple) and all(isinstance(one, Measure) for one in family)
]
KNOWN = {name for family in FAMILIES for one in family for name in one.name.split(", ")}
FACTS = {
    *("tmdb_id", "title", "release_date", "runtime_minutes", "budget_usd", "revenue_usd", "group"),
    *("metric", "method", "best", "day", "forecast", "origins", "pairs", "days_known", "mean_episode_minutes"),
}
"""What films are and what a row is about, in the catalogue's and the question's own words."""


@pytest.mark.parametrize(
    "columns",
    [
        *(kpis.COLUMNS, kpis.RISERS, kpis.SERIES),
        (*film_groups.COLUMNS, *film_groups.MONTHLY),
        *(trend_index.COLUMNS, forecast.COLUMNS),
    ],
)
def test_every_column_is_a_metric_or_a_fact(columns: tuple[str, ...]) -> None:
    """No answer holds a number that the page of metrics does not explain."""
    assert set(columns) - FACTS <= KNOWN


def test_every_name_that_is_asked_for_is_explained() -> None:
    """Each key figure and each method of forecasting has its formula."""
    figures = {"oncoming": "days_left", "contents-raise": "contents-raise", "weighted-rating": "weighted_rating"}

    assert {figures.get(name, name) for name in kpis.KPIS} | set(METHODS) <= KNOWN


def test_no_family_explains_a_name_twice() -> None:
    """A name means one thing within a family, and each measure says all of it."""
    for family in FAMILIES:
        names = [one.name for one in family]
        assert len(names) == len(set(names))
        assert all(one.formula and one.unit and one.null and one.example and one.source for one in family)
