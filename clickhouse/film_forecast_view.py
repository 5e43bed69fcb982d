"""How forecasts look: a table a metric, with each method's error under its values."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from clickhouse.plain import NONE, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from clickhouse.film_forecast import ForecastReport, MetricForecast
    from clickhouse.forecasting import Forecast

BEST: Final = " (best)"


def render_forecast(report: ForecastReport) -> RenderableType:
    """Return the forecasts of each metric, or why there is none."""
    film = report.film
    return Group(
        Text(printable(f"Forecast: {film.title} ({film.year or 'year unknown'})"), style="bold"),
        *(part for metric in report.metrics for part in _metric(metric)),
        Text(report.attribution, style="dim"),
    )


def _metric(metric: MetricForecast) -> list[RenderableType]:
    if not metric.forecasts or metric.last is None:
        return [Text(f"{metric.metric}: no day is known, so that nothing can be said of the next")]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("day")
    for one in metric.forecasts:
        table.add_column(one.method + (BEST if one.best else ""), justify="right", no_wrap=True)
    days = len(metric.forecasts[0].values)
    for ahead in range(days):
        values = (_number(one.values[ahead]) for one in metric.forecasts)
        table.add_row(str(metric.last + timedelta(days=ahead + 1)), *values, end_section=ahead == days - 1)
    for name in ("mae", "mase", "origins"):
        table.add_row(name, *(_error(one, name) for one in metric.forecasts), style="dim")
    about = (
        f"{metric.metric}: {metric.known} days known up to {metric.last}; the error is of forecasts made in the past"
    )
    return [Text(about), table]


def _error(one: Forecast, name: str) -> str:
    return NONE if one.error is None else _number(getattr(one.error, name))


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
