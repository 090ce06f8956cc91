"""TensorFlow Serving over REST, in its row format: each instance is a temperature."""

import json
import struct

from f2c_loadtest.http_client import HttpClient, HttpRequest
from f2c_loadtest.question import Question, exact_celsius
from f2c_loadtest.targets.target import Target

PATH = "/v1/models/fahrenheit_to_celsius:predict"
# The rounding error of the model in float32; model/README.md derives it.
RELATIVE_TOLERANCE = 3 * 2.0**-24


def ask(fahrenheit: list[float]) -> Question:
    """Makes the question for temperatures in °F."""
    celsius = exact_celsius(fahrenheit)
    body = json.dumps({"instances": fahrenheit}, separators=(",", ":"))
    return Question(HttpRequest("POST", PATH, body), celsius, tolerances_of(fahrenheit, celsius), _read)


def tolerances_of(fahrenheit: list[float], celsius: list[float]) -> list[float]:
    """Returns how many °C the model may be off, because it takes temperatures, and computes, in float32."""
    return [
        RELATIVE_TOLERANCE * abs(exact) + abs(value - _to_float32(value))
        for value, exact in zip(fahrenheit, celsius, strict=True)
    ]


def _read(content: bytes) -> tuple[list[float], None]:
    return json.loads(content.decode())["predictions"], None


def _to_float32(value: float) -> float:
    (nearest,) = struct.unpack("f", struct.pack("f", value))
    return float(nearest)


TARGET = Target("tfserving", names_replicas=False, client=HttpClient, ask=ask)
