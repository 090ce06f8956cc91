"""When this process sends requests, and how large they are: what the current step says."""

import math
from collections import deque
from collections.abc import Callable
from functools import cached_property

import gevent

from f2c_loadtest import clock
from f2c_loadtest.timer import Timer

# A request that is sent later, in seconds, is late: the latencies that are measured are a few milliseconds.
MAX_LATENESS = 0.005


class Schedule:
    """What the users of this process go by. They share it, as any of them that is free can send the next request.

    In the open loop request k of process i of n is due at `begin + (k n + i) / rate`. One timer wakes for all users,
    and hands a request that is due to the one that has been free for longest. There are two ways to be late. Where
    every user was busy, the target has made the request wait: its response counts from when it was due. Where a user
    was free, this process woke late: that is its own lag, and nothing that the target could help.
    """

    def __init__(self, now: Callable[[], float] = clock.now) -> None:
        """Takes the clock, in unix seconds."""
        self._now = now
        self._free: deque[gevent.Greenlet] = deque()
        self._sent = 0
        self._due = math.inf
        self._begin = 0.0
        self._process, self._processes = 0, 1
        self._lag = 0.0
        self._late = 0
        self.rate: float | None = None
        """In requests/s of all processes; None in a closed loop."""
        self.batch: int | None = None
        """Values in a request; None before the first step."""

    @cached_property
    def _timer(self) -> Timer:
        return Timer(self._wake)

    def start(self, begin: float, rate: float | None, batch: int, process: int = 0, processes: int = 1) -> None:
        """Begins a step of the load: `rate` is in requests/s of all processes, None for a closed loop."""
        self._begin, self.rate, self.batch, self._sent = begin, rate, batch, 0
        self._process, self._processes = process, processes
        self._plan()
        if rate is None:
            while self._free:
                gevent.get_hub().loop.run_callback(self._free.popleft().switch, None)
        elif self._free:
            self._timer.set(self._due)

    def stop(self) -> None:
        """Lets no more requests begin, until the next step does."""
        self.rate, self._due = 0, math.inf

    def take(self) -> float | None:
        """Waits for the next turn of a user, who is to send a request then.

        Returns the time for which it was due if it had to wait for a free user, else None.
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
            # A user that is stopped may have been handed a turn already.
            if user in self._free:
                self._free.remove(user)
            raise
        return turn

    @property
    def backlog(self) -> int:
        """Requests that are due and not sent."""
        if not self.rate or self._free:
            return 0
        return max(0, math.ceil((self._now() - self._due) * self.rate / self._processes))

    def take_lag(self) -> float:
        """Returns the longest lag in seconds since it was last asked."""
        lag, self._lag = self._lag, 0.0
        return lag

    def take_late(self) -> int:
        """Returns the number of requests, since it was last asked, that were sent late although a user was free."""
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
