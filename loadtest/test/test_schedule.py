"""Checks that requests are sent at the promised rate."""

import pytest

from f2c_loadtest.schedule import POLL, Schedule


class Clock:
    """A clock that stands still until a test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        """Returns the current time."""
        return self.now


def test_users_wait_for_the_first_step() -> None:
    schedule = Schedule(Clock())
    assert schedule.batch is None
    assert schedule.next() == (None, POLL)


def test_in_a_closed_loop_nobody_waits() -> None:
    schedule = Schedule(Clock())
    schedule.start(1000, None, 10)
    assert (schedule.batch, schedule.next()) == (10, (None, 0))


def test_processes_together_send_at_the_rate() -> None:
    parts = [Schedule(Clock()) for _ in range(3)]
    for number, part in enumerate(parts):
        part.start(1000, 30, 1, number, len(parts))
    intended = sorted(part.next()[0] or 0 for part in parts for _ in range(10))
    assert intended == pytest.approx([1000 + request / 30 for request in range(30)])


def test_who_is_late_does_not_wait() -> None:
    clock = Clock()
    schedule = Schedule(clock)
    schedule.start(1000, 2, 1)
    assert schedule.next() == (1000, 0)
    clock.now = 1000.2
    assert schedule.next() == pytest.approx((1000.5, 0.3))
    clock.now = 1005.0
    assert schedule.next() == (1001, 0)


def test_a_step_begins_to_count_anew() -> None:
    schedule = Schedule(Clock())
    schedule.start(1000, 2, 1)
    schedule.next()
    schedule.start(1010, 4, 100)
    assert (schedule.batch, schedule.next()) == (100, (1010, 10))
