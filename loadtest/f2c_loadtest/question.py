"""A question to a target, and how its answer is checked; what differs between the targets is in `targets`."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from fractions import Fraction

from f2c_loadtest.client import Request

# Questions are made in advance, so that sending one costs the same for every batch size: at most so many, and of so
# many values together, which takes less than a tenth of a second.
POOL_QUESTIONS = 1_000
POOL_VALUES = 10_000


class WrongAnswerError(Exception):
    """An answer that came without an error and is wrong. Its message has no values in it: Locust counts by message."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A request, and what makes its answer right."""

    request: Request
    celsius: list[float]
    tolerances: list[float]
    read: Callable[[bytes], tuple[Sequence[float], str | None]]
    """Takes the temperatures out of an answer, and the appId if it names one; raises ValueError, TypeError or KeyError
    where the answer is not of its form."""

    def check(self, content: bytes) -> str | None:
        """Checks the content of an answer; returns the appId if it names one, and raises WrongAnswerError."""
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
            abs(value - right) <= tolerance
            for value, right, tolerance in zip(values, self.celsius, self.tolerances, strict=True)
        )


Ask = Callable[[list[float]], Question]
"""Makes the question for some temperatures in °F."""


def questions(ask: Ask, batch: int, least: float, most: float, seed: str) -> list[Question]:
    """Returns a pool of questions, the same for the same seed."""
    generator = random.Random(seed)
    size = min(POOL_QUESTIONS, max(1, POOL_VALUES // batch))
    return [ask([_draw(generator, least, most) for _ in range(batch)]) for _ in range(size)]


def exact_celsius(fahrenheit: list[float]) -> list[float]:
    """Converts by fractions, and rounds once."""
    return [float((Fraction(value) - 32) * 5 / 9) for value in fahrenheit]


def _draw(generator: random.Random, least: float, most: float) -> float:
    value = generator.uniform(least, most)
    # As people write them, where the range allows it.
    rounded = round(value, 2)
    return rounded if least <= rounded <= most else min(max(value, least), most)
