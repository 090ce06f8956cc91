"""The function: a GET converts one temperature, and a POST several."""

import json
import math

from f2c_loadtest.http_client import HttpClient, HttpRequest
from f2c_loadtest.question import Question, exact_celsius
from f2c_loadtest.targets.target import Target

# The function promises less than 2 ulp from the exact value (function/openapi.yaml). The expected value is rounded, so
# it may itself be half an ulp away.
TOLERANCE_ULPS = 2.5


def ask(fahrenheit: list[float]) -> Question:
    """Makes the question for temperatures in °F."""
    celsius = exact_celsius(fahrenheit)
    tolerances = [TOLERANCE_ULPS * math.ulp(exact) for exact in celsius]
    if len(fahrenheit) == 1:
        return Question(HttpRequest("GET", f"/?fahrenheit={fahrenheit[0]!r}"), celsius, tolerances, _read_one)
    body = json.dumps({"fahrenheit": fahrenheit}, separators=(",", ":"))
    return Question(HttpRequest("POST", "/", body), celsius, tolerances, _read_several)


def _read_one(content: bytes) -> tuple[list[float], str]:
    answer = json.loads(content.decode())
    return [answer["celsius"]], answer["appId"]


def _read_several(content: bytes) -> tuple[list[float], str]:
    answer = json.loads(content.decode())
    return answer["celsius"], answer["appId"]


TARGET = Target("function", names_replicas=True, client=HttpClient, ask=ask)
