from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import __main__ as runner
from benchmarks.suite import registry
from benchmarks.suite.bench import Bench
from benchmarks.suite.model import Contender, ContenderFailed, Measured, Stage, Workload
from benchmarks.suite.report import as_json, table_of, write
from benchmarks.suite.rounds import difference, run_workload, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.suite.rounds import Heat

EXACT = {("film", 1): 3}


@contextmanager
def prepare(_bench: Bench) -> Iterator[str]:
    """Yield what the contenders below are given."""
    yield "given"


def contender(name: str, rates: list[float], *, peer: bool = True, result: object = EXACT, **options: Any) -> Contender:
    """Return a contender that processes so many records a second, one number a run."""
    left = iter(rates)

    def run(given: object) -> Measured:
        assert given == "given"
        return Measured(1_000, 1_000 / next(left), result, {"p99_ms": 7.0})

    return Contender(name, run, peer, **options)


def stage(*contenders: Contender, **options: Any) -> Stage:
    """Return a stage of these contenders with one workload."""
    return Stage(
        name="made-up",
        about="for tests",
        unit="records/s",
        workloads=(Workload("one", "a workload", prepare),),
        contenders=contenders,
        **({"reference": lambda _given: EXACT} | options),
    )


def heat_of(made: Stage, tmp_path: Path, rounds: int = 3) -> Heat:
    """Return what the rounds of a stage give."""
    with Bench(tmp_path) as bench:
        return run_workload(made, made.workloads[0], bench, rounds)


def test_a_ratio_is_that_of_the_medians(tmp_path: Path) -> None:
    """Ours 10, 300, 40: median 40; the peer's 20, 1, 5: median 5; so ours is 8 times the peer's, its outliers aside."""
    ours, peer = contender("ours", [10, 300, 40], peer=False), contender("peer", [20, 1, 5], bar=4.0)

    heat = heat_of(stage(ours, peer), tmp_path)
    told = as_json([heat], 3)["made-up"]["workloads"][0]["rows"][1]

    assert heat.ratio(heat.rows[1]) == pytest.approx(8.0)
    assert heat.ratio(heat.rows[0]) is None
    assert (told["median"], told["least"], told["most"], told["bar"]) == pytest.approx((5, 1, 20, 4.0))
    assert told["extra"] == {"p99_ms": 7.0}


def test_where_less_is_better_the_ratio_is_turned(tmp_path: Path) -> None:
    """Half of the peer's seconds is twice as good."""
    ours, peer = contender("ours", [100] * 3, peer=False), contender("peer", [50] * 3)

    heat = heat_of(stage(ours, peer, figure=lambda measured: measured.seconds, better="less"), tmp_path)

    assert heat.ratio(heat.rows[1]) == pytest.approx(2.0)


def test_rounds_alternate_and_their_order_turns(tmp_path: Path) -> None:
    """Each round runs everybody once, and nobody always comes behind the same one."""
    order: list[str] = []

    def noting(name: str) -> Contender:
        def run(_given: object) -> Measured:
            order.append(name)
            return Measured(1, 1.0, EXACT)

        return Contender(name, run, peer=True)

    heat_of(stage(*map(noting, "abc")), tmp_path)

    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert list(turned([], 2)) == []


def test_a_wrong_answer_fails_however_fast(tmp_path: Path) -> None:
    """The row says what differs, has no ratio, and the heat is not right."""
    ours = contender("ours", [1] * 3, peer=False)
    fast = contender("fast", [10**6] * 3, result={("film", 1): 2, ("film", 2): 1})

    heat = heat_of(stage(ours, fast), tmp_path)
    told = as_json([heat], 3)["made-up"]["workloads"][0]["rows"][1]

    assert not heat.right
    assert heat.ratio(heat.rows[1]) is None
    assert told["result"] == "wrong"
    assert told["why"] == "2 of 1 differ: ('film', 1) is 2 instead of 3"


def test_one_wrong_round_of_three_is_wrong(tmp_path: Path) -> None:
    """A contender that is right most of the time is not right."""
    results = iter([EXACT, {}, EXACT])
    unsteady = Contender("unsteady", lambda _given: Measured(1, 1.0, next(results)), peer=False)

    assert not heat_of(stage(unsteady), tmp_path).right


def test_a_contender_is_held_to_its_own_definition(tmp_path: Path) -> None:
    """A peer that counts records is compared with the count of records."""
    ours = contender("ours", [1] * 3, peer=False)
    other = contender("other", [1] * 3, result={("film", 1): 4}, expects=lambda _given: {("film", 1): 4})

    assert heat_of(stage(ours, other), tmp_path).right


