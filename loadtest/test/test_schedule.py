"""Compares the times at which requests are sent with the offered rate. The users are real greenlets."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice, takewhile

import gevent
import pytest
from gevent.pool import Group

from f2c_loadtest.arrivals import EVEN, POISSON, instants
from f2c_loadtest.schedule import Schedule

RATE = 200

USERS = Group()

Turns = list[tuple[float, float | None]]


class Users:
    """Users that take turns, each for the time of a request, and note when a turn came and since when it was due."""

    def __init__(self, schedule: Schedule, number: int, busy: float = 0) -> None:
        """Starts the users, who wait for their first turn."""
        self.turns: Turns = []
        self.greenlets = [USERS.spawn(self._run, schedule, busy) for _ in range(number)]
        gevent.sleep(0)

    def _run(self, schedule: Schedule, busy: float) -> None:
        while True:
            due = schedule.take()
            self.turns.append((time.time(), due))
            gevent.sleep(busy)

    def wait_for(self, number: int) -> Turns:
        """Returns the first turns, once there are so many."""
        with gevent.Timeout(10):
            while len(self.turns) < number:
                gevent.sleep(0.001)
        return self.turns[:number]


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    """Yields a schedule, and stops it and its users in the end."""
    schedule = Schedule()
    yield schedule
    USERS.kill()
    schedule.stop()


def test_users_wait_for_the_first_step_and_not_at_all_in_a_closed_loop(schedule: Schedule) -> None:
    users = Users(schedule, 2)
    gevent.sleep(0.01)
    assert users.turns == []
    schedule.start(time.time(), None, 10)
    assert {due for _, due in users.wait_for(100)} == {None}


def test_turns_come_at_the_rate_and_not_a_millisecond_late(schedule: Schedule) -> None:
    users = Users(schedule, 3)
    medians: list[float] = []
    # A neighbour may take the CPU for a while.
    while not medians or (len(medians) < 10 and medians[-1] >= 0.0005):
        begin = time.time() + 0.01
        schedule.start(begin, RATE, 1, EVEN)
        users.turns.clear()
        turns = users.wait_for(40)
        late = sorted(came - begin - number / RATE for number, (came, _) in enumerate(turns))
        medians.append(late[len(late) // 2])
        assert late[0] >= 0
        assert {due for _, due in turns} == {None}
        assert schedule.take_lag() > 0
    # gevent's own timer is half a millisecond late at the median.
    assert medians[-1] < 0.0005


def test_processes_together_send_at_the_rate() -> None:
    begin = time.time() - 1
    parts = [Schedule() for _ in range(3)]
    for number, part in enumerate(parts):
        part.start(begin, RATE, 1, EVEN, process=number, processes=len(parts))
    # All requests are due, so nobody waits.
    due = sorted(part.take() or 0 for part in parts for _ in range(10))
    assert due == pytest.approx([begin + number / RATE for number in range(30)])


@pytest.mark.parametrize("arrivals", [EVEN, POISSON])
def test_a_request_that_waited_for_a_free_user_says_when_it_was_due(schedule: Schedule, arrivals: str) -> None:
    # At random, two may be due at nearly the same time: the second waits for the only user, and this counts.
    users = Users(schedule, 1, busy=0.05)
    begin = time.time()
    schedule.start(begin, RATE, 1, arrivals, seed="1")
    turns = users.wait_for(5)
    expected = [begin + instant for instant in islice(instants(arrivals, RATE, "1", 0, 1), 5)]
    assert [due for _, due in turns[1:]] == pytest.approx(expected[1:])
    # The user takes a turn each 50 ms, and 200 requests are due per second.
    now = time.time()
    due = takewhile(lambda instant: begin + instant <= now, instants(arrivals, RATE, "1", 0, 1))
    assert schedule.backlog == pytest.approx(len(list(due)) - len(users.turns), abs=1)


def test_what_fell_due_is_counted_exactly_while_nobody_sends() -> None:
    clock = [1000.0]
    schedule = Schedule(lambda: clock[0])
    schedule.start(1000, RATE, 1, POISSON, seed="1")
    due, expected = Counter[int](), Counter[int]()
    for clock[0] in (1000.4, 1000.4, 1003.7, 1009.0):
        due.update(schedule.take_due())
    for instant in takewhile(lambda instant: instant <= 9, instants(POISSON, RATE, "1", 0, 1)):
        expected[int(1000 + instant)] += 1
    assert due == expected
    # A locustfile of somebody's own takes no turns, and so has no backlog.
    assert schedule.backlog == 0
    sent = [schedule.take() for _ in range(100)]
    assert (schedule.backlog, schedule.take_due()) == (expected.total() - len(sent), Counter())
    # The next step does not count those of the last one again.
    clock[0] = 1010.0
    schedule.start(1020, RATE, 1, EVEN)
    assert set(schedule.take_due()) <= {1009, 1010}
    clock[0] = 1020.499
    assert schedule.take_due() == {1020: RATE // 2}
    schedule.stop()
    clock[0] = 1030.0
    assert (schedule.take_due(), schedule.backlog) == (Counter(), 0)


def test_a_stall_of_the_generator_is_its_own_lag(schedule: Schedule) -> None:
    users = Users(schedule, 50)
    schedule.start(time.time(), RATE, 1, EVEN)
    users.wait_for(1)
    schedule.take_lag()
    schedule.take_late()
    time.sleep(0.1)
    assert {due for _, due in users.wait_for(15)} == {None}
    assert schedule.take_lag() > 0.09
    # Of 200 requests/s, all were late except those of the last 5 ms.
    assert schedule.take_late() >= 13
    assert schedule.backlog == 0


def test_a_step_begins_to_count_anew(schedule: Schedule) -> None:
    users = Users(schedule, 1)
    schedule.start(time.time(), RATE, 1, EVEN)
    users.wait_for(3)
    begin = time.time() + 0.02
    schedule.start(begin, RATE, 100, EVEN)
    users.turns.clear()
    (came, due), *_ = users.wait_for(1)
    assert (schedule.batch, due) == (100, None)
    assert came >= begin


def test_a_user_can_be_killed_between_getting_a_turn_and_taking_it(schedule: Schedule) -> None:
    users = Users(schedule, 2)
    gevent.sleep(0.01)
    users.greenlets[0].kill(block=False)
    schedule.start(time.time(), None, 1)
    gevent.joinall(users.greenlets[:1], timeout=1)
    assert isinstance(users.greenlets[0].value, gevent.GreenletExit)


def test_no_turn_comes_after_the_stop_and_waiting_users_can_be_killed(schedule: Schedule) -> None:
    users = Users(schedule, 2)
    schedule.start(time.time(), RATE, 1, EVEN)
    users.wait_for(3)
    schedule.stop()
    number = len(users.turns)
    gevent.sleep(3 / RATE)
    assert (len(users.turns), schedule.backlog) == (number, 0)
    gevent.killall(users.greenlets)
    schedule.start(time.time(), RATE, 1, EVEN)
    gevent.sleep(3 / RATE)
    assert len(users.turns) == number
