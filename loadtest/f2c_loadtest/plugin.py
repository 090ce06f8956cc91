"""What Locust loads beside the locustfile: it runs the steps, and brings what was recorded to one place.

Locust runs this in one process, or in a master and its workers. There are users, a record and a watch over the
generator in every process but the master; workers send their part with the reports that Locust makes to the master.
"""

import atexit
import dataclasses
import logging
import signal
import time
from argparse import ArgumentParser
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, events, runners
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner

from f2c_loadtest import clock
from f2c_loadtest.locust_stats import LOCUST_STATS
from f2c_loadtest.outcome import Outcome, Window
from f2c_loadtest.recorder import RECORD
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.self_monitor import SelfMonitor
from f2c_loadtest.settings import STOP_TIMEOUT, Settings, Step
from f2c_loadtest.verdict import THIRDS, is_saturated, is_steady

# Locust's is 3 s; by this all that is decided while the load runs is at most a second old.
runners.WORKER_REPORT_INTERVAL = 1.0

# Locust's, at which it writes its CSV files: the last requests must be in them.
CSV_INTERVAL = 1

# Beyond the time that users take to start by their spawn rate.
SPAWN_MARGIN = 30

# When all that belongs to a second is there: a process's own sample of itself, or the reports of all workers.
SAMPLE_AGE = 0.1
REPORT_AGE = 1.5

# By its seconds, how long a step goes on until it is steady.
MAX_LENGTH = 3

OUTCOME = Outcome(RECORD)

# On a worker: the numbers of its reports.
_reports = count()
# On the master, by worker: the number of its next report, its users and its backlog.
_next_report: dict[str, int] = {}
_users: dict[str, int] = {}
_backlogs: dict[str, int] = {}


def settings_of(environment: Environment) -> Settings:
    """Returns the settings of the load test."""
    assert environment.parsed_options
    return Settings.from_json(environment.parsed_options.f2c_settings)


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--f2c-settings")
    parser.add_argument("--f2c-outcome")


@events.request.add_listener
def _record(
    response_time: float | None,
    exception: BaseException | None = None,
    start_time: float | None = None,
    **_: Any,  # noqa: ANN401
) -> None:
    # A request of somebody's own locustfile, which may report what took no time, or tell only how long it took.
    if response_time is not None:
        end = clock.now() if start_time is None else start_time - clock.moved() + response_time / 1000
        RECORD.request(end, response_time * 1000, exception=exception)


@events.init.add_listener
def _begin(environment: Environment, runner: Runner, **_: Any) -> None:  # noqa: ANN401
    LOCUST_STATS.stats = environment.stats
    runner.register_message("f2c_step", _start_step)
    runner.register_message("f2c_stop", _stop_schedule)
    if not isinstance(runner, WorkerRunner):
        # Locust's own handler comes only after the load.
        gevent.signal_handler(signal.SIGTERM, _stop, runner)
        assert environment.parsed_options
        atexit.register(_leave, Path(environment.parsed_options.f2c_outcome))
    if not isinstance(runner, MasterRunner):
        name = (lambda: f"worker-{runner.worker_index}") if isinstance(runner, WorkerRunner) else lambda: "local"
        SelfMonitor(RECORD, name, lambda: runner.user_count)


def _leave(path: Path) -> None:
    OUTCOME.write(path)
    # While Locust ends its worker processes, its writer of CSV files, which has done its work, fails with a traceback
    # because they are closed.
    logging.disable()
    gevent.get_hub().exception_stream = None


def _stop(runner: Runner) -> None:
    if runner.shape_greenlet is None:
        raise SystemExit(1)  # gevent brings it to the main greenlet, which waits for workers
    # Locust's main greenlet waits for it, and then quits. To quit here too would stop every user twice.
    runner.shape_greenlet.kill(block=False)


@events.test_stop.add_listener
def _flush(**_: Any) -> None:  # noqa: ANN401
    LOCUST_STATS.flush()


@events.test_stopping.add_listener
def _end_early(environment: Environment, **_: Any) -> None:  # noqa: ANN401
    SCHEDULE.stop()
    if isinstance(environment.shape_class, Steps):
        environment.shape_class.end_early()


