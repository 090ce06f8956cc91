"""Watches the load generator itself: a busy one inflates the times that it measures, and doesn't show it."""

import time
from collections.abc import Callable

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
        self._due = self._since = time.time()
        self._cpu, self._lag = time.process_time(), 0.0
        self._timer = Timer(self._look)
        self._look()

    def _look(self) -> None:
        now = time.time()
        self._lag = max(self._lag, now - self._due)
        self._due = now + PROBE
        self._timer.set(self._due)
        if int(now) > int(self._since):
            self._sample(now)

    def _sample(self, now: float) -> None:
        cpu = time.process_time()
        cores = (cpu - self._cpu) / (now - self._since)
        lag = max(self._lag, SCHEDULE.take_lag())
        self._record.samples.append(
            Sample(int(self._since), self._process(), self._users(), round(cores, 4), round(lag * 1000, 3))
        )
        self._since, self._cpu, self._lag = now, cpu, 0.0
