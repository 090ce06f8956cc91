"""Defines a question: a request, and how its answer is checked. Each module of `targets` makes its own."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from fractions import Fraction

from f2c_loadtest.client import Request

# Questions are made in advance, so that sending one costs the same for every batch size. These bounds keep that below
# a tenth of a second.
POOL_QUESTIONS = 1_000
POOL_VALUES = 10_000


class WrongAnswerError(Exception):
    """An answer came and is wrong. The message holds no values, because Locust counts failures by message."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A request, and the answer that is right: temperatures in °C, each with its tolerance."""

    request: Request
    celsius: list[float]
    tolerances: list[float]
    read: Callable[[bytes], tuple[Sequence[float], str | None]]
    """Returns the temperatures in an answer, and the appId if it has one.

    Raises ValueError, TypeError or KeyError if the answer is not of the expected form.
    """

    def check(self, content: bytes) -> str | None:
        """Checks an answer and returns the appId if it has one; raises WrongAnswerError."""
        try:
            values, app_id = self.read(content)
            is_right = len(values) == len(self.celsius) and (values == self.celsius or self._are_near(values))
        except (ValueError, TypeError, KeyError):
            raise WrongAnswerError("the answer is not of the expected form") from None
        if not is_right:
            raise WrongAnswerError("a temperature is wrong, or one is missing")
        return app_id

    def _are_near(self, values: Sequence[float]) -> bool:
        return all(
            abs(value - exact) <= tolerance
            for value, exact, tolerance in zip(values, self.celsius, self.tolerances, strict=True)
        )


Ask = Callable[[list[float]], Question]
"""Makes the question for temperatures in °F."""


def questions(ask: Ask, batch: int, low: float, high: float, seed: str) -> list[Question]:
    """Returns a pool of questions with `batch` temperatures each, the same for the same seed."""
    rng = random.Random(seed)
    size = min(POOL_QUESTIONS, max(1, POOL_VALUES // batch))
    return [ask([_draw(rng, low, high) for _ in range(batch)]) for _ in range(size)]


def exact_celsius(fahrenheit: list[float]) -> list[float]:
    """Converts °F to °C in exact fractions, and rounds once."""
    return [float((Fraction(value) - 32) * 5 / 9) for value in fahrenheit]


def _draw(rng: random.Random, low: float, high: float) -> float:
    value = rng.uniform(low, high)
    # People write two decimals; a narrow range may need more.
    rounded = round(value, 2)
    return rounded if low <= rounded <= high else min(max(value, low), high)
