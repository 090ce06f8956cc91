"""TensorFlow Serving by REST: its row format, one instance a temperature."""

import json
import struct
from typing import Any

from f2c_loadtest.question import Question, exact_celsius
from f2c_loadtest.targets.target import Target

PATH = "/v1/models/fahrenheit_to_celsius:predict"
# What float32 costs the model; model/README.md derives it.
RELATIVE_TOLERANCE = 3 * 2.0**-24


def ask(fahrenheit: list[float]) -> Question:
    """Makes the question for some temperatures in °F."""
    celsius = exact_celsius(fahrenheit)
    tolerances = [
        RELATIVE_TOLERANCE * abs(right) + abs(value - _to_float32(value))
        for value, right in zip(fahrenheit, celsius, strict=True)
    ]
    body = json.dumps({"instances": fahrenheit}, separators=(",", ":"))
    return Question("POST", PATH, body, celsius, tolerances, _read)


def _read(answer: dict[str, Any]) -> tuple[list[float], str | None]:
    return answer["predictions"], None


def _to_float32(value: float) -> float:
    (nearest,) = struct.unpack("f", struct.pack("f", value))
    return float(nearest)


TARGET = Target("tfserving", names_replicas=False, ask=ask)
