"""What Locust loads beside the locustfile: it runs the steps, and brings what was recorded to one place.

Locust runs this in one process, or in a master and its workers. There are users, a record and a watch over the
generator in every process but the master; workers send their part with the reports that Locust makes to the master.
"""

import atexit
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

from f2c_loadtest import generator
from f2c_loadtest.outcome import Outcome, Window
from f2c_loadtest.recorder import RECORD, requests
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.settings import STOP_TIMEOUT, Settings, Step
from f2c_loadtest.statistics import STATISTICS

# Locust's is 3 s; by this all that is decided while the load runs is at most a second old.
runners.WORKER_REPORT_INTERVAL = 1.0

# Locust's, at which it writes its CSV files: the last requests must be in them.
CSV_INTERVAL = 1

# Beyond the time that users take to start by their spawn rate.
SPAWN_MARGIN = 30

# Throughput that rises by less, twice in a row, rises no more.
SATURATION_GAIN = 0.05

OUTCOME = Outcome(RECORD)

# On a worker: the numbers of its reports. On the master, by worker: the number of its next report, and its users.
_reports = count()
_next_report: dict[str, int] = {}
_users: dict[str, int] = {}


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
        end = time.time() if start_time is None else start_time + response_time / 1000
        RECORD.request(end, response_time * 1000, exception=exception)


@events.init.add_listener
def _begin(environment: Environment, runner: Runner, **_: Any) -> None:  # noqa: ANN401
    settings = settings_of(environment)
    STATISTICS.stats = environment.stats
    # A user class without a target, as in somebody's own locustfile, is for both.
    environment.user_classes = [
        each for each in environment.user_classes if getattr(each, "target", settings.target) == settings.target
    ]
    runner.register_message("f2c_step", _start_step)
    runner.register_message("f2c_stop", _stop_schedule)
    if not isinstance(runner, WorkerRunner):
        # Locust's own handler comes only after the load.
        gevent.signal_handler(signal.SIGTERM, _stop, runner)
        assert environment.parsed_options
        atexit.register(_leave, Path(environment.parsed_options.f2c_outcome))
        if not environment.user_classes:
            OUTCOME.broken = f"The locustfile has no user class for {settings.target}."
            raise SystemExit(1)
    if not isinstance(runner, MasterRunner):
        name = (lambda: f"worker-{runner.worker_index}") if isinstance(runner, WorkerRunner) else lambda: "local"
        generator.Watch(RECORD, name, lambda: runner.user_count)


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
    STATISTICS.flush()


@events.test_stopping.add_listener
def _end_early(environment: Environment, **_: Any) -> None:  # noqa: ANN401
    SCHEDULE.stop()
    if isinstance(environment.shape_class, Steps):
        environment.shape_class.end_early()


@events.report_to_master.add_listener
def _report(data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401
    # Locust's own listener, which comes after this one, adds its statistics.
    STATISTICS.flush()
    data["f2c"] = {"number": next(_reports), **OUTCOME.record.take()}


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
    OUTCOME.record.add(part)


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
        self._since = self._idle_since = time.monotonic()
        self._throughputs: list[float] = []

    def tick(self) -> tuple[int, float] | None:
        """Returns how many users there should be, and how many start in a second; None at the end."""
        assert self.runner
        STATISTICS.flush()
        settings = settings_of(self.runner.environment)
        if self._number < len(settings.steps):
            return self._run(self.runner, settings, settings.steps[self._number])
        return self._finish(self.runner, settings)

    def _run(self, runner: Runner, settings: Settings, step: Step) -> tuple[int, float] | None:
        now = time.time()
        if self._begin is None:
            if runner.user_count == step.users:
                # The next whole second, which is what is counted by.
                self._begin = int(now) + 1
                _announce(runner, self._begin, step)
            elif time.monotonic() - self._since > step.users / settings.spawn_rate + SPAWN_MARGIN:
                OUTCOME.broken = f"Only {runner.user_count} of {step.users} users could be started."
                return None
        elif now >= self._begin + step.seconds:
            self._close_window(self._begin + step.seconds)
            if settings.until_saturated and self._is_saturated():
                self._number = len(settings.steps)
            if self._number == len(settings.steps):
                _announce_end(runner)
            return self.tick()
        return step.users, settings.spawn_rate

    def _finish(self, runner: Runner, settings: Settings) -> tuple[int, float] | None:
        users = _users_of_workers(runner) if isinstance(runner, MasterRunner) else runner.user_count
        waited = time.monotonic() - self._since
        if users and waited < STOP_TIMEOUT + SPAWN_MARGIN:
            self._idle_since = time.monotonic()
            return 0, max(step.users for step in settings.steps)
        if time.monotonic() - self._idle_since <= 2 * CSV_INTERVAL:
            return 0, max(step.users for step in settings.steps)
        for worker, left in _users.items():
            if left:
                _lose(worker)
        OUTCOME.is_complete = True
        return None

    def _close_window(self, end: int) -> None:
        assert self.runner
        assert self._begin is not None
        start = self._begin + settings_of(self.runner.environment).settle
        if end > start:
            OUTCOME.windows.append(Window(self._number, start, end))
        self._number, self._begin = self._number + 1, None
        self._since = self._idle_since = time.monotonic()

    def _is_saturated(self) -> bool:
        # Reports of workers are a second old.
        start, end = OUTCOME.windows[-1].start, OUTCOME.windows[-1].end - 1
        self._throughputs.append(requests(OUTCOME.record.between(start, end)) / max(1, end - start))
        best = 0.0
        flat = 0
        for throughput in self._throughputs:
            flat = flat + 1 if best and throughput < best * (1 + SATURATION_GAIN) else 0
            best = max(best, throughput)
        return flat >= 2

    def end_early(self) -> None:
        """Keeps what was measured of a step that is not finished."""
        if self._begin is not None:
            self._close_window(int(time.time()))


def _announce_end(runner: Runner) -> None:
    # Before users are stopped: one that waits for its turn is stopped at once, and must not get it any more.
    runner.send_message("f2c_stop")


def _users_of_workers(master: MasterRunner) -> int:
    for client in master.clients.missing:
        _lose(client.id)
        _users.pop(client.id, None)
    return sum(_users.values())


def _announce(runner: Runner, begin: int, step: Step) -> None:
    clients = list(runner.clients) if isinstance(runner, MasterRunner) else ["local"]
    for number, client in enumerate(clients):
        part = {"process": number, "processes": len(clients)}
        runner.send_message("f2c_step", {"begin": begin, "rate": step.rate, "batch": step.batch, **part}, client)
