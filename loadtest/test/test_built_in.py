"""Checks the built-in record against known temperatures, and against recorded answers of TensorFlow Serving."""

import base64
import csv
import json
import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from records import built_in, message

from f2c_loadtest.question import Question, WrongAnswerError
from f2c_loadtest.settings import BUILT_IN_RECORD

KNOWN_TEMPERATURES = Path(__file__).parents[2] / "model" / "known-temperatures.csv"
DT_INVALID, DT_FLOAT = 0, 1

TARGETS = ("function", "tfserving", "tfserving-grpc")


def known() -> list[tuple[float, float]]:
    """Reads the temperatures that all targets can convert: finite ones, from absolute zero up."""
    with KNOWN_TEMPERATURES.open(encoding="utf-8", newline="") as file:
        rows = [(float(row["fahrenheit"]), float(row["celsius"])) for row in csv.DictReader(file)]
    return [(fahrenheit, celsius) for fahrenheit, celsius in rows if -459.67 <= fahrenheit < 3e38]


def exact(fahrenheit: float) -> float:
    return float((Fraction(fahrenheit) - 32) * 5 / 9)


def ask(key: str, fahrenheit: list[float]) -> Question:
    return built_in(key).ask({"fahrenheit": fahrenheit, "celsius": [exact(value) for value in fahrenheit]})


def exchanges(name: str) -> list[dict[str, Any]]:
    """Reads recorded requests to the real server, and its answers."""
    recorded = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    listed: list[dict[str, Any]] = recorded["exchanges"]
    return listed


def answer_of_function(celsius: float | list[float]) -> bytes:
    return json.dumps({"celsius": celsius, "appId": "some-id"}).encode()


def answer_by_grpc(output: str = "celsius", **values: Any) -> bytes:  # noqa: ANN401
    tensor = message("TensorProto")(dtype=DT_FLOAT, **values)
    serialized: bytes = message("PredictResponse")(outputs={output: tensor}).SerializeToString()
    return serialized


# The answer of each target with these temperatures.
ANSWERS: dict[str, Callable[[list[float]], bytes]] = {
    "function": lambda celsius: answer_of_function(celsius[0] if len(celsius) == 1 else celsius),
    "tfserving": lambda celsius: json.dumps({"predictions": celsius}).encode(),
    "tfserving-grpc": lambda celsius: answer_by_grpc(float_val=celsius),
}


def is_right(question: Question, content: bytes) -> bool:
    try:
        question.check(content)
    except WrongAnswerError:
        return False
    return True


def test_it_has_these_targets_and_a_thousand_cases() -> None:
    record = json.loads(BUILT_IN_RECORD.read_text(encoding="utf-8"))
    assert tuple(record["targets"]) == TARGETS
    cases = record["cases"]
    assert {column: len(values) for column, values in cases.items()} == {"fahrenheit": 1000, "celsius": 1000}
    assert cases["celsius"] == [exact(value) for value in cases["fahrenheit"]]
    assert all(-100 <= value <= 300 for value in cases["fahrenheit"])


@pytest.mark.parametrize("key", TARGETS)
@pytest.mark.parametrize(("fahrenheit", "celsius"), known())
def test_known_temperatures_are_right(key: str, fahrenheit: float, celsius: float) -> None:
    question = ask(key, [fahrenheit])
    names_replica = question.check(ANSWERS[key]([celsius])) is not None
    assert names_replica == built_in(key).names_replicas == (key == "function")
    with pytest.raises(WrongAnswerError, match=r"a value at .* is wrong"):
        question.check(ANSWERS[key]([celsius + max(1, abs(celsius)) / 1000]))


@pytest.mark.parametrize("key", TARGETS)
def test_every_temperature_counts(key: str) -> None:
    fahrenheit, celsius = zip(*known(), strict=True)
    question = ask(key, list(fahrenheit))
    question.check(ANSWERS[key](list(celsius)))
    for wrong in (celsius[:-1], (*celsius, 0.0), celsius[::-1], (), (*celsius[:-1], math.nan)):
        assert not is_right(question, ANSWERS[key](list(wrong)))


@pytest.mark.parametrize(("fahrenheit", "celsius"), [pair for pair in known() if pair[1]])
def test_the_function_is_right_to_the_last_digit_but_one(fahrenheit: float, celsius: float) -> None:
    question = ask("function", [fahrenheit])
    assert question.check(answer_of_function(celsius)) == "some-id"
    right = exact(fahrenheit)
    assert is_right(question, answer_of_function(right + 2 * math.ulp(right)))
    assert not is_right(question, answer_of_function(right + 5 * math.ulp(right)))


@pytest.mark.parametrize("number", [0, 1])
def test_requests_and_answers_are_those_of_the_real_server(number: int) -> None:
    exchange = exchanges("tfserving-exchanges.json")[number]
    request, response = exchange["request"], exchange["response"]
    question = ask("tfserving", json.loads(request["body"])["instances"])
    assert str(question.request) == f"{request['method']} {request['path']} {request['body']}"
    question.check(response["body"].encode())


def recorded_by_grpc(name: str) -> tuple[bytes, bytes]:
    (exchange,) = (entry for entry in exchanges("tfserving-grpc-exchanges.json") if entry["name"] == name)
    assert exchange["response"]["status"] == "OK"
    request, response = (base64.b64decode(exchange[side]["base64"]) for side in ("request", "response"))
    return request, response


def test_messages_are_those_of_the_real_server() -> None:
    request, response = recorded_by_grpc("one value by tensor_content")
    question = ask("tfserving-grpc", [212])
    assert question.request.encode("http://any", is_last=False)[5:] == request
    question.check(response)
    # The same values in a list get the same answers.
    _, response = recorded_by_grpc("three values")
    ask("tfserving-grpc", [-40, 32, 98.6]).check(response)


def test_the_real_server_fills_up_what_is_missing() -> None:
    _, response = recorded_by_grpc("fewer values than the shape says")
    with pytest.raises(WrongAnswerError):
        ask("tfserving-grpc", [32, 212]).check(response)


def test_values_may_come_as_bytes() -> None:
    # The real server sends them so with --enable_serialization_as_tensor_content.
    question = ask("tfserving-grpc", [32, 212])
    question.check(answer_by_grpc(tensor_content=struct.pack("<2f", 0, 100)))
    with pytest.raises(WrongAnswerError, match="a value at /outputs/celsius/float_val is wrong"):
        question.check(answer_by_grpc(tensor_content=struct.pack("<2f", 0, 100.1)))
    with pytest.raises(WrongAnswerError, match="the bytes of the answer are no whole number of FP32"):
        question.check(answer_by_grpc(tensor_content=b"12345"))


def test_one_temperature_is_asked_by_the_url_and_more_by_a_body() -> None:
    assert str(ask("function", [98.6]).request) == "GET /?fahrenheit=98.6"
    assert str(ask("function", [32, 98.6]).request) == 'POST / {"fahrenheit":[32,98.6]}'
