"""Checks how records of any servers are read, how their targets are asked, and which answers are right."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from records import PREDICT, in_base64, made_up, message, write_record

from f2c_loadtest.client import keep_secret
from f2c_loadtest.question import Cases, Question, WrongAnswerError, choose, explain, questions
from f2c_loadtest.settings import SettingsError, parse
from f2c_loadtest.targets import target_of

ROOT = Path(__file__).parents[2]

CASES: Cases = {
    "sku": ["007", "a b/ü", "1e3"],
    "price": [1.5, 2, 3],
    "count": [7, 8, 2**62],
    "there": [True, False, True],
}
ASK = {"method": "GET", "path": "/price{?sku}"}
MANY = {"method": "POST", "path": "/prices", "json": {"skus": "{sku}"}}
ANSWER = {"at": ["/price"], "is": "price", "many": ["/prices"], "each": "/value", "absolute": 1e-9}
METHOD = "tensorflow.serving.PredictionService/Predict"


def question(
    folder: Path,
    numbers: list[int],
    ask: Any = ASK,  # noqa: ANN401
    many: Any = MANY,  # noqa: ANN401
    answer: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401
) -> Question:
    forms = {name: form for name, form in (("ask", ask), ("many", many)) if form}
    target = made_up(folder, CASES, {**forms, "answer": {**ANSWER, **(answer or {})}, **more})
    return target.ask(choose(target.cases, numbers))


def fault(question: Question, answer: Any) -> str:  # noqa: ANN401
    """Returns what is said of a wrong answer."""
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with pytest.raises(WrongAnswerError) as caught:
        question.check(content)
    # Locust counts failures by this text.
    assert len(str(caught.value)) < 100
    return explain(question.request, caught.value)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/price{?sku}", "/price?sku=a%20b%2F%C3%BC"),
        ("/price/{sku}/{price}{?there,count}", "/price/a%20b%2F%C3%BC/2?there=false&count=8"),
        ("/price{/sku:1}{#price}", "/price/a#2"),
        ("/{+sku}", "/a%20b/%C3%BC"),
        ("/same", "/same"),
    ],
)
def test_paths_are_uri_templates(tmp_path: Path, template: str, path: str) -> None:
    assert str(question(tmp_path, [1], {"method": "GET", "path": template}).request) == f"GET {path}"


@pytest.mark.parametrize(
    ("template", "one", "many"),
    [
        ("{sku}", "007", ["007", "1e3"]),
        ({"a": ["{price}", "{#}", "x{price}", "{there}", None]}, {"a": [1.5, 1, "x{price}", True, None]}, None),
        ("{count:INT64}", in_base64(struct.pack("<q", 7)), in_base64(struct.pack("<2q", 7, 2**62))),
        ("{price:FP16}", in_base64(struct.pack("<e", 1.5)), in_base64(struct.pack("<2e", 1.5, 3))),
        ("{there:BOOL}", "AQ==", "AQE="),
        ({"{*}": {"id": "{sku}", "n": "{#}"}}, None, [{"id": "007", "n": 1}, {"id": "1e3", "n": 1}]),
        ({"skus": "{sku}", "n": "{#}"}, {"skus": "007", "n": 1}, {"skus": ["007", "1e3"], "n": 2}),
    ],
)
def test_bodies_are_templates(tmp_path: Path, template: Any, one: Any, many: Any) -> None:  # noqa: ANN401
    form = {"method": "POST", "path": "/", "json": template}
    for numbers, forms, body in (([0], (form, None), one), ([0, 2], (None, form), many)):
        if body is not None:
            assert json.loads(str(question(tmp_path, numbers, *forms).request).removeprefix("POST / ")) == body


def test_without_ask_one_case_is_asked_as_many_are(tmp_path: Path) -> None:
    asked = question(tmp_path, [0], ask=None)
    assert str(asked.request) == 'POST /prices {"skus":["007"]}'
    asked.check(b'{"prices": [{"value": 1.5}]}')


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ({}, {"price": 1.5 + 1e-10}),
        ({"at": ["/a~1b/~0c/1"]}, {"a/b": {"~c": [0, 1.5]}}),
        ({"at": ["/no", "/1/x", ""]}, 1.5),
        ({"at": ["/0"]}, {"0": 1.5}),
        ({"is": "sku", "at": ["/price", "/sku"]}, {"sku": "007"}),
        ({"is": "count"}, {"price": 7.0}),
        ({"is": "there"}, {"price": True}),
        ({"relative": 0.5}, {"price": 2.25}),
    ],
)
def test_right_answers(tmp_path: Path, answer: dict[str, Any], content: Any) -> None:  # noqa: ANN401
    question(tmp_path, [0], answer=answer).check(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("answer", "content", "sentence"),
    [
        ({}, b"<html>", "the answer is not JSON: it is <html>"),
        ({}, b"", "the answer is not JSON: it is empty"),
        ({}, b'\xef\xbb\xbf{"price": 1.5}', "the answer is not JSON, since it begins with a byte order mark: it is"),
        ({}, b'{"unit": "\xb0C"}', "the answer is not JSON, since it is not UTF-8: it is {"),
        ({}, b"[" * 100_000, "the answer is not JSON: it is [[["),
        ({}, b'{"price": NaN}', "a value at /price is wrong: /price is NaN, and 1.5, give or take 1e-09, was expected"),
        ({}, {"price": "1.5"}, 'a value at /price is not a number, but a text: /price is "1.5", and 1.5'),
        ({}, {"price": None}, "a value at /price is not a number, but null: /price is null, and 1.5"),
        ({}, {"price": [1.5]}, "a value at /price is not a number, but a list: /price is [1.5], and 1.5"),
        ({}, {"price": 10**400}, "a value at /price is wrong: /price is 1000"),
        ({}, {"cost": 1.5}, 'the answer has nothing at /price: it is {"cost": 1.5}'),
        ({}, [1.5], "the answer has nothing at /price: it is [1.5]"),
        ({"at": [""]}, "x", 'a value at the top is not a number, but a text: the top is "x", and 1.5'),
        (
            {"is": "sku"},
            {"price": 7},
            'a value at /price is not a text, but a number: /price is 7, and "007" was expected',
        ),
        ({"is": "there"}, {"price": 1}, "a value at /price is not true or false, but a number: /price is 1, and true"),
        ({"is": "count", "absolute": 6}, {"price": True}, "a value at /price is not a number, but true or false"),
        ({"replica": "/pod"}, {"price": 1.5}, "the answer does not name its replica"),
    ],
)
def test_wrong_answers(tmp_path: Path, answer: dict[str, Any], content: Any, sentence: str) -> None:  # noqa: ANN401
    asked = question(tmp_path, [0], answer=answer)
    assert fault(asked, content).startswith(f"GET /price?sku=007: {sentence}")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1.5, 2], "the answer has too few values at /prices: 2 in place of 3"),
        ([1.5, 2, 3, 4], "the answer has too many values at /prices: 4 in place of 3"),
        ([3, 2, 1.5], "the values at /prices are in another order: /prices/0/value is 3, and 1.5"),
        ([1.5, 2, 4], "a value at /prices is wrong: /prices/2/value is 4, and 3"),
        ([1.5, "2", 4], 'a value at /prices is not a number, but a text: /prices/1/value is "2", and 2'),
    ],
)
def test_wrong_answers_to_many_cases(tmp_path: Path, values: list[Any], sentence: str) -> None:
    asked = question(tmp_path, [0, 1, 2])
    asked.check(json.dumps({"prices": [{"value": value} for value in (1.5, 2, 3)]}).encode())
    assert f": {sentence}" in fault(asked, {"prices": [{"value": value} for value in values]})
    assert ": there is no list at /prices: it is" in fault(asked, {"prices": {"0": 1}})


def by_grpc(folder: Path, answer: dict[str, Any], template: Any = None) -> Question:  # noqa: ANN401
    cases: Cases = {"name": ["m"], "x": [1.5], "kind": ["DT_FLOAT"], "raw": ["AAA="]}
    asked = template or {"model_spec": {"name": "{name}"}, "inputs": {"i": {"float_val": ["{x}"]}}}
    members = {"grpc": METHOD, "descriptors": in_base64(PREDICT), "ask": asked, "answer": answer}
    target = made_up(folder, cases, members)
    return target.ask(target.cases)


def tensors(**members: Any) -> bytes:  # noqa: ANN401
    serialized: bytes = message("PredictResponse")(outputs={"o": message("TensorProto")(**members)}).SerializeToString()
    return serialized


def test_messages_are_templates(tmp_path: Path) -> None:
    asked = by_grpc(tmp_path, {"at": ["/outputs/o/float_val/0"], "is": "x"})
    sent = message("PredictRequest").FromString(asked.request.encode("http://any", is_last=False)[5:])
    assert (sent.model_spec.name, list(sent.inputs["i"].float_val)) == ("m", [1.5])
    expected = '{"model_spec": {"name": "m"}, "inputs": {"i": {"float_val": [1.5]}}}'
    assert str(asked.request) == f"{METHOD} {expected}"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ({"at": ["/outputs/o/float_val/0"], "is": "x"}, tensors(float_val=[1.5])),
        (
            {"at": ["/outputs/o/float_val/0", "/outputs/o/tensor_content"], "is": "x", "datatype": "FP64"},
            tensors(tensor_content=struct.pack("<d", 1.5)),
        ),
        ({"at": ["/outputs/o/dtype"], "is": "kind"}, tensors(dtype=1)),
        ({"at": ["/outputs/o/tensor_content"], "is": "raw"}, tensors(tensor_content=b"\0\0")),
    ],
)
def test_right_messages(tmp_path: Path, answer: dict[str, Any], content: bytes) -> None:
    by_grpc(tmp_path, answer).check(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff", "the answer is not the message that the descriptors say: it is"),
        (b"", "the answer has nothing at /outputs/o/float_val/0"),
        (tensors(), "the answer has nothing at /outputs/o/float_val/0: it is outputs"),
        (tensors(float_val=[2]), "a value at /outputs/o/float_val/0 is wrong: /outputs/o/float_val/0 is 2.0, and 1.5"),
    ],
)
def test_wrong_messages(tmp_path: Path, content: bytes, sentence: str) -> None:
    asked = by_grpc(tmp_path, {"at": ["/outputs/o/float_val/0"], "is": "x"})
    assert f": {sentence}" in fault(asked, content)


def test_an_empty_number_is_zero_unless_another_field_has_one(tmp_path: Path) -> None:
    members = {"grpc": METHOD, "descriptors": in_base64(PREDICT), "ask": {}}
    answer = {"at": ["/outputs/o/tensor_shape/dim/0/size", "/outputs/o/dtype"], "is": "x"}
    for right, shape in ((0, {"dim": [{"size": 0}]}), (4, {"dim": [{"size": 4}]})):
        target = made_up(tmp_path, {"x": [right]}, {**members, "answer": answer})
        target.ask(target.cases).check(tensors(tensor_shape=shape))


def test_raw_contents_are_a_list_of_numbers(tmp_path: Path) -> None:
    # The Open Inference Protocol has the bytes of each output in a list.
    descriptors = (ROOT / "compare/servers/protocols/open-inference.binpb").read_bytes()
    members = {
        "grpc": "inference.GRPCInferenceService/ModelInfer",
        "descriptors": in_base64(descriptors),
        "many": {"raw_input_contents": ["{x:FP32}"]},
        "answer": {
            "at": ["/raw_output_contents/0", "/outputs/0/contents/fp32_contents"],
            "is": "x",
            "datatype": "FP32",
        },
    }
    target = made_up(tmp_path, {"x": [1.5, 2]}, members)
    # Fields 6, and 5, 5 and 6 of the answer; what is typed comes packed.
    packed = struct.pack("<2f", 1.5, 2)
    for answer in (b"\x32\x08" + packed, b"\x2a\x0c\x2a\x0a\x32\x08" + packed):
        target.ask(target.cases).check(answer)
    wrong = b"\x32\x08" + struct.pack("<2f", 1.5, 3)
    assert "/raw_output_contents/0/1 is 3.0, and 2" in fault(target.ask(target.cases), wrong)


UNFIT: dict[str, dict[str, Any]] = {
    "one of a, as": {"target": "both"},
    "can't be read: No such file": {"record": "/nowhere.json"},
    "is not JSON": {"text": "{"},
    "must have cases and targets": {"text": "[]"},
    "must have the same number of values": {"cases": {"sku": ["007"], "price": []}},
    "target a: the cases have no column item; they have sku, price, count, there": {"ask": {**ASK, "path": "/{item}"}},
    "target a: the cases have no column cost": {"answer": {**ANSWER, "is": "cost"}},
    "target a: 'price' is no JSON pointer: it begins with /": {"answer": {**ANSWER, "at": ["price"]}},
    "target a: FP8 is no datatype; there are BOOL, ": {"ask": {**ASK, "json": "{price:FP8}"}},
    "target a: a value can't be written as INT8: ": {"ask": {**ASK, "json": "{count:INT8}"}},
    "target a: 'answer' is missing": {"answer": None},
    "target a: the environment has no F2C_NO_SUCH, which the header x-key needs": {
        "headers": {"x-key": {"fromEnv": "F2C_NO_SUCH"}}
    },
    "target a: the header x can't come from LOCUST_KEY: such names": {"headers": {"x": {"fromEnv": "LOCUST_KEY"}}},
    "target a: 'Content-Length' can't be set as a header": {"headers": {"Content-Length": "1"}},
    "target a: the value of the header x has a line break": {"headers": {"x": "a\r\nb: c"}},
    "target a: its descriptors have no method a.B/C": {"grpc": "a.B/C"},
    "target a: its descriptors are no FileDescriptorSet": {"grpc": METHOD, "descriptors": "////"},
    'has no field named "method"': {"grpc": METHOD, "answer": {"at": ["/outputs/o/dtype"], "is": "price"}},
    "has no field price; its fields: outputs": {"grpc": METHOD, "ask": {}},
    "target a: its module can't be used: SyntaxError": {"module": "def"},
    "target a: its module can't be used: AttributeError('it has no function ask')": {"module": "a = 1"},
    "target a: its module fails: KeyError('x')": {"module": "def ask(cases):\n  return cases['x']"},
    "--batch=2 is too many for a, which is asked for one case at a time": {"options": ["--batch=2"]},
    "--only-case=3 is not there: ": {"options": ["--only-case=3"]},
}


@pytest.mark.parametrize("sentence", UNFIT)
def test_records_that_do_not_fit(tmp_path: Path, sentence: str) -> None:
    change: dict[str, Any] = dict(UNFIT[sentence])
    options = change.pop("options", [])
    key, cases = change.pop("target", "a"), change.pop("cases", CASES)
    path, text = change.pop("record", None), change.pop("text", None)
    target = {"ask": ASK, "answer": ANSWER, "descriptors": in_base64(PREDICT), **change}
    record = write_record(tmp_path, cases, a={name: member for name, member in target.items() if member is not None})
    if text is not None:
        record.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        target_of(parse([f"--record={path or record}", f"--target={key}", "--host=http://localhost", *options]))
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


MODULE = """
from f2c_loadtest.http_client import HttpRequest
from f2c_loadtest.question import Question, WrongAnswerError

