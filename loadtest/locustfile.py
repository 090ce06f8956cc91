"""Defines the users that send the requests: one class for each target. `--target` selects one of them."""

from collections.abc import Iterator
from functools import cache
from random import randrange
from time import monotonic
from typing import ClassVar

from locust import FastHttpUser, task

from f2c_loadtest.schedule import SCHEDULE
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import Question, WrongAnswerError, questions

# Answers come uncompressed, because the time to compress and decompress them would be measured too.
HEADERS = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
LAST_HEADERS = {**HEADERS, "Connection": "close"}

# All users of a process share their questions, which take time to generate.
shared_questions = cache(questions)


class ConversionUser(FastHttpUser):
    """Sends a request, checks the answer, and sends the next one: at once, or when the schedule says so."""

    abstract = True
    target: ClassVar[str]
    # Each user has one connection, so that a Service sees as many connections as there are users.
    concurrency = 1
    connection_timeout = 5.0
    network_timeout = 10.0
    max_redirects = 0

    def on_start(self) -> None:
        """Reads the settings, and waits for the first step."""
        assert self.environment.parsed_options
        self.settings = Settings.from_json(self.environment.parsed_options.f2c_settings)
        # A random start keeps users from opening new connections all at the same time.
        self.asked = randrange(self.settings.requests_per_connection or 1)
        self.connected = monotonic()
        while SCHEDULE.batch is None:
            self.wait()
        self.wait()

    def wait_time(self) -> float:
        """Takes the next request of the schedule, and returns the number of seconds until it is due."""
        self.intended, seconds = SCHEDULE.next()
        return seconds

    @task
    def convert(self) -> None:
        """Sends one request, and checks its answer."""
        question = next(self.questions())
        context = {"intended": self.intended, "app_id": None}
        is_last = self.is_last_of_connection()
        with self.client.request(
            question.method,
            question.path,
            name=f"{SCHEDULE.batch} a request",
            data=question.body,
            headers=LAST_HEADERS if is_last else HEADERS,
            context=context,
            catch_response=True,
        ) as response:
            if response.status_code == 200:
                try:
                    response.request_meta["context"]["app_id"] = question.check(response.content)
                except WrongAnswerError as error:
                    response.failure(error)
        if is_last:
            # Not every server says that it closes the connection, and a POST on a closed connection fails.
            self.client.client.close()

    def questions(self) -> Iterator[Question]:
        """Returns the questions of the current step."""
        settings, batch = self.settings, SCHEDULE.batch
        assert batch
        seed = f"{settings.seed} {self.environment.runner.worker_index}"
        return shared_questions(self.target, batch, settings.min_fahrenheit, settings.max_fahrenheit, seed)

    def is_last_of_connection(self) -> bool:
        """Counts a request, and returns whether to close its connection, so that the next may reach another replica."""
        self.asked += 1
        most, oldest = self.settings.requests_per_connection, self.settings.seconds_per_connection
        if (most and self.asked >= most) or (oldest and monotonic() - self.connected >= oldest):
            self.asked, self.connected = 0, monotonic()
            return True
        return False


class FunctionUser(ConversionUser):
    """Sends requests to the function."""

    target = "function"


class TfServingUser(ConversionUser):
    """Sends requests to TensorFlow Serving."""

    target = "tfserving"
