"""Decides when this process sends a request, and how large it is, by the current step."""

import math
from collections import deque
from collections.abc import Callable
from functools import cached_property

import gevent

from f2c_loadtest import clock
from f2c_loadtest.timer import Timer

# A request that is sent later than this, in seconds, is late: the latencies to measure are a few milliseconds.
MAX_LATENESS = 0.005


class Schedule:
    """Gives turns to the users of this process. They share one, because any free user can send the next request.

    In the open loop, request k of process i of n is due at `begin + (k n + i) / rate`. One timer wakes for all users,
    and gives the request that is due to the user that has been free for longest. There are two ways to be late. If no
    user was free, the target made the request wait, so its response time starts when it was due. If a user was free,
    this process woke late. That is its own lag, for which the target is not to blame.
    """

    def __init__(self, now: Callable[[], float] = clock.now) -> None:
        """Takes a clock that returns Unix time in seconds."""
        self._now = now
        self._free: deque[gevent.Greenlet] = deque()
        self._sent = 0
        self._due = math.inf
        self._begin = 0.0
        self._process, self._processes = 0, 1
        self._lag = 0.0
        self._late = 0
        self.rate: float | None = None
        """Offered rate of all processes together, in requests/s; None in a closed loop."""
        self.batch: int | None = None
        """Temperatures per request; None before the first step."""

    @cached_property
    def _timer(self) -> Timer:
        return Timer(self._wake)

    def start(self, begin: float, rate: float | None, batch: int, process: int = 0, processes: int = 1) -> None:
        """Begins a step at a Unix time; `rate` is what all processes offer together, None for a closed loop."""
        self._begin, self.rate, self.batch, self._sent = begin, rate, batch, 0
        self._process, self._processes = process, processes
        self._plan()
        if rate is None:
            while self._free:
                gevent.get_hub().loop.run_callback(self._free.popleft().switch, None)
        elif self._free:
            self._timer.set(self._due)

    def stop(self) -> None:
        """Lets no request begin before the next step does."""
        self.rate, self._due = 0, math.inf

    def take(self) -> float | None:
        """Blocks the user that calls until it is its turn to send a request.

        Returns when the request was due, in Unix time, if it had to wait for a free user, else None.
        """
        if not self._free and self.batch is not None:
            if self.rate is None:
                return None
            due = self._due
            if due <= self._now():
                self._sent += 1
                self._plan()
                return due
        user = gevent.getcurrent()
        self._free.append(user)
        if len(self._free) == 1 and self._due < math.inf:
            self._timer.set(self._due)
        try:
            turn: float | None = gevent.get_hub().switch()
        except BaseException:
            # A user may be stopped after it was given a turn.
            if user in self._free:
                self._free.remove(user)
            raise
        return turn

    @property
    def backlog(self) -> int:
        """Number of requests that are due and not sent, because no user is free."""
        if not self.rate or self._free:
            return 0
        return max(0, math.ceil((self._now() - self._due) * self.rate / self._processes))

    def take_lag(self) -> float:
        """Returns the longest lag in seconds since the last call."""
        lag, self._lag = self._lag, 0.0
        return lag

    def take_late(self) -> int:
        """Returns how many requests were sent late since the last call, although a user was free."""
        late, self._late = self._late, 0
        return late

    def _plan(self) -> None:
        if self.rate:
            self._due = self._begin + (self._sent * self._processes + self._process) / self.rate
        else:
            self._due = math.inf

    def _wake(self) -> None:
        while self._free:
            late = self._now() - self._due
            if late < 0:
                if self._due < math.inf:
                    self._timer.set(self._due)
                    return
                break
            self._lag = max(self._lag, late)
            self._late += late > MAX_LATENESS
            self._sent += 1
            self._plan()
            self._free.popleft().switch(None)
        self._timer.clear()


SCHEDULE = Schedule()
