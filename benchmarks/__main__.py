"""The pipeline's stages beside their peers, in one table.

Run: python -m benchmarks [--only NAME,…] [--rounds N] [--records N] [--json FILE]
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

import click
import stamina
from rich.console import Console

from benchmarks.suite.bench import Bench
from benchmarks.suite.registry import load_stage, stage_names
from benchmarks.suite.report import as_json, table_of, write
from benchmarks.suite.rounds import LEAST_ROUNDS, run_workload

WRONG = 1
FILE_WIDTH = 160


@click.command(
    epilog="Examples: python -m benchmarks --only count · python -m benchmarks --only link,sink --json r.json"
)
@click.option("--only", default="", help="Stages to run, comma-separated; all without. `--list` names them.")
@click.option("--workloads", default="", help="Workloads to run, comma-separated; all without.")
@click.option("--contenders", default="", help="Contenders to run, comma-separated parts of names; all without.")
@click.option("--rounds", default=LEAST_ROUNDS, show_default=True, type=click.IntRange(1), help="Runs of each.")
@click.option("--records", type=click.IntRange(1), help="Records of a workload; each stage's own number without.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write or update a file.")
@click.option("--list", "listing", is_flag=True, help="Name the stages and stop.")
def main(  # noqa: PLR0913, PLR0917 - one argument an option
    only: str, workloads: str, contenders: str, rounds: int, records: int | None, file: Path | None, *, listing: bool
) -> None:
    """Run stages beside their peers: alternating rounds, medians, exact results.

    Ends with 1 when a result is not exact or a contender fails; a bar that is missed is only shown.
    """
    names = stage_names()
    if listing:
        click.echo("\n".join(f"{name:<12}{load_stage(name).about}" for name in names))
        return
    chosen = [name.strip() for name in only.split(",") if name.strip()] or names
    if unknown := sorted(set(chosen) - set(names)):
        raise click.BadParameter(f"no stage {unknown[0]!r}; there are {', '.join(names)}", param_hint="--only")
    # Told to end, it still stops the servers it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # What passes by itself is no news here.
    stamina.instrumentation.set_on_retry_hooks(())
    console, told = Console(), Console(stderr=True)
    if not console.is_terminal:
        # A file has no edge at which a table would have to be broken.
        console.width = FILE_WIDTH
    heats = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, Bench(Path(directory), records) as bench:
        for stage in map(load_stage, chosen):
            for workload in stage.workloads:
                if workloads and workload.name not in workloads.split(","):
                    continue
                with told.status(stage.name) as status:
                    heat = run_workload(stage, workload, bench, rounds, status.update, contenders.split(","))
                heats.append(heat)
                console.print(table_of(heat))
                if file is not None:
                    write(file, as_json(heats, rounds))
    sys.exit(0 if all(heat.right for heat in heats) else WRONG)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