def test_a_failure_is_told_and_ends_the_contender_alone(tmp_path: Path) -> None:
    """The others go on; the run is not right."""
    runs: list[int] = []

    def fail(_given: object) -> Measured:
        runs.append(1)
        raise ContenderFailed("it would not start")

    heat = heat_of(stage(contender("ours", [1] * 3, peer=False), Contender("broken", fail, peer=True)), tmp_path)

    assert len(runs) == 1
    assert [len(row.figures) for row in heat.rows] == [3, 0]
    assert as_json([heat], 3)["made-up"]["workloads"][0]["rows"][1]["why"] == "it would not start"
    assert not heat.right


def test_what_is_not_installed_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """A missing peer is no failure, and the table says why it is missing."""
    absent = Contender("absent", lambda _given: pytest.fail("it ran"), peer=True, missing=lambda: "no wheel for it")
    heat = heat_of(stage(contender("ours", [1] * 3, peer=False), absent), tmp_path)
    shown = io.StringIO()

    Console(width=200, file=shown).print(table_of(heat))

    assert heat.right
    assert "skipped: no wheel for it" in shown.getvalue()
    assert as_json([heat], 3)["made-up"]["workloads"][0]["rows"][1]["skipped"] == "no wheel for it"


def test_a_limit_that_is_passed_is_shown(tmp_path: Path) -> None:
    """Further figures may have a most of their own."""
    heat = heat_of(stage(contender("ours", [1] * 3, peer=False, limits={"p99_ms": 5.0})), tmp_path)

    assert heat.rows[0].over_limit() == {"p99_ms": 7.0}


def test_results_of_other_stages_stay_in_the_file(tmp_path: Path) -> None:
    """Stages may be measured one by one into one file."""
    file = tmp_path / "results.json"
    write(file, {"other": {"rounds": 3, "workloads": []}})

    write(file, as_json([heat_of(stage(contender("ours", [1] * 3, peer=False)), tmp_path)], 3))

    assert json.loads(file.read_text())["stages"].keys() == {"other", "made-up"}


def test_workloads_that_were_not_run_anew_stay_in_the_file(tmp_path: Path) -> None:
    """A stage's workloads may be measured one by one; what is measured again takes the place that it had."""
    file = tmp_path / "results.json"
    for measured in ([("one", 1), ("two", 2)], [("one", 3)], [("three", 4)]):
        workloads = [{"name": name, "rows": [rows]} for name, rows in measured]
        write(file, {"count": {"rounds": len(measured), "workloads": workloads}})

    stage = json.loads(file.read_text())["stages"]["count"]

    assert [(one["name"], one["rows"]) for one in stage["workloads"]] == [("one", [3]), ("two", [2]), ("three", [4])]


@pytest.mark.parametrize(("result", "code"), [(EXACT, 0), ({}, 1)])
def test_the_exit_code_says_whether_all_was_right(
    result: object, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong answer makes the command fail; a bar that is missed does not."""
    made = stage(contender("ours", [1] * 3, peer=False), contender("peer", [9] * 3, result=result, bar=4.0))
    load: Callable[[str], Stage] = lambda _name: made  # noqa: E731 - one line
    monkeypatch.setattr(runner, "stage_names", lambda: ["made-up"])
    monkeypatch.setattr(runner, "load_stage", load)

    done = CliRunner().invoke(runner.main, ["--json", str(tmp_path / "results.json")])

    assert done.exit_code == code, done.output
    assert "made-up, one" in done.output


def test_an_unknown_stage_is_refused() -> None:
    """The message names those that there are."""
    done = CliRunner().invoke(runner.main, ["--only", "cuont"])

    assert done.exit_code == 2
    assert "no stage 'cuont'" in done.output
    assert "count" in done.output


def test_every_stage_module_is_a_stage() -> None:
    """Names are those of the modules, the pipeline's own comes first, and each ratio has something to stand on."""
    for name in registry.stage_names():
        made = registry.load_stage(name)

        assert made.name == name
        assert made.workloads
        assert not made.contenders[0].peer
        assert {workload for one in made.contenders for workload in one.workloads} <= {
            workload.name for workload in made.workloads
        }


def test_a_difference_of_other_results_is_told_shortly() -> None:
    """Results need not be counts by key."""
    assert difference(7, 8) == "8 instead of 7"
