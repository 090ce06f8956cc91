"""Who sends the requests: users who ask the target that `--target` names."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle
from random import randrange
from time import monotonic, perf_counter
from typing import NamedTuple

import gevent
from locust import User, task
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING

from f2c_loadtest.client import RequestError
from f2c_loadtest.clock import now
from f2c_loadtest.locust_stats import LOCUST_STATS
from f2c_loadtest.question import Question, WrongAnswerError, questions
from f2c_loadtest.recorder import RECORD
from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import TARGETS


class Exchange(NamedTuple):
    """A question as it is sent, and who checks its answer."""

    method: str
    request: bytes
    last_request: bytes
    """The same for the last one of a connection."""
    check: Callable[[bytes], str | None]


@cache
def shared_exchanges(settings: Settings, batch: int, seed: str) -> Iterator[Exchange]:
    """Returns exchanges for ever. All users of a process go through the same ones, which take time to make."""

    def exchange(question: Question) -> Exchange:
        request = question.request
        kept, last = (request.encode(settings.host, is_last) for is_last in (False, True))
        return Exchange(request.method, kept, last, question.check)

    ask = TARGETS[settings.target].ask
    return cycle(
        [exchange(each) for each in questions(ask, batch, settings.min_fahrenheit, settings.max_fahrenheit, seed)]
    )


class ConversionUser(User):
    """Asks, checks the answer, and asks again: at once, or when the schedule says so."""

    def on_start(self) -> None:
        """Gets ready for the first step."""
        assert self.environment.parsed_options
        self.settings = Settings.from_json(self.environment.parsed_options.f2c_settings)
        self.batch: int | None = None
        self.client = TARGETS[self.settings.target].client(self.settings.host)
        # Not all users take new connections at the same time.
        self.asked = randrange(self.settings.requests_per_connection or 1)
        self.connected = monotonic()

    @task
    def converse(self) -> None:
        """Asks until Locust stops this user, whom it may stop at once while it waits."""
        while self._state == LOCUST_STATE_RUNNING:
            self._state = LOCUST_STATE_WAITING
            due = SCHEDULE.take()
            self._state = LOCUST_STATE_RUNNING
            self.ask(due)

    def ask(self, due: float | None) -> None:
        """Asks once: what was due at a unix time, if it had to wait for this user."""
        is_open = SCHEDULE.rate is not None
        if self.batch != SCHEDULE.batch:
            self.change_to(SCHEDULE.batch or 1)
        exchange = next(self.exchanges)
        is_last = self.is_last_of_connection()
        exception: Exception | None = None
        content, app_id = b"", None
        start = perf_counter()
        try:
            content = self.client.ask(exchange.last_request if is_last else exchange.request)
        except (OSError, RequestError) as error:
            exception = error
        service = (perf_counter() - start) * 1e6
        end = now()
        if exception is None:
            try:
                app_id = exchange.check(content)
            except WrongAnswerError as error:
                exception = error
        response = None if not is_open else service if due is None else max(service, (end - due) * 1e6)
        RECORD.request(end, service, response, exception, app_id)
        LOCUST_STATS.add(exchange.method, self.name, service / 1000, len(content), exception)
        if is_last:
            # Not every server says that it closes the connection, and a POST that meets a closed one fails.
            self.client.close()
        if exception:
            # Something that fails at once would keep all others from their turn.
            gevent.sleep(0)

    def change_to(self, batch: int) -> None:
        """Takes the questions of another step."""
        seed = f"{self.settings.seed} {self.environment.runner.worker_index}"
        self.batch, self.name = batch, f"{batch} a request"
        self.exchanges = shared_exchanges(self.settings, batch, seed)

    def is_last_of_connection(self) -> bool:
        """Counts a request; whether its connection is to be closed, so that the next one may meet another replica."""
        self.asked += 1
        most, oldest = self.settings.requests_per_connection, self.settings.seconds_per_connection
        if (most and self.asked >= most) or (oldest and monotonic() - self.connected >= oldest):
            self.asked, self.connected = 0, monotonic()
            return True
        return False
