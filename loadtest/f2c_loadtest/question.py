"""Defines a question: a request, and how its answer is checked. A target makes them of cases."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any

from f2c_loadtest.client import SHOWN, Request, RequestError, shown

# Questions are made in advance, so that sending one costs the same for every batch size. These bounds keep that below
# a tenth of a second.
POOL_QUESTIONS = 1_000
POOL_VALUES = 10_000

Cases = dict[str, list[Any]]
"""Cases by column: what is asked, and what is right. Each column has as many values as there are cases."""


class WrongAnswerError(Exception):
    """An answer came and is wrong. The message holds no values, because Locust counts failures by message."""

    def __init__(self, message: str, detail: Callable[[], str] = str) -> None:
        """Takes the message, and what tells where, what was expected, and what came; called for the first one only."""
        super().__init__(message)
        self.detail = detail


@dataclasses.dataclass(frozen=True)
class Question:
    """A request, and how its answer is checked."""

    request: Request
    check: Callable[[bytes], str | None]
    """Checks the content of an answer, and returns what names the replica, if it does; raises WrongAnswerError."""
    value: Callable[[bytes], Any] = lambda _: None
    """Returns what the content of an answer says, for people; None if it can't be read."""


Ask = Callable[[Cases], Question]
"""Makes the question for cases."""


def questions(ask: Ask, cases: Cases, batch: int, seed: str, only_case: int | None = None) -> list[Question]:
    """Returns a pool of questions about `batch` cases each, drawn with replacement: the same for the same seed."""
    numbers = range(length(cases)) if only_case is None else [only_case]
    rng = random.Random(seed)
    size = min(POOL_QUESTIONS, max(1, POOL_VALUES // batch)) if len(numbers) > 1 else 1
    return [ask(choose(cases, rng.choices(numbers, k=batch))) for _ in range(size)]


def length(cases: Cases) -> int:
    """Returns how many cases there are."""
    return len(next(iter(cases.values())))


def choose(cases: Cases, numbers: list[int]) -> Cases:
    """Returns the cases with these numbers, which begin with 0."""
    return {column: [values[number] for number in numbers] for column, values in cases.items()}


def explain(request: Request, error: BaseException) -> str:
    """Returns all about a request that failed: what was asked, what came, and what was expected."""
    detail = error.detail() if isinstance(error, RequestError | WrongAnswerError) else ""
    message = shown(str(error) or repr(error)).rstrip(".")
    return shown(f"{shown(request)}: {message}{f': {detail}' if detail else ''}", 5 * SHOWN)
