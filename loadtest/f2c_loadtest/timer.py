"""A timer that is on time: gevent's own wakes up to a millisecond late, as libev gives epoll whole milliseconds."""

import ctypes
import os
import sys
import time
from collections.abc import Callable

import gevent

NANOSECONDS = 1_000_000_000

# Of <time.h> and <sys/timerfd.h> on Linux. Python has them in `os` from 3.13 on.
_CLOCK_REALTIME = 0
_TFD_NONBLOCK, _TFD_CLOEXEC = os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1

_READABLE = 1


class Timer:
    """Calls a function, in gevent's hub, at a unix time in seconds: the last one that was set."""

    def __init__(self, callback: Callable[[], None]) -> None:
        """Takes a function that doesn't block; raises OSError."""
        self._callback = callback
        self._loop = gevent.get_hub().loop
        if sys.platform != "linux":
            self._coarse = self._loop.timer(0)
            return
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = self._libc.timerfd_create(_CLOCK_REALTIME, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        # The interval, which stays 0, and the time, each in seconds and nanoseconds.
        self._when = (ctypes.c_long * 4)()
        self._watcher = self._loop.io(self._timer, _READABLE)
        self._watcher.start(callback)

    def set(self, at: float) -> None:
        """Sets the time; what is past is due at once."""
        if sys.platform != "linux":
            self._coarse.stop()
            self._coarse.start(self._callback, after=max(0, at - time.time()))
            return
        self._settime(max(1, int(at * NANOSECONDS)))

    def clear(self) -> None:
        """Forgets the time that was set, also if it has come."""
        if sys.platform != "linux":
            self._coarse.stop()
            return
        self._settime(0)

    def _settime(self, nanoseconds: int) -> None:
        self._when[2], self._when[3] = divmod(nanoseconds, NANOSECONDS)
        self._libc.timerfd_settime(self._timer, _TFD_TIMER_ABSTIME, self._when, None)
