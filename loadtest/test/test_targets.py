"""Checks questions and answers against known temperatures, recorded answers of TensorFlow Serving, and compare."""

import base64
import csv
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import run_node

from f2c_loadtest.grpc_client import GrpcRequest
from f2c_loadtest.http_client import HttpRequest
from f2c_loadtest.predict_pb2 import DT_FLOAT, DataType, PredictResponse, TensorProto
from f2c_loadtest.question import Question, WrongAnswerError, questions
from f2c_loadtest.targets import TARGETS, function, tfserving, tfserving_grpc

KNOWN_TEMPERATURES = Path(__file__).parents[2] / "model" / "known-temperatures.csv"

HOST = "http://localhost:8080"
LOW, HIGH = -100.0, 300.0


def known() -> list[tuple[float, float]]:
    """Reads the temperatures that all targets can convert: finite ones, from absolute zero up."""
    with KNOWN_TEMPERATURES.open(encoding="utf-8", newline="") as file:
        rows = [(float(row["fahrenheit"]), float(row["celsius"])) for row in csv.DictReader(file)]
    return [(fahrenheit, celsius) for fahrenheit, celsius in rows if -459.67 <= fahrenheit < 3e38]


def exchanges(name: str) -> list[dict[str, Any]]:
    """Reads recorded requests to the real server, and its answers."""
    recorded = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    listed: list[dict[str, Any]] = recorded["exchanges"]
    return listed


def answer_of_function(celsius: float | list[float]) -> bytes:
    return json.dumps({"celsius": celsius, "appId": "some-id"}).encode()


def answer_by_grpc(output: str = tfserving_grpc.OUTPUT, dtype: DataType = DT_FLOAT, **values: Any) -> bytes:  # noqa: ANN401
    message: bytes = PredictResponse(outputs={output: TensorProto(dtype=dtype, **values)}).SerializeToString()
    return message


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


@pytest.mark.parametrize("key", TARGETS)
@pytest.mark.parametrize(("fahrenheit", "celsius"), known())
def test_known_temperatures_are_right(key: str, fahrenheit: float, celsius: float) -> None:
    question = TARGETS[key].ask([fahrenheit])
    names_replica = question.check(ANSWERS[key]([celsius])) is not None
    assert names_replica == TARGETS[key].names_replicas
    with pytest.raises(WrongAnswerError, match="a temperature is wrong, or one is missing"):
        question.check(ANSWERS[key]([celsius + max(1, abs(celsius)) / 1000]))


@pytest.mark.parametrize("key", TARGETS)
def test_every_temperature_counts(key: str) -> None:
    fahrenheit, celsius = zip(*known(), strict=True)
    question = TARGETS[key].ask(list(fahrenheit))
    question.check(ANSWERS[key](list(celsius)))
    for wrong in (celsius[:-1], (*celsius, 0.0), celsius[::-1], (), (*celsius[:-1], math.nan)):
        assert not is_right(question, ANSWERS[key](list(wrong)))


@pytest.mark.parametrize(("fahrenheit", "celsius"), known())
def test_the_function_is_right_to_the_last_digit_but_one(fahrenheit: float, celsius: float) -> None:
    question = function.ask([fahrenheit])
    assert question.check(answer_of_function(celsius)) == "some-id"
    (exact,) = question.celsius
    assert is_right(question, answer_of_function(exact + 2 * math.ulp(exact)))
    assert not is_right(question, answer_of_function(exact + 3 * math.ulp(exact)))


@pytest.mark.parametrize("number", [0, 1])
def test_requests_and_answers_are_those_of_the_real_server(number: int) -> None:
    exchange = exchanges("tfserving-exchanges.json")[number]
    request, response = exchange["request"], exchange["response"]
    question = tfserving.ask(json.loads(request["body"])["instances"])
    assert question.request == HttpRequest(**request)
    question.check(response["body"].encode())


def recorded_by_grpc(name: str) -> tuple[bytes, bytes]:
    (exchange,) = (entry for entry in exchanges("tfserving-grpc-exchanges.json") if entry["name"] == name)
    assert (exchange["method"], exchange["response"]["status"]) == (tfserving_grpc.METHOD, "OK")
    request, response = (base64.b64decode(exchange[side]["base64"]) for side in ("request", "response"))
    return request, response


def test_messages_are_those_of_the_real_server() -> None:
    request, response = recorded_by_grpc("one value by tensor_content")
    question = tfserving_grpc.ask([212])
    assert question.request == GrpcRequest(request)
    question.check(response)
    # The same values in a list get the same answers.
    _, response = recorded_by_grpc("three values")
    tfserving_grpc.ask([-40, 32, 98.6]).check(response)


