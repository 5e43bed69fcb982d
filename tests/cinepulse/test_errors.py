from __future__ import annotations

import inspect
import re

import pytest

from cinepulse import errors
from cinepulse.errors import CinepulseError, ConfigurationInvalid, Poison, RateLimited, Retryable

CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, CinepulseError)]


def _drawn() -> dict[str, str | None]:
    """Return each class in the module's drawing with the class that it hangs from."""
    parents: list[tuple[int, str]] = []
    found: dict[str, str | None] = {}
    for indent, name in re.findall(r"^( *)[*x.-] (\w+)", inspect.getdoc(errors) or "", re.MULTILINE):
        depth = len(indent)
        while parents and parents[-1][0] >= depth:
            parents.pop()
        found[name] = parents[-1][1] if parents else None
        parents.append((depth, name))
    return found


def test_the_drawn_tree_is_the_real_one() -> None:
    """The drawing at the top of the module has every class under its true parent."""
    real = {found.__name__: found.__base__.__name__ for found in CLASSES if found.__base__}

    assert _drawn() == {**real, "CinepulseError": None}


@pytest.mark.parametrize("found", CLASSES)
def test_a_wrong_setting_exits_with_2_and_everything_else_with_1(found: type[CinepulseError]) -> None:
    """Scripts can tell what to mend in the settings from what failed at work."""
    assert found.exit_code == (2 if issubclass(found, ConfigurationInvalid) else 1)


def test_every_reason_of_a_dead_letter_is_its_own() -> None:
    """Each kind of poison has a snake_case reason, which is its label in metrics and in dead letters."""
    reasons = [found.reason for found in CLASSES if issubclass(found, Poison)]

    assert len(set(reasons)) == len(reasons)
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in reasons)


def test_a_reason_can_be_given() -> None:
    """A stage may name the poison more closely, for that record only."""
    error = Poison("score is a list", reason="score_not_a_number")

    assert (error.reason, str(error), Poison.reason) == ("score_not_a_number", "score is a list", "poison")


@pytest.mark.parametrize("found", [found for found in CLASSES if issubclass(found, Retryable)])
def test_whatever_may_be_retried_says_when(found: type[Retryable]) -> None:
    """The pause that the other side asked for rides on the error, None where it did not say."""
    assert found("busy").retry_after is None
    assert found("busy", retry_after=7.5).retry_after == 7.5


def test_being_limited_is_the_sources_being_unavailable() -> None:
    """Whoever handles an unavailable source handles its limits too."""
    assert [base.__name__ for base in RateLimited.__mro__[1:5]] == [
        "SourceUnavailable",
        "Retryable",
        "CinepulseError",
        "Exception",
    ]