def ask(cases):
    def check(content):
        if content != cases["sku"][0].encode():
            raise WrongAnswerError("another sku")
    return Question(HttpRequest("GET", "/" + cases["sku"][0]), check)
"""


def test_a_module_asks_what_a_record_can_not(tmp_path: Path) -> None:
    target = made_up(tmp_path, CASES, {"module": MODULE, "headers": {"x-key": "k"}})
    asked = target.ask(choose(target.cases, [0]))
    assert b"\r\nX-Key: k\r\n" in asked.request.encode("http://name", is_last=False)
    asked.check(b"007")
    assert fault(asked, b"008") == "GET /007: another sku"


def test_the_check_of_a_module_need_not_expect_every_form(tmp_path: Path) -> None:
    source = MODULE.replace("if content != ", "if __import__('json').loads(content)['sku'] != ").replace(
        ".encode()", ""
    )
    asked = made_up(tmp_path, CASES, {"module": source}).ask(choose(CASES, [0]))
    asked.check(b'{"sku": "007"}')
    sentence = "GET /007: the answer is not of the form that the module expects: "
    assert fault(asked, {}) == f"{sentence}KeyError('sku'); it is {{}}"
    assert fault(asked, b"<html>").startswith(f"{sentence}JSONDecodeError")


def test_headers_override_and_secrets_are_sent_but_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "F2C_TOKEN", "Bearer hush-hush")
    headers = {"Host": "example.com", "authorization": {"fromEnv": "F2C_TOKEN"}, "user-agent": "mine"}
    asked = question(tmp_path, [0], headers=headers)
    sent = asked.request.encode("http://name:8080/base", is_last=False).decode()
    assert sent.startswith("GET /base/price?sku=007 HTTP/1.1\r\nHost: example.com\r\n")
    assert "\r\nAuthorization: Bearer hush-hush\r\n" in sent
    assert "\r\nUser-Agent: mine\r\n" in sent
    assert "hush-hush" not in str(asked.request)
    # A secret of another server is part of this one.
    keep_secret("hush")
    assert "it is your ****************" in fault(asked, b"your Bearer hush-hush")


def test_the_seed_decides_what_is_asked(tmp_path: Path) -> None:
    cases: Cases = {"sku": [str(number) for number in range(1000)], "price": [1.0] * 1000}
    target = made_up(tmp_path, cases, {"ask": ASK, "many": MANY, "answer": ANSWER})

    def requests(seed: str, batch: int = 1, only_case: int | None = None) -> list[str]:
        return [str(asked.request) for asked in questions(target.ask, target.cases, batch, seed, only_case)]

    assert requests("1 0") == requests("1 0")
    assert requests("1 0") != requests("1 1")
    # Of n cases that are drawn n times, 1 - 1/e are asked.
    assert len(requests("1 0")) == 1000
    assert 580 < len(set(requests("1 0"))) < 680
    assert len(requests("1 0", batch=100)) == 100
    assert requests("1 0", only_case=7) == ["GET /price?sku=7"]
    assert requests("1 0", 2, only_case=7) == ['POST /prices {"skus":["7","7"]}']


def test_descriptors_may_need_well_known_types(tmp_path: Path) -> None:
    files = FileDescriptorSet.FromString(PREDICT)
    files.file[0].dependency.append("google/protobuf/timestamp.proto")
    answer = {"at": ["/outputs/o/dtype"], "is": "price"}
    members = {"grpc": METHOD, "descriptors": in_base64(files.SerializeToString()), "ask": {}, "answer": answer}
    made_up(tmp_path, CASES, members)
    files.file[0].dependency.append("mine.proto")
    members["descriptors"] = in_base64(files.SerializeToString())
    with pytest.raises(
        SettingsError, match=r"its descriptors need mine\.proto, which they lack \(protoc --include_imports\)"
    ):
        made_up(tmp_path, CASES, members)
