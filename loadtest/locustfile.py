"""The users, who send the requests to the target that `--target` names."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle
from random import randrange
from time import monotonic, perf_counter
from typing import NamedTuple

import gevent
from locust import User, task
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING

from f2c_loadtest.client import Request, RequestError
from f2c_loadtest.clock import now
from f2c_loadtest.locust_stats import LOCUST_STATS
from f2c_loadtest.question import Question, WrongAnswerError, questions
from f2c_loadtest.recorder import RECORDER
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import target_of


class Exchange(NamedTuple):
    """The bytes of a question, and the function that checks the answer."""

    request: Request
    inner: bytes
    """What a client sends."""
    last: bytes
    """The same question as the last one of a connection."""
    check: Callable[[bytes], str | None]


@cache
def shared_exchanges(settings: Settings, batch: int, seed: str) -> Iterator[Exchange]:
    """Returns exchanges without end. All users of a process share them, because they take time to make."""

    def exchange(question: Question) -> Exchange:
        request = question.request
        inner, last = (request.encode(settings.host, is_last) for is_last in (False, True))
        return Exchange(request, inner, last, question.check)

    target = target_of(settings)
    pool = questions(target.ask, target.cases, batch, seed, settings.only_case)
    return cycle([exchange(question) for question in pool])


class CaseUser(User):
    """Asks, checks the answer, and asks again: at once, or when the schedule gives it a turn."""

    def on_start(self) -> None:
        """Prepares for the first step."""
        assert self.environment.parsed_options
        self.settings = Settings.from_json(self.environment.parsed_options.f2c_settings)
        self.batch: int | None = None
        self.client = target_of(self.settings).client(self.settings.host)
        # A random start keeps users from replacing their connections all at once.
        self.asked = randrange(self.settings.requests_per_connection or 1)
        self.connected = monotonic()

    @task
    def converse(self) -> None:
        """Asks until Locust stops this user, which it may do at once while the user waits."""
        while self._state == LOCUST_STATE_RUNNING:
            self._state = LOCUST_STATE_WAITING
            due = SCHEDULE.take()
            self._state = LOCUST_STATE_RUNNING
            self.ask(due)

    def ask(self, due: float | None) -> None:
        """Asks once. `due` is when the request was due, in Unix time, if it had to wait for a free user."""
        is_open = SCHEDULE.rate is not None
        if self.batch != SCHEDULE.batch:
            self.change_to(SCHEDULE.batch or 1)
        exchange = next(self.exchanges)
        is_last = self.is_last_of_connection()
        exception: Exception | None = None
        content, replica = b"", None
        start = perf_counter()
        try:
            content = self.client.ask(exchange.last if is_last else exchange.inner)
        except (OSError, RequestError) as error:
            exception = error
        service = (perf_counter() - start) * 1e6
        end = now()
        if exception is None:
            try:
                replica = exchange.check(content)
            except WrongAnswerError as error:
                exception = error
        response = None if not is_open else service if due is None else max(service, (end - due) * 1e6)
        RECORDER.request(end, service, response, exception, replica, exchange.request)
        LOCUST_STATS.add(exchange.request.method, self.name, service / 1000, len(content), exception)
        if is_last:
            # Not every server says that it closes the connection, and a POST on a closed one fails.
            self.client.close()
        if exception:
            # Requests that fail at once would never give the other users a turn.
            gevent.sleep(0)

    def change_to(self, batch: int) -> None:
        """Takes the questions of a step with another batch size."""
        seed = f"{self.settings.seed} {self.environment.runner.worker_index}"
        self.batch, self.name = batch, f"{batch} a request"
        self.exchanges = shared_exchanges(self.settings, batch, seed)

    def is_last_of_connection(self) -> bool:
        """Counts a request, and returns whether it is its connection's last: the next may reach another replica."""
        self.asked += 1
        max_requests, max_age = self.settings.requests_per_connection, self.settings.seconds_per_connection
        if (max_requests and self.asked >= max_requests) or (max_age and monotonic() - self.connected >= max_age):
            self.asked, self.connected = 0, monotonic()
            return True
        return False