@events.report_to_master.add_listener
def _report(data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
    # Locust's own listener, which comes after this one, adds its statistics.
    LOCUST_STATS.flush()
    data["f2c"] = {"number": next(_reports), "backlog": SCHEDULE.backlog, **RECORD.take()}


@events.worker_connect.add_listener
def _connected(client_id: str, **_: Any) -> None:  # noqa: ANN401
    if client_id not in OUTCOME.workers:
        OUTCOME.workers.append(client_id)


@events.worker_report.add_listener
def _collect(client_id: str, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
    part = data["f2c"]
    if part["number"] != _next_report.get(client_id, 0):
        _lose(client_id)
    _next_report[client_id] = part["number"] + 1
    _users[client_id] = data["user_count"]
    _backlogs[client_id] = part["backlog"]
    RECORD.add(part)


def _start_step(msg: Any, **_: Any) -> None:  # noqa: ANN401
    SCHEDULE.start(**msg.data)


def _stop_schedule(**_: Any) -> None:  # noqa: ANN401
    SCHEDULE.stop()


def _lose(worker: str) -> None:
    if worker not in OUTCOME.lost_workers:
        OUTCOME.lost_workers.append(worker)


class Steps(LoadTestShape):
    """Runs one step after the other, then lets the users finish. Locust asks it every second what to do."""

    def __init__(self) -> None:
        """Begins with the first step."""
        super().__init__()
        self._number = 0
        self._begin: int | None = None
        self._end = self._users = 0
        self._since = self._idle_since = time.monotonic()

    def tick(self) -> tuple[int, float] | None:
        """Returns how many users there should be, and how many start in a second; None at the end."""
        assert self.runner
        LOCUST_STATS.flush()
        settings = settings_of(self.runner.environment)
        if self._number < len(settings.steps):
            return self._run(self.runner, settings, settings.steps[self._number])
        return self._finish(self.runner, settings)

    def _run(self, runner: Runner, settings: Settings, step: Step) -> tuple[int, float] | None:
        now = clock.now()
        if self._begin is None:
            # Users that the backlog of the step before has made are needed at a higher rate too.
            self._users = max(step.users, self._users if step.rate else 0)
            if runner.user_count == self._users:
                # The next whole second, which is what is counted by.
                self._begin = int(now) + 1
                self._end = self._begin + step.seconds
                _announce(runner, self._begin, step)
            elif time.monotonic() - self._since > self._users / settings.spawn_rate + SPAWN_MARGIN:
                OUTCOME.broken = f"Only {runner.user_count} of {self._users} users could be started."
                return None
        elif now >= self._end + (REPORT_AGE if isinstance(runner, MasterRunner) else SAMPLE_AGE):
            window = self._window(settings, step)
            window = dataclasses.replace(window, is_saturated=is_saturated(settings, RECORD, window))
            following = _following(settings, window)
            is_last = following == len(settings.steps)
            third = (window.end - window.start) // THIRDS
            has_time = third > 0 and self._end + third <= self._begin + MAX_LENGTH * step.seconds
            if is_last and has_time and not is_steady(RECORD, window):
                self._end += third
            else:
                self._close(window, following)
                return self.tick()
        elif _backlog(runner) > self._users:
            # More requests wait than are in flight.
            self._users = min(2 * self._users, step.max_users)
        return self._users, max(settings.spawn_rate, self._users - step.users)

    def _finish(self, runner: Runner, settings: Settings) -> tuple[int, float] | None:
        users = _users_of_workers(runner) if isinstance(runner, MasterRunner) else runner.user_count
        waited = time.monotonic() - self._since
        if users and waited < STOP_TIMEOUT + SPAWN_MARGIN:
            self._idle_since = time.monotonic()
            return 0, self._users
        if time.monotonic() - self._idle_since <= 2 * CSV_INTERVAL:
            return 0, self._users
        for worker, left in _users.items():
            if left:
                _lose(worker)
        OUTCOME.is_complete = True
        return None

    def _window(self, settings: Settings, step: Step) -> Window:
        """Returns the last seconds of a step: as many as are left of it once it has settled."""
        assert self._begin is not None
        return Window(self._number, max(self._begin, self._end - step.seconds) + settings.settle, self._end)

    def _close(self, window: Window, following: int) -> None:
        assert self.runner
        if window.end > window.start:
            OUTCOME.windows.append(window)
        self._number, self._begin = following, None
        self._since = self._idle_since = time.monotonic()
        if following == len(settings_of(self.runner.environment).steps):
            # Before users are stopped: one that waits for its turn is stopped at once, and must not get it any more.
            self.runner.send_message("f2c_stop")

    def end_early(self) -> None:
        """Keeps what was measured of a step that is not finished."""
        assert self.runner
        settings = settings_of(self.runner.environment)
        if self._begin is not None:
            self._end = min(self._end, int(clock.now()))
            self._close(self._window(settings, settings.steps[self._number]), len(settings.steps))


def _following(settings: Settings, window: Window) -> int:
    """Returns the number of the step that comes after one: the number of steps if none does."""
    last = len(settings.steps)
    rate = settings.steps[window.step].rate
    following = window.step + 1
    if window.is_saturated and rate is not None:
        # What the target can't keep up with, it can't at a higher rate either.
        while following < last and (settings.steps[following].rate or 0) >= rate:
            following += 1
    return following


def _users_of_workers(master: MasterRunner) -> int:
    for client in master.clients.missing:
        _lose(client.id)
        _users.pop(client.id, None)
    return sum(_users.values())


def _backlog(runner: Runner) -> int:
    return sum(_backlogs.values()) if isinstance(runner, MasterRunner) else SCHEDULE.backlog


def _announce(runner: Runner, begin: int, step: Step) -> None:
    clients = list(runner.clients) if isinstance(runner, MasterRunner) else ["local"]
    for number, client in enumerate(clients):
        part = {"process": number, "processes": len(clients)}
        runner.send_message("f2c_step", {"begin": begin, "rate": step.rate, "batch": step.batch, **part}, client)
