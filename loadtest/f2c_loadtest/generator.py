"""Watches the load generator itself: a busy one inflates the times that it measures, and doesn't show it."""

import time
from collections.abc import Callable

import gevent

from f2c_loadtest.recorder import Record, Sample

# How often the event loop is looked at, in seconds: well below the lag that is judged, and too seldom to cost CPU.
PROBE = 0.02


def watch(record: Record, process: Callable[[], str], users: Callable[[], int]) -> None:
    """Adds a sample each second, for ever. To be spawned in every process that has users."""
    second, cpu, since = int(time.time()), time.process_time(), time.perf_counter()
    longest = 0.0
    while True:
        asleep = time.perf_counter()
        gevent.sleep(PROBE)
        awake = time.perf_counter()
        longest = max(longest, awake - asleep - PROBE)
        now = int(time.time())
        if now == second:
            continue
        used = time.process_time()
        cores = (used - cpu) / (awake - since)
        record.samples.append(Sample(second, process(), users(), round(cores, 4), round(longest * 1000, 3)))
        second, cpu, since, longest = now, used, awake, 0.0
