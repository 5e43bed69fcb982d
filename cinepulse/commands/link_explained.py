"""The decision on one text, printed in colour: `cinepulse link --explain`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

    from stream_processors.linking.explain import Verdict
    from stream_processors.linking.message import LinkedMention

COLOURS: Final = {"linked": "bold green", "unsure": "yellow", "covered": "dim"}


def print_explanation(text: str, verdicts: list[Verdict], mentions: list[LinkedMention], console: Console) -> None:
    """Print the text with its mentions marked, and a row for each candidate with what spoke for and against it."""
    from rich.table import Table
    from rich.text import Text

    marked = Text(text)
    for mention in mentions:
        marked.stylize("bold green underline", mention.start, mention.end)
    console.print(marked, "")
    for mention in mentions:
        if mention.method in ("link", "thread"):
            console.print(f"[bold green]{mention.method}[/] to {mention.tmdb_id} ({mention.confidence:.2f})")
    table = Table("name", "film", "confidence", "decision", "for (+) and against (-), log odds")
    for verdict in verdicts:
        film = verdict.film
        year = "" if math.isnan(film.released) else f" ({int(film.released)})"
        reasons = Text()
        for reason in verdict.reasons:
            reasons.append(f"{reason.move:+.1f} ", "green" if reason.move > 0 else "red")
            reasons.append(f"{reason.feature}={reason.value:.3g}  ")
        decision = Text(verdict.outcome, COLOURS[verdict.outcome])
        table.add_row(
            verdict.name, Text(f"{film.title}{year} #{film.tmdb_id}"), f"{verdict.confidence:.2f}", decision, reasons
        )
    console.print(table if verdicts else "[yellow]no name of a film passes the gate[/]")
