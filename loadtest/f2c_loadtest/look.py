"""Looks at answers without a load: to each case once, to one until it is right, or to one."""

import base64
import json
import time
from typing import Any
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPResponse

from f2c_loadtest.client import Client, RequestError, hide, shown
from f2c_loadtest.grpc_client import GrpcRequest
from f2c_loadtest.http_client import HttpClient, HttpRequest, content_of
from f2c_loadtest.question import Question, WrongAnswerError, choose, explain, length, questions
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import Target, target_of

# Cases in the one request of `--check` that asks for many.
CHECKED_TOGETHER = 100
# Seconds between two questions of `--wait`.
INTERVAL = 0.01

FAILURES = (OSError, RequestError, WrongAnswerError)


def look(settings: Settings) -> bool:
    """Does what the settings say, prints what it finds, and returns whether all answers are right."""
    if settings.wait is not None:
        is_right = _wait(settings)
        if not settings.check:
            return is_right
    target = target_of(settings)
    if settings.check:
        return _check(settings, target)
    question = questions(target.ask, target.cases, settings.steps[0].batch, str(settings.seed), settings.only_case)[0]
    return _say(settings, _failure(settings, target, question))


def _wait(settings: Settings) -> bool:
    deadline = time.monotonic() + (settings.wait or 0)
    while True:
        try:
            # A server that is not there can't tell its descriptors either.
            target = target_of(settings)
            question = target.ask(choose(target.cases, [settings.only_case or 0]))
            failure = _failure(settings, target, question)
        except (OSError, RequestError) as error:
            failure = str(error)
        if failure is None or time.monotonic() + INTERVAL > deadline:
            return _say(settings, failure)
        time.sleep(INTERVAL)


def _failure(settings: Settings, target: Target, question: Question) -> str | None:
    """Asks a question on a connection of its own, and returns what is wrong with the answer."""
    client = target.client(settings.host)
    try:
        question.check(client.ask(question.request.encode(settings.host, is_last=True)))
    except FAILURES as error:
        return explain(question.request, error)
    finally:
        client.close()
    return None


def _say(settings: Settings, failure: str | None) -> bool:
    where = f"{settings.target} at {settings.host}"
    print(
        f"{where} answers rightly." if failure is None else f"{where} does not answer rightly: {failure}.", flush=True
    )
    return failure is None


def _check(settings: Settings, target: Target) -> bool:
    numbers = list(range(length(target.cases))) if settings.only_case is None else [settings.only_case]
    asked: dict[int | str, list[int]] = {number: [number] for number in numbers}
    if target.takes_many:
        asked["many"] = numbers[:CHECKED_TOGETHER]
    client = target.client(settings.host)
    # They are the same for all cases.
    descriptors = {} if target.reflected is None else {"descriptors": _base64(target.reflected)}
    are_right = True
    for case, together in asked.items():
        finding = _finding(settings, client, target.ask(choose(target.cases, together)))
        are_right = are_right and finding["wrong"] is None
        print(json.dumps({"case": case, **finding, **descriptors}), flush=True)
        descriptors = {}
    client.close()
    return are_right


def _finding(settings: Settings, client: Client, question: Question) -> dict[str, Any]:
    """Asks a question, and returns all about it."""
    request = question.request
    encoded = request.encode(settings.host, is_last=False)
    finding: dict[str, Any] = {"asked": shown(request), "answer": None, "wrong": None, "value": None}
    if isinstance(request, HttpRequest):
        headers = {name: value for name, value in request.headers.items() if hide(value.encode()) == value.encode()}
        kind = {} if request.body is None else {"content-type": "application/json"}
        path = urlsplit(settings.host).path + request.path
        finding["request"] = {"method": request.method, "path": path, "headers": kind | headers, "body": request.body}
    elif isinstance(request, GrpcRequest):
        finding["request"] = {"message": _base64(request.message)}
    try:
        if isinstance(client, HttpClient):
            answer = client.exchange(encoded, HTTPResponse())
            finding["answer"] = _described(answer)
            content = content_of(answer)
        else:
            content = client.ask(encoded)
            finding["answer"] = {"message": _base64(content)}
        # JSON has no NaN, though answers may.
        finding["value"] = json.loads(json.dumps(question.value(content)), parse_constant=str)
        question.check(content)
    except FAILURES as error:
        finding["wrong"] = explain(request, error)
    return finding


def _described(answer: HTTPResponse) -> dict[str, Any]:
    headers = [[name.lower(), hide(value.encode()).decode()] for name, value in answer.items()]
    return {"status": answer.get_code(), "headers": headers, "body": _base64(bytes(answer._body_buffer))}


def _base64(content: bytes) -> str:
    return base64.b64encode(hide(content)).decode()
