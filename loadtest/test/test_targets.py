"""Checks questions and answers with the known temperatures, and with recorded answers of TensorFlow Serving."""

import csv
import json
import math
from pathlib import Path

import pytest

from f2c_loadtest.question import WrongAnswerError, questions
from f2c_loadtest.targets import function, tfserving

KNOWN_TEMPERATURES = Path(__file__).parents[2] / "model" / "known-temperatures.csv"
EXCHANGES = Path(__file__).with_name("tfserving-exchanges.json")

LEAST, MOST = -100.0, 300.0


def known() -> list[tuple[float, float]]:
    """Reads the temperatures that both targets can convert: finite ones, from absolute zero up."""
    with KNOWN_TEMPERATURES.open(encoding="utf-8", newline="") as file:
        rows = [(float(row["fahrenheit"]), float(row["celsius"])) for row in csv.DictReader(file)]
    return [(fahrenheit, celsius) for fahrenheit, celsius in rows if -459.67 <= fahrenheit < 3e38]


def answer_of_function(celsius: float | list[float]) -> bytes:
    return json.dumps({"celsius": celsius, "appId": "some-id"}).encode()


@pytest.mark.parametrize(("fahrenheit", "celsius"), known())
def test_known_temperatures_are_right(fahrenheit: float, celsius: float) -> None:
    question = function.ask([fahrenheit])
    assert question.check(answer_of_function(celsius)) == "some-id"
    (right,) = question.celsius
    assert question.check(answer_of_function(right + 2 * math.ulp(right))) == "some-id"
    with pytest.raises(WrongAnswerError):
        question.check(answer_of_function(right + 3 * math.ulp(right)))


def test_float32_is_right_for_tfserving_and_wrong_for_the_function() -> None:
    answer = 99.99999
    assert tfserving.ask([212]).check(json.dumps({"predictions": [answer]}).encode()) is None
    with pytest.raises(WrongAnswerError, match="a temperature is wrong, or one is missing"):
        function.ask([212]).check(answer_of_function(answer))


def test_recorded_answers_are_right() -> None:
    exchanges = json.loads(EXCHANGES.read_text(encoding="utf-8"))["exchanges"]
    checked = 0
    for exchange in exchanges:
        request, response = exchange["request"], exchange["response"]
        if request["path"] != tfserving.PATH or response["status"] != 200:
            continue
        body = json.loads(request["body"])
        values = body.get("instances")
        if set(body) == {"instances"} and all(type(value) in (int, float) and abs(value) < 3e38 for value in values):
            tfserving.ask([float(value) for value in values]).check(response["body"].encode())
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize(
    "content",
    [b"", None, b"<html>", b"[]", b"null", b"{}", b'{"celsius":[0,100]}', b'{"celsius":0,"appId":"a"}', b"\xff"],
)
def test_other_forms_are_wrong(content: bytes | None) -> None:
    with pytest.raises(WrongAnswerError, match="the answer is not of the expected form"):
        function.ask([32, 212]).check(content)


@pytest.mark.parametrize("celsius", [[0], [0, 100, 100], [100, 0], [0, math.nan], [0, None], [0, "100"]])
def test_other_values_are_wrong(celsius: list[float]) -> None:
    with pytest.raises(WrongAnswerError):
        function.ask([32, 212]).check(answer_of_function(celsius))


def test_one_temperature_is_asked_by_the_url_and_more_by_a_body() -> None:
    one, more, served = function.ask([98.6]), function.ask([32, 98.6]), tfserving.ask([98.6])
    assert (one.method, one.path, one.body) == ("GET", "/?fahrenheit=98.6", None)
    assert (more.method, more.path, more.body) == ("POST", "/", '{"fahrenheit":[32,98.6]}')
    assert (served.method, served.path, served.body) == ("POST", tfserving.PATH, '{"instances":[98.6]}')


def test_the_seed_decides_what_is_asked() -> None:
    def paths(seed: str) -> list[str]:
        return [question.path for question in questions(function.ask, 1, LEAST, MOST, seed)[:50]]

    assert paths("1 0") == paths("1 0")
    assert paths("1 0") != paths("1 1")
    assert len(set(paths("1 0"))) > 40


@pytest.mark.parametrize(("least", "most"), [(LEAST, MOST), (-459.67, -459.67), (0.001, 0.002)])
def test_temperatures_stay_in_their_range(least: float, most: float) -> None:
    for question in questions(tfserving.ask, 100, least, most, "1")[:20]:
        values = json.loads(question.body or "")["instances"]
        assert len(values) == 100
        assert all(least <= value <= most for value in values)