def test_the_real_server_fills_up_what_is_missing() -> None:
    _, response = recorded_by_grpc("fewer values than the shape says")
    with pytest.raises(WrongAnswerError, match="a temperature is wrong, or one is missing"):
        tfserving_grpc.ask([32, 212]).check(response)


def test_values_may_come_as_bytes() -> None:
    # The real server sends them so with --enable_serialization_as_tensor_content.
    question = tfserving_grpc.ask([32, 212])
    question.check(answer_by_grpc(tensor_content=struct.pack("<2f", 0, 100)))
    with pytest.raises(WrongAnswerError, match="a temperature is wrong"):
        question.check(answer_by_grpc(tensor_content=struct.pack("<2f", 0, 100.1)))
    with pytest.raises(WrongAnswerError, match="not of the expected form"):
        question.check(answer_by_grpc(tensor_content=b"12345"))


@pytest.mark.parametrize(
    ("question", "content"),
    [
        *(
            (function.ask([32, 212]), content)
            for content in (
                *(b"", b"<html>", b"[]", b"null", b"{}", b"\xff"),
                *(b'{"celsius":[0,100]}', b'{"celsius":0,"appId":"a"}', b'{"celsius":[0,"100"],"appId":"a"}'),
            )
        ),
        *((tfserving.ask([32]), content) for content in (b"", b"{}", b"[]", b'{"outputs":[0]}')),
        *(
            (tfserving_grpc.ask([32]), content)
            for content in (
                *(b"", b"\xff", b'{"predictions":[0]}'),
                answer_by_grpc(output="kelvin", float_val=[0]),
                answer_by_grpc(dtype=DataType.DT_INVALID, float_val=[0]),
            )
        ),
    ],
)
def test_other_forms_are_wrong(question: Question, content: bytes) -> None:
    with pytest.raises(WrongAnswerError, match="the answer is not of the expected form"):
        question.check(content)


def test_one_temperature_is_asked_by_the_url_and_more_by_a_body() -> None:
    assert function.ask([98.6]).request == HttpRequest("GET", "/?fahrenheit=98.6")
    assert function.ask([32, 98.6]).request == HttpRequest("POST", "/", '{"fahrenheit":[32,98.6]}')


# Prints the request of `npm run compare` to a target over HTTP, and for each answer whether compare accepts it.
PRINT_QUESTION = """
const [key, contents] = process.argv.slice(1);
const { INTERFACES } = await import('./compare/servers/index.ts');
const { path, options, isAnswer } = INTERFACES[key].question;
const judged = JSON.parse(contents).map((content) => isAnswer(JSON.parse(content)));
console.log(JSON.stringify({ request: [options.method, path, options.body ?? null], judged }));
"""

# Those of the values below that are right for 212 °F.
RIGHT: dict[str, list[float]] = {"function": [100], "tfserving": [100, 100.00001]}


@pytest.mark.parametrize("key", [key for key in TARGETS if isinstance(TARGETS[key].ask([212]).request, HttpRequest)])
def test_compare_asks_the_same_by_http_and_judges_alike(key: str) -> None:
    question = TARGETS[key].ask([212])
    values: list[Any] = [100, 100.00001, 100.00002, 99.9, None, "100", [100]]
    contents = [*(ANSWERS[key]([value]) for value in values), b"null", b"{}", b"[]"]
    judged = [value in RIGHT[key] for value in values] + [False] * 3
    assert [is_right(question, content) for content in contents] == judged
    asked = run_node(PRINT_QUESTION, key, json.dumps([content.decode() for content in contents]))
    assert asked == {"request": list(question.request), "judged": judged}  # type: ignore[call-overload]


def test_the_seed_decides_what_is_asked() -> None:
    def requests(seed: str) -> list[bytes]:
        pool = questions(function.ask, 1, LOW, HIGH, seed)
        return [question.request.encode(HOST, False) for question in pool[:50]]

    assert requests("1 0") == requests("1 0")
    assert requests("1 0") != requests("1 1")
    assert len(set(requests("1 0"))) > 40


@pytest.mark.parametrize(("low", "high"), [(LOW, HIGH), (-459.67, -459.67), (0.001, 0.002)])
def test_temperatures_stay_in_their_range(low: float, high: float) -> None:
    for question in questions(tfserving.ask, 100, low, high, "1")[:20]:
        _, _, body = question.request.encode(HOST, False).partition(b"\r\n\r\n")
        values = json.loads(body)["instances"]
        assert len(values) == 100
        assert all(low <= value <= high for value in values)
