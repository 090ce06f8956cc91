"""Compares the timer with the clock: that of Linux, and that of gevent."""

import sys
import time
from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from f2c_loadtest.timer import Timer

Wait = Callable[[float], float | None]


@pytest.fixture(params=["linux", "darwin"])
def timer_and_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Timer, Wait]:
    """Returns a timer, and a function that waits so many seconds for its call and returns when it came."""
    monkeypatch.setattr(sys, "platform", request.param)
    called = Event()
    times: list[float] = []

    def call() -> None:
        times.append(time.time())
        timer.clear()
        called.set()

    timer = Timer(call)

    def wait(seconds: float) -> float | None:
        called.wait(seconds)
        called.clear()
        return times.pop() if times else None

    return timer, wait


def test_it_calls_at_the_time_that_was_set_last(timer_and_wait: tuple[Timer, Wait]) -> None:
    timer, wait = timer_and_wait
    at = time.time() + 0.03
    timer.set(at - 0.02)
    timer.set(at)
    called = wait(5)
    assert called is not None
    assert at - 0.001 <= called < at + 0.05
    assert wait(0.02) is None


def test_what_is_past_is_due_at_once(timer_and_wait: tuple[Timer, Wait]) -> None:
    timer, wait = timer_and_wait
    timer.set(0)
    assert wait(5) is not None


def test_it_forgets_a_time_that_has_come(timer_and_wait: tuple[Timer, Wait]) -> None:
    timer, wait = timer_and_wait
    timer.set(time.time())
    time.sleep(0.005)
    timer.clear()
    gevent.sleep(0)
    assert wait(0.02) is None
