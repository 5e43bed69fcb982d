"""A film's next days: its mentions and its popularity, each forecast beside the error of the forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from clickhouse.ask import together
from clickhouse.forecasting import Forecast, forecast
from clickhouse.series import read_mention_series, read_popularity_series
from clickhouse.trends import ATTRIBUTION, DAY_ZONE

if TYPE_CHECKING:
    from clickhouse.client import Client
    from clickhouse.films import Film
    from clickhouse.series import Series


@dataclass(frozen=True, slots=True)
class MetricForecast:
    """One metric's forecasts. `last`: the last day of its past, None without one; `known`: days of it with a value."""

    metric: str
    last: date | None
    known: int
    forecasts: tuple[Forecast, ...]


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """All forecasts of a film."""

    film: Film
    metrics: tuple[MetricForecast, ...]
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_forecast(
    client: Client, film: Film, days: int, *, at_ms: int = 0, until: date | None = None
) -> ForecastReport:
    """Return the forecasts of a film's next `days` days.

    `at_ms`: of the mentions that were known at that instant, milliseconds; 0 is now. `until`: of popularity up to this
    day. Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    mentions, popularity = together(
        lambda: read_mention_series(client, film.tmdb_id, at_ms),
        lambda: read_popularity_series(client, film.tmdb_id, until),
    )
    return ForecastReport(film, (_metric("mentions", mentions, days), _metric("popularity", popularity, days)))


def forecast_rows(report: ForecastReport) -> list[dict[str, Any]]:
    """Return one flat row a metric, method and day."""
    return [
        {
            "tmdb_id": report.film.tmdb_id,
            "title": report.film.title,
            "metric": metric.metric,
            "method": one.method,
            "best": one.best,
            "day": None if metric.last is None else (metric.last + timedelta(days=ahead)).isoformat(),
            "forecast": value,
            "mae": one.error.mae if one.error else None,
            "mase": one.error.mase if one.error else None,
            "origins": one.error.origins if one.error else 0,
            "pairs": one.error.pairs if one.error else 0,
            "days_known": metric.known,
        }
        for metric in report.metrics
        for one in metric.forecasts
        for ahead, value in enumerate(one.values, 1)
    ]


def _metric(name: str, series: Series, days: int) -> MetricForecast:
    # A series of nothing has no forecast, and a film that is not known no zero.
    found = forecast(series.values, days) if series.known else ()
    return MetricForecast(name, series.last, series.known, found)
