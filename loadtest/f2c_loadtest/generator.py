"""Watches the load generator itself: a busy one inflates the times that it measures, and doesn't show it."""

import time
from collections.abc import Callable

from f2c_loadtest import clock
from f2c_loadtest.machine import Machine, Periods
from f2c_loadtest.recorder import Record, Sample
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.timer import Timer

# How often the event loop is looked at, in seconds: well below the lag that is judged, and too seldom to cost CPU.
PROBE = 0.02


class Watch:
    """Adds a sample each second, for ever."""

    def __init__(self, record: Record, process: Callable[[], str], users: Callable[[], int]) -> None:
        """Begins. There is to be one in every process that has users."""
        self._record, self._process, self._users = record, process, users
        self._due = self._since = clock.now()
        self._cpu, self._lag = time.process_time(), 0.0
        self._machine = Machine()
        self._periods, self._stolen = self._machine.periods(), self._machine.stolen()
        self._timer = Timer(self._look)
        self._look()

    def _look(self) -> None:
        now = clock.now()
        self._lag = max(self._lag, now - self._due)
        self._due = now + PROBE
        self._timer.set(self._due)
        if int(now) > int(self._since):
            self._sample(now)

    def _sample(self, now: float) -> None:
        cpu, periods, stolen = time.process_time(), self._machine.periods(), self._machine.stolen()
        seconds = now - self._since
        self._record.samples.append(
            Sample(
                int(self._since),
                self._process(),
                self._users(),
                round((cpu - self._cpu) / seconds, 4),
                round(max(self._lag, SCHEDULE.take_lag()) * 1000, 3),
                SCHEDULE.backlog,
                self._machine.limit_cores,
                _throttled(self._periods, periods),
                None if stolen is None or self._stolen is None else round((stolen - self._stolen) / seconds, 4),
                SCHEDULE.take_late(),
                round(clock.moved(), 3),
            )
        )
        self._since, self._cpu, self._lag, self._periods, self._stolen = now, cpu, 0.0, periods, stolen


def _throttled(before: Periods | None, after: Periods | None) -> float | None:
    if before is None or after is None:
        return None
    # Periods in which nothing ran are not counted.
    return round((after.throttled - before.throttled) / max(1, after.all - before.all), 4)
