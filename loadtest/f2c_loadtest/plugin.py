"""A plugin, which Locust loads beside the locustfile. It runs the steps, and collects what was recorded.

Locust runs as one process, or as a master with workers. Every process except the master has users, a recorder and a
monitor of itself. Workers add what theirs have to the reports that Locust sends to the master.
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
from f2c_loadtest.recorder import RECORDER
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.self_monitor import SelfMonitor
from f2c_loadtest.settings import STOP_TIMEOUT, Settings, Step
from f2c_loadtest.verdict import THIRDS, is_saturated, is_steady

# Seconds; Locust's default is 3. Decisions while the load runs then rest on data that is at most a second old.
runners.WORKER_REPORT_INTERVAL = 1.0

# Seconds between two writes of Locust's CSV files, which must have the last requests in them.
CSV_INTERVAL = 1

# Seconds that users may take to start, beyond what the spawn rate asks for.
SPAWN_MARGIN = 30

# Seconds after which all about a past second is known: the sample of this process, or the reports of all workers.
SAMPLE_AGE = 0.1
REPORT_AGE = 1.5

# A step that is not steady goes on to at most this multiple of its seconds.
MAX_EXTENSION = 3

OUTCOME = Outcome(RECORDER)

# On a worker: numbers for its reports.
_reports = count()
# On the master: the workers that send, each of which has its share of the load. They are those of the first step.
_senders: list[str] = []
# On the master, by worker: the number of its next report, its users, and its backlog.
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
    # A user's own locustfile reports requests in this way. Some have no response time, or no start time.
    if response_time is not None:
        end = clock.now() if start_time is None else start_time - clock.moved() + response_time / 1000
        RECORDER.request(end, response_time * 1000, exception=exception)


@events.init.add_listener
def _set_up(environment: Environment, runner: Runner, **_: Any) -> None:  # noqa: ANN401
    LOCUST_STATS.stats = environment.stats
    runner.register_message("f2c_step", _start_step)
    runner.register_message("f2c_stop", _stop_schedule)
    if not isinstance(runner, WorkerRunner):
        # Locust installs its own handler only after the load.
        gevent.signal_handler(signal.SIGTERM, _stop, runner)
        assert environment.parsed_options
        atexit.register(OUTCOME.write, Path(environment.parsed_options.f2c_outcome))
    if not isinstance(runner, MasterRunner):
        name = (lambda: f"worker-{runner.worker_index}") if isinstance(runner, WorkerRunner) else lambda: "local"
        SelfMonitor(RECORDER, name, lambda: runner.user_count)


@events.quit.add_listener
def _silence(**_: Any) -> None:  # noqa: ANN401
    # Locust's writer of CSV files has done its work. Locust closes its files now, and a writer that wakes up once more
    # fails with a traceback.
    logging.disable()
    gevent.get_hub().exception_stream = None


def _stop(runner: Runner) -> None:
    if runner.shape_greenlet is None:
        raise SystemExit(1)  # gevent raises it in the main greenlet, which waits for workers
    # Locust's main greenlet waits for this one, and then quits. Quitting here as well would stop every user twice.
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
    # Locust's own listener runs after this one, and adds the statistics.
    LOCUST_STATS.flush()
    RECORDER.due.update(SCHEDULE.take_due())
    data["f2c"] = {"number": next(_reports), "backlog": SCHEDULE.backlog, **RECORDER.take()}


@events.worker_connect.add_listener
def _connected(client_id: str, **_: Any) -> None:  # noqa: ANN401
    if client_id in OUTCOME.workers:
        return
    OUTCOME.workers.append(client_id)
    if _senders:
        # It may be a worker that was lost and has been started again. Locust gives it users, but it gets no turns.
        OUTCOME.late_workers.append(client_id)


@events.worker_report.add_listener
def _collect(client_id: str, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
    part = data["f2c"]
    if part["number"] != _next_report.get(client_id, 0):
        _lose(client_id)
    _next_report[client_id] = part["number"] + 1
    _users[client_id] = data["user_count"]
    _backlogs[client_id] = part["backlog"]
    RECORDER.add(part)


def _start_step(msg: Any, **_: Any) -> None:  # noqa: ANN401
    SCHEDULE.start(**msg.data)


def _stop_schedule(**_: Any) -> None:  # noqa: ANN401
    SCHEDULE.stop()


def _lose_missing(master: MasterRunner) -> None:
    present = {client.id for client in master.clients.all if client not in master.clients.missing}
    for worker in _senders:
        if worker not in present:
            _lose(worker)
            _users.pop(worker, None)
            _backlogs.pop(worker, None)


def _lose(worker: str) -> None:
    if worker not in OUTCOME.lost_workers:
        OUTCOME.lost_workers.append(worker)


class Steps(LoadTestShape):
    """Runs one step after another, and then lets the users finish. Locust calls `tick` every second."""

    def __init__(self) -> None:
        """Begins with the first step."""
        super().__init__()
        self._number = 0
        self._start: int | None = None
        self._end = self._users = 0
        self._is_cut = False
        self._since = self._idle_since = time.monotonic()

    def tick(self) -> tuple[int, float] | None:
        """Returns the number of users that there should be, and how many start per second; None at the end."""
        assert self.runner
        LOCUST_STATS.flush()
        RECORDER.due.update(SCHEDULE.take_due())
        settings = settings_of(self.runner.environment)
        if isinstance(self.runner, MasterRunner):
            _lose_missing(self.runner)
            if OUTCOME.lost_workers:
                # The others would go on at a lower rate, and with users of the lost ones.
                self.end_early()
        if self._number < len(settings.steps):
            return self._run(self.runner, settings, settings.steps[self._number])
        return self._finish(self.runner, settings)

    def _run(self, runner: Runner, settings: Settings, step: Step) -> tuple[int, float] | None:
        now = clock.now()
        if self._start is None:
            # The backlog of a step may have added users. A higher rate needs them as well.
            self._users = max(step.users, self._users if step.rate else 0)
            if runner.user_count == self._users:
                # Counts are by whole seconds.
                self._start = int(now) + 1
                self._end = self._start + step.seconds
                _announce(runner, self._start, settings, self._number)
            elif time.monotonic() - self._since > self._users / settings.spawn_rate + SPAWN_MARGIN:
                OUTCOME.broken = f"Only {runner.user_count} of {self._users} users could be started."
                return None
        elif now >= self._end + (REPORT_AGE if isinstance(runner, MasterRunner) else SAMPLE_AGE):
            window = self._window(settings, step)
            window = dataclasses.replace(window, is_saturated=is_saturated(settings, RECORDER, window))
            next_step = _next_step(settings, window)
            is_last = next_step == len(settings.steps)
            third = (window.end - window.start) // THIRDS
            can_extend = third > 0 and self._end + third <= self._start + MAX_EXTENSION * step.seconds
            if is_last and can_extend and not is_steady(RECORDER, window):
                self._end += third
            else:
                self._close(window, next_step)
                return self.tick()
        elif _backlog(runner) > self._users:
            # More requests wait than are in flight.
            self._users = min(2 * self._users, step.max_users)
        return self._users, max(settings.spawn_rate, self._users - step.users)

    def _finish(self, runner: Runner, settings: Settings) -> tuple[int, float] | None:
        users = sum(_users.values()) if isinstance(runner, MasterRunner) else runner.user_count
        waited = time.monotonic() - self._since
        if users and waited < STOP_TIMEOUT + SPAWN_MARGIN:
            self._idle_since = time.monotonic()
            return 0, self._users
        if time.monotonic() - self._idle_since <= 2 * CSV_INTERVAL:
            return 0, self._users
        for worker, remaining in _users.items():
            if remaining:
                _lose(worker)
        OUTCOME.is_complete = not self._is_cut
        return None

    def _window(self, settings: Settings, step: Step) -> Window:
        """Returns the last seconds of a step, as many as it has after it has settled."""
        assert self._start is not None
        return Window(self._number, max(self._start, self._end - step.seconds) + settings.settle, self._end)

    def _close(self, window: Window | None, next_step: int) -> None:
        assert self.runner
        if window is not None and window.end > window.start:
            OUTCOME.windows.append(window)
        self._number, self._start = next_step, None
        self._since = self._idle_since = time.monotonic()
        if next_step == len(settings_of(self.runner.environment).steps):
            # Locust stops a user at once if it waits for its turn, so nobody may get a turn from now on.
            self.runner.send_message("f2c_stop")

    def end_early(self) -> None:
        """Keeps what was measured in a step that has not ended, and leaves out the steps that follow."""
        assert self.runner
        if isinstance(self.runner, MasterRunner):
            _lose_missing(self.runner)
        settings = settings_of(self.runner.environment)
        if self._number == len(settings.steps):
            return
        self._is_cut = True
        window = None
        if self._start is not None:
            RECORDER.due.update(SCHEDULE.take_due())
            self._end = min(self._end, int(clock.now()))
            window = self._window(settings, settings.steps[self._number])
        self._close(window, len(settings.steps))


def _next_step(settings: Settings, window: Window) -> int:
    """Returns the number of the next step; the number of steps if there is none."""
    rate = settings.steps[window.step].rate
    number = window.step + 1
    if window.is_saturated and rate is not None:
        # A target that does not sustain a rate sustains no higher one.
        while number < len(settings.steps) and (settings.steps[number].rate or 0) >= rate:
            number += 1
    return number


def _backlog(runner: Runner) -> int:
    return sum(_backlogs.values()) if isinstance(runner, MasterRunner) else SCHEDULE.backlog


def _announce(runner: Runner, begin: int, settings: Settings, number: int) -> None:
    if isinstance(runner, MasterRunner) and not _senders:
        _senders.extend(runner.clients)
    clients = _senders or ["local"]
    step = settings.steps[number]
    load = {"begin": begin, "rate": step.rate, "batch": step.batch, "arrivals": settings.arrivals}
    for process, client in enumerate(clients):
        part = {"seed": f"{settings.seed} {number}", "process": process, "processes": len(clients)}
        runner.send_message("f2c_step", {**load, **part}, client)
