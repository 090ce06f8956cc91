"""What is asked of each target, and which answers are right."""

import dataclasses
import json
import math
import random
import struct
from fractions import Fraction

# An answer of the function is less than 2 ulp from the exact value (function/openapi.yaml), which the expected one is
# half an ulp from at most.
FUNCTION_TOLERANCE_ULPS = 2.5
# What float32 costs the model; model/README.md derives it.
TFSERVING_RELATIVE_TOLERANCE = 3 * 2.0**-24

TFSERVING_PATH = "/v1/models/fahrenheit_to_celsius:predict"

# Questions are made in advance, so that sending one costs the same for every batch size: at most so many, and of so
# many values together, which takes less than a tenth of a second.
POOL_QUESTIONS = 1_000
POOL_VALUES = 10_000


class WrongAnswerError(Exception):
    """An answer that came with status 200 and is wrong. Its message has no values in it: Locust counts by message."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A request, and what makes its answer right."""

    method: str
    path: str
    body: str | None
    celsius: list[float]
    tolerances: list[float]
    is_function: bool

    def check(self, content: bytes | None) -> str | None:
        """Checks the content of an answer; returns the appId if it names one, and raises WrongAnswerError."""
        try:
            answer = json.loads((content or b"").decode())
            celsius = answer["celsius" if self.is_function else "predictions"]
            app_id = answer["appId"] if self.is_function else None
            # A question for one temperature of the function has no list in it.
            values = celsius if self.body is not None else [celsius]
            is_right = len(values) == len(self.celsius) and (values == self.celsius or self._are_near(values))
        except (ValueError, TypeError, KeyError):
            raise WrongAnswerError("the answer is not of the expected form") from None
        if not is_right:
            raise WrongAnswerError("a temperature is wrong, or one is missing")
        return app_id

    def _are_near(self, values: list[float]) -> bool:
        return all(
            abs(value - right) <= tolerance
            for value, right, tolerance in zip(values, self.celsius, self.tolerances, strict=True)
        )


def ask(target: str, fahrenheit: list[float]) -> Question:
    """Makes the question for some temperatures in °F."""
    celsius = [float((Fraction(value) - 32) * 5 / 9) for value in fahrenheit]
    if target == "tfserving":
        body = json.dumps({"instances": fahrenheit}, separators=(",", ":"))
        tolerances = [
            TFSERVING_RELATIVE_TOLERANCE * abs(right) + abs(value - _to_float32(value))
            for value, right in zip(fahrenheit, celsius, strict=True)
        ]
        return Question("POST", TFSERVING_PATH, body, celsius, tolerances, is_function=False)
    tolerances = [FUNCTION_TOLERANCE_ULPS * math.ulp(right) for right in celsius]
    if len(fahrenheit) == 1:
        return Question("GET", f"/?fahrenheit={fahrenheit[0]!r}", None, celsius, tolerances, is_function=True)
    body = json.dumps({"fahrenheit": fahrenheit}, separators=(",", ":"))
    return Question("POST", "/", body, celsius, tolerances, is_function=True)


def questions(target: str, batch: int, least: float, most: float, seed: str) -> list[Question]:
    """Returns a pool of questions, the same for the same seed."""
    generator = random.Random(seed)
    size = min(POOL_QUESTIONS, max(1, POOL_VALUES // batch))
    return [ask(target, [_draw(generator, least, most) for _ in range(batch)]) for _ in range(size)]


def _draw(generator: random.Random, least: float, most: float) -> float:
    value = generator.uniform(least, most)
    # As people write them, where the range allows it.
    rounded = round(value, 2)
    return rounded if least <= rounded <= most else min(max(value, least), most)


def _to_float32(value: float) -> float:
    (nearest,) = struct.unpack("f", struct.pack("f", value))
    return float(nearest)
