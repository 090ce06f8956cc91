"""When this process sends requests, and how large they are: what the current step says."""

import time
from collections.abc import Callable

# How soon users that wait for the first step look again, in seconds.
POLL = 0.05


class Schedule:
    """What the users of this process go by. They share it, as any of them that is free can send the next request.

    In the open loop request k of process i of n is intended for `begin + (k n + i) / rate`. A user that comes late for
    it sends it at once, and the time of its response counts from when it was intended.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Takes the clock, in unix seconds."""
        self._now = now
        self._sent = 0
        self._begin = 0.0
        self._rate: float | None = None
        self._process, self._processes = 0, 1
        self.batch: int | None = None
        """Values in a request; None before the first step."""

    def start(self, begin: float, rate: float | None, batch: int, process: int = 0, processes: int = 1) -> None:
        """Begins a step of the load: `rate` is in requests/s of all processes, None for a closed loop."""
        self._begin, self._rate, self._sent = begin, rate, 0
        self._process, self._processes = process, processes
        self.batch = batch

    def next(self) -> tuple[float | None, float]:
        """Returns when the next request is intended, None in the closed loop, and the seconds until then."""
        if self.batch is None:
            return None, POLL
        if self._rate is None:
            return None, 0
        intended = self._begin + (self._sent * self._processes + self._process) / self._rate
        self._sent += 1
        return intended, max(0, intended - self._now())


SCHEDULE = Schedule()
