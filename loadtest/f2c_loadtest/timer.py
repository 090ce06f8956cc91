"""A precise timer. gevent's own is up to a millisecond late, because libev gives epoll whole milliseconds."""

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any

import gevent

from f2c_loadtest import clock

NANOSECONDS = 1_000_000_000

# Constants of <sys/timerfd.h> on Linux; Python has them in `os` from 3.13 on.
TFD_NONBLOCK, TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
TFD_TIMER_ABSTIME = 1

# gevent's name for a file descriptor that can be read.
READ = 1


class Timer:
    """Calls a function in gevent's hub at the time that was set last, by the load test's clock.

    On other systems than Linux, it uses gevent's own timer.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        """Takes a function that must not block; raises OSError."""
        self._callback = callback
        self._loop = gevent.get_hub().loop
        self._watcher: Any = None
        self._libc: Any = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._timer = self._libc.timerfd_create(clock.CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
            if self._timer < 0:
                raise OSError(ctypes.get_errno(), "A timer can't be made: timerfd_create has failed")
            # The interval, which stays 0, and the time; each is in seconds and nanoseconds.
            self._when = (ctypes.c_long * 4)()
            self._watcher = self._loop.io(self._timer, READ)
            self._watcher.start(callback)

    def set(self, at: float) -> None:
        """Sets the time to call at; a time in the past is due at once."""
        if self._libc:
            self._settime(max(1, int((at - clock.OFFSET) * NANOSECONDS)))
        else:
            self.clear()
            self._watcher = self._loop.timer(max(0.0, at - clock.now()))
            # Otherwise it would count from when the loop began to wait, and be early.
            self._watcher.start(self._callback, update=True)

    def clear(self) -> None:
        """Cancels the call, even if its time has come."""
        if self._libc:
            self._settime(0)
        elif self._watcher:
            self._watcher.stop()

    def _settime(self, nanoseconds: int) -> None:
        self._when[2], self._when[3] = divmod(nanoseconds, NANOSECONDS)
        self._libc.timerfd_settime(self._timer, TFD_TIMER_ABSTIME, self._when, None)
