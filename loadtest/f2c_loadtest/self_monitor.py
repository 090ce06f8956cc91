"""Monitors the load generator itself, because a busy one adds to the latencies that it measures."""

import time
from collections.abc import Callable

from f2c_loadtest import clock
from f2c_loadtest.available_cpu import AvailableCpu, Periods
from f2c_loadtest.recorder import Recorder, Sample
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.timer import Timer

# Seconds between probes of the event loop: well below the lag that is judged, and too long to cost CPU.
PROBE_INTERVAL = 0.02


class SelfMonitor:
    """Adds a sample of this process to a recorder each second, until the process ends."""

    def __init__(self, recorder: Recorder, process: Callable[[], str], users: Callable[[], int]) -> None:
        """Starts at once. Every process that has users needs one; the functions return its name and number of users."""
        self._recorder, self._process, self._users = recorder, process, users
        self._due = self._since = clock.now()
        self._cpu, self._lag = time.process_time(), 0.0
        self._available = AvailableCpu()
        self._periods, self._stolen = self._available.periods(), self._available.stolen()
        self._timer = Timer(self._probe)
        self._probe()

    def _probe(self) -> None:
        now = clock.now()
        self._lag = max(self._lag, now - self._due)
        self._due = now + PROBE_INTERVAL
        self._timer.set(self._due)
        if int(now) > int(self._since):
            self._sample(now)

    def _sample(self, now: float) -> None:
        cpu, periods, stolen = time.process_time(), self._available.periods(), self._available.stolen()
        seconds, users = now - self._since, self._users()
        self._recorder.samples.append(
            Sample(
                int(self._since),
                self._process(),
                users,
                round((cpu - self._cpu) / seconds, 4),
                round(max(self._lag, SCHEDULE.take_lag()) * 1000, 3),
                SCHEDULE.backlog,
                self._available.limit_cores,
                _throttled(self._periods, periods),
                None if stolen is None or self._stolen is None else round((stolen - self._stolen) / seconds, 4),
                SCHEDULE.take_late(),
                round(clock.moved(), 3),
                users - SCHEDULE.free,
            )
        )
        self._since, self._cpu, self._lag, self._periods, self._stolen = now, cpu, 0.0, periods, stolen


def _throttled(before: Periods | None, after: Periods | None) -> float | None:
    if before is None or after is None:
        return None
    # The kernel does not count periods in which nothing ran.
    return round((after.throttled - before.throttled) / max(1, after.all - before.all), 4)
