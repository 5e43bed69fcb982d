from __future__ import annotations

import time
from threading import Event, Timer

import pytest

from cinepulse.errors import SourceUnavailable
from producers.reddit import waiting as waiting_module
from producers.reddit.waiting import StoppableWaiting, Stopped


@pytest.fixture
def stop() -> Event:
    """Return a stop event."""
    return Event()


@pytest.fixture
def beats() -> list[float]:
    """Return a list that each beat lengthens."""
    return []


@pytest.fixture
def waiting(stop: Event, beats: list[float]) -> StoppableWaiting:
    """Return a waiting on the event."""
    return StoppableWaiting(stop, lambda: beats.append(time.monotonic()))


class TestPause:
    """Letting time pass."""

    def test_a_pause_ends_by_itself_and_beats(self, waiting: StoppableWaiting, beats: list[float]) -> None:
        """A short pause returns, having shown that the part is alive."""
        waiting.pause(0.01)

        assert beats

    def test_a_stop_ends_a_long_pause(self, waiting: StoppableWaiting, stop: Event) -> None:
        """An hour's pause ends when the stop comes."""
        Timer(0.05, stop.set).start()

        with pytest.raises(Stopped):
            waiting.pause(3600)

    def test_after_the_stop_not_even_a_pause_of_nothing(self, waiting: StoppableWaiting, stop: Event) -> None:
        """A loop that only ever pauses for no time is stopped too."""
        stop.set()

        with pytest.raises(Stopped):
            waiting.pause(0)


class TestCall:
    """Calls that block where no event reaches."""

    def test_results_and_errors_come_through(self, waiting: StoppableWaiting) -> None:
        """A call returns its value, and raises its own error, a TimeoutError of its own included."""

        def failing() -> None:
            raise TimeoutError("its own")

        assert waiting.call(lambda: 7, 5) == 7
        with pytest.raises(TimeoutError, match="its own"):
            waiting.call(failing, 5)

    def test_a_call_is_given_up_at_its_deadline(self, waiting: StoppableWaiting) -> None:
        """What takes too long is an outage."""
        forever = Event()

        with pytest.raises(SourceUnavailable):
            waiting.call(forever.wait, 0.05)

        forever.set()

    def test_a_stop_gives_a_call_some_grace(
        self, waiting: StoppableWaiting, stop: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A call under way when the stop comes may still finish; one that does not is left behind."""
        monkeypatch.setattr(waiting_module, "GRACE_SECONDS", 0.2)
        stop.set()
        soon, forever = Event(), Event()
        Timer(0.02, soon.set).start()

        assert waiting.call(soon.wait, 30) is True
        with pytest.raises(Stopped):
            waiting.call(forever.wait, 30)

        forever.set()

    def test_a_long_call_beats(self, waiting: StoppableWaiting, beats: list[float]) -> None:
        """While a call blocks the part is seen to be alive."""
        soon = Event()
        Timer(0.35, soon.set).start()

        waiting.call(soon.wait, 30)

        assert len(beats) >= 3
