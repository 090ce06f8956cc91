"""Decides when this process sends a request, and how large it is, by the current step."""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import cached_property

import gevent

from f2c_loadtest import clock
from f2c_loadtest.arrivals import POISSON, instants
from f2c_loadtest.timer import Timer

# A request that is sent later than this, in seconds, is late: the latencies to measure are a few milliseconds.
MAX_LATENESS = 0.005


class Schedule:
    """Gives turns to the users of this process. They share one, because any free user can send the next request.

    In the open loop, `arrivals` says when requests are due. One timer wakes for all users, and gives the request that
    is due to the user that has been free for longest. There are two ways to be late. If no user was free, the target
    made the request wait, so its response time starts when it was due. If a user was free, this process woke late, or
    was sending another request that was due just before. That is its own lag, for which the target is not to blame.
    """

    def __init__(self, now: Callable[[], float] = clock.now) -> None:
        """Takes a clock that returns Unix time in seconds."""
        self._now = now
        self._free: deque[gevent.Greenlet] = deque()
        self._is_asked = False
        self._lag = 0.0
        self._late = 0
        self._due_in: Counter[int] = Counter()
        self._to_send: Iterator[float] = iter(())
        self._to_count: Iterator[float] = iter(())
        self._halt()
        self.rate: float | None = None
        """Offered rate of all processes together, in requests/s; None in a closed loop."""
        self.batch: int | None = None
        """Temperatures per request; None before the first step."""

    @cached_property
    def _timer(self) -> Timer:
        return Timer(self._wake)

    def start(
        self,
        begin: float,
        rate: float | None,
        batch: int,
        arrivals: str = POISSON,
        seed: str = "",
        process: int = 0,
        processes: int = 1,
    ) -> None:
        """Begins a step at a Unix time; `rate` is what all processes offer together, None for a closed loop."""
        self._count(self._now())
        self.rate, self.batch = rate, batch
        self._halt()
        if rate is None:
            while self._free:
                gevent.get_hub().loop.run_callback(self._free.popleft().switch, None)
            return
        # The same instants twice, so that those which are due can be counted while none of them is sent. A queue of
        # them would grow for as long as a target is too slow.
        self._to_send, self._to_count = (
            (begin + instant for instant in instants(arrivals, rate, seed, process, processes)) for _ in range(2)
        )
        self._due, self._uncounted = next(self._to_send), next(self._to_count)
        if self._free:
            self._timer.set(self._due)

    def stop(self) -> None:
        """Lets no request begin before the next step does."""
        self._count(self._now())
        self.rate = 0
        self._halt()

    def take(self) -> float | None:
        """Blocks the user that calls until it is its turn to send a request.

        Returns when the request was due, in Unix time, if it had to wait for a free user, else None.
        """
        self._is_asked = True
        if not self._free and self.batch is not None:
            if self.rate is None:
                return None
            due, now = self._due, self._now()
            if due <= now:
                self._next(now)
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
    def free(self) -> int:
        """Number of users that wait for a turn."""
        return len(self._free)

    @property
    def backlog(self) -> int:
        """Number of requests that are due and not sent, because no user is free.

        It is 0 where nobody takes turns, as in a locustfile of somebody's own: that is no target's fault.
        """
        if self._free or not self._is_asked:
            return 0
        self._count(self._now())
        return self._counted - self._sent

    def take_due(self) -> Counter[int]:
        """Returns how many requests fell due since the last call, by the second in Unix time, whether sent or not."""
        self._count(self._now())
        due, self._due_in = self._due_in, Counter()
        return due

    def take_lag(self) -> float:
        """Returns the longest lag in seconds since the last call."""
        lag, self._lag = self._lag, 0.0
        return lag

    def take_late(self) -> int:
        """Returns how many requests were sent late since the last call, although a user was free."""
        late, self._late = self._late, 0
        return late

    def _halt(self) -> None:
        self._due = self._uncounted = math.inf
        self._sent = self._counted = 0

    def _count(self, now: float) -> None:
        while self._uncounted <= now:
            self._due_in[int(self._uncounted)] += 1
            self._counted += 1
            self._uncounted = next(self._to_count)

    def _next(self, now: float) -> None:
        self._sent += 1
        self._due = next(self._to_send)
        # Bit by bit, because a second's requests together would take long enough to make the next one late.
        self._count(now)

    def _wake(self) -> None:
        while self._free:
            now = self._now()
            late = now - self._due
            if late < 0:
                if self._due < math.inf:
                    self._timer.set(self._due)
                    return
                break
            self._lag = max(self._lag, late)
            self._late += late > MAX_LATENESS
            self._next(now)
            self._free.popleft().switch(None)
        self._timer.clear()


SCHEDULE = Schedule()
