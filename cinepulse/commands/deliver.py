"""`cinepulse deliver`: alerts to the log, a webhook, e-mail."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.command()
@with_settings(
    "kafka_bootstrap",
    "alert_destinations",
    "alert_kinds",
    "alert_max_age_hours",
    "alert_email_from",
    "alert_email_to",
    "alert_smtp_host",
    "alert_smtp_port",
    "metrics_port",
    "log_level",
)
def deliver(settings: Settings) -> int:
    """Deliver alerts where CINEPULSE_ALERT_DESTINATIONS says, until Ctrl-C.

    Each alert goes to each destination at least once, and not again once it was taken. A destination that is away
    holds up no other one, and gets what it missed when it is back.

    \b
    Examples:
      cinepulse deliver --alert-destinations log
      CINEPULSE_ALERT_WEBHOOK_URL=https://example.org/hook cinepulse deliver --alert-destinations webhook
    """  # noqa: D301 - click reads \b
    from cinepulse.commands.titles import PatientTitles
    from stream_processors.alerting.run import run_delivery

    titles, lock = PatientTitles(settings), Lock()

    def title_of(tmdb_id: int) -> str | None:
        with lock:
            return titles.of(tmdb_id)

    return run_delivery(settings, title_of)
