"""Reads the record of a comparison: the cases, and for each target how it is asked, and which answers are right."""

import base64
import dataclasses
import json
import os
import re
import ssl
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from f2c_loadtest.answers import Reader, checker, json_reader, value_of
from f2c_loadtest.client import Client, keep_secret, shown
from f2c_loadtest.grpc_client import GrpcClient, GrpcRequest
from f2c_loadtest.grpc_messages import Method
from f2c_loadtest.http_client import OWN_HEADERS, HttpClient, HttpRequest
from f2c_loadtest.question import POOL_VALUES, Ask, Cases, Question, WrongAnswerError, choose, length
from f2c_loadtest.reflection import descriptors
from f2c_loadtest.settings import Settings, SettingsError, check
from f2c_loadtest.socket_client import Trust
from f2c_loadtest.templates import TemplateError, column, expand, fill


@dataclasses.dataclass(frozen=True)
class Target:
    """One way to ask a server."""

    key: str
    """Its name on the command line, with which the names of its files begin."""
    cases: Cases
    names_replicas: bool
    """Whether an answer names the replica that gave it."""
    client: Callable[[str], Client]
    """Makes the client of one user, for the URL of a host."""
    ask: Ask
    takes_many: bool
    """Whether a request may ask for several cases."""
    reflected: bytes | None = None
    """The descriptors that the server itself told, if the record has none."""


@cache
def load(record: str, key: str, host: str) -> Target:
    """Returns a target of a record, which is a file.

    Raises SettingsError. Where the server at the URL is to tell its descriptors, also OSError and RequestError.
    """
    members = _read(record)
    cases, targets = members["cases"], members["targets"]
    check(key in targets, f"--target must be one of {', '.join(targets)}, as {record} has them, not {key!r}")
    try:
        target = _target(key, cases, targets[key], host)
        # What does not fit shows now, and not while the load runs.
        for number in range(min(length(cases), POOL_VALUES)):
            target.ask(choose(cases, [number]))
        if target.takes_many:
            target.ask(choose(cases, list(range(min(length(cases), POOL_VALUES)))))
    except (TemplateError, ValueError, KeyError, TypeError) as error:
        text = f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise SettingsError(f"--record={record}: target {key}: {text}.") from None
    return target


def target_of(settings: Settings) -> Target:
    """Returns the target of a load; raises as `load` does, and SettingsError if the settings don't fit it."""
    target = load(settings.record, settings.target, settings.host)
    most = max(step.batch for step in settings.steps)
    check(
        most == 1 or target.takes_many,
        f"--batch={most} is too many for {target.key}, which is asked for one case at a time",
    )
    cases = length(target.cases)
    check(
        settings.only_case is None or settings.only_case < cases,
        f"--only-case={settings.only_case} is not there: {settings.record} has {cases} cases, from 0 on",
    )
    return target


def _read(record: str) -> dict[str, Any]:
    try:
        members = json.loads(Path(record).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--record={record} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"--record={record} is not JSON: {error}.") from None
    parts = [members.get(name) if isinstance(members, dict) else None for name in ("cases", "targets")]
    check(all(isinstance(part, dict) and part for part in parts), f"--record={record} must have cases and targets")
    columns = members["cases"].values()
    check(
        all(isinstance(values, list) and values for values in columns) and len(set(map(len, columns))) == 1,
        f"--record={record}: each column of the cases must have the same number of values, and at least one",
    )
    return dict(members)


def _target(key: str, cases: Cases, members: dict[str, Any], host: str) -> Target:
    """Raises TemplateError, ValueError, KeyError or TypeError, or what reflection raises."""
    given = members.get("headers", {})
    headers = {name.lower(): _header(name, value) for name, value in given.items()}
    has_secret = any(isinstance(value, dict) for value in given.values())
    trust = Trust(has_secret or "ca" in members, members.get("ca"))
    try:
        trust.context("http/1.1")
    except ssl.SSLError:
        raise ValueError("its ca has no certificate in PEM") from None
    client: Callable[[str], Client] = partial(HttpClient, trust=trust)
    if "module" in members:
        module = _module(key, members["module"])

        def ask_module(cases: Cases) -> Question:
            try:
                asked: Question = module.ask(cases)
            except Exception as error:
                raise ValueError(f"its module fails: {error!r}") from None
            question = dataclasses.replace(asked, check=partial(_check, asked.check))
            if not isinstance(question.request, HttpRequest):
                return question
            request = question.request._replace(headers={**headers, **question.request.headers})
            return dataclasses.replace(question, request=request)

        return Target(key, cases, False, getattr(module, "client", client), ask_module, takes_many=True)

    answer = {"relative": 0, "absolute": 0, "each": "", "replica": None, "datatype": None, **members["answer"]}
    answer.setdefault("many", answer["at"])
    sample = column(cases, answer["is"])[0]
    reflected = None
    if "grpc" in members:
        name = members["grpc"]
        client_of = partial(GrpcClient, headers=headers, trust=trust)
        if "descriptors" not in members:
            reflected = descriptors(name.rpartition("/")[0], lambda path: client_of(path, host))
        method = Method(name, reflected or base64.b64decode(members["descriptors"]))
        client = partial(client_of, f"/{name}")
        reader_for: Callable[[dict[str, Any], bool], Reader] = partial(method.reader, sample=sample)

        def request(template: Any, cases: Cases, are_many: bool) -> Any:  # noqa: ANN401
            content = fill(template, cases, are_many)
            return GrpcRequest(method.request(content), name, content)

    else:
        reader_for = json_reader

        def request(template: Any, cases: Cases, are_many: bool) -> Any:  # noqa: ANN401
            body = (
                json.dumps(fill(template["json"], cases, are_many), separators=(",", ":"))
                if "json" in template
                else None
            )
            return HttpRequest(template["method"], expand(template["path"], cases, are_many), body, headers)

    forms: dict[str, Any] = {form: members[form] for form in ("ask", "many") if form in members}
    readers = {form: reader_for(answer, form == "many") for form in forms}

    def ask(cases: Cases) -> Question:
        form = "ask" if length(cases) == 1 and "ask" in forms else "many"
        reader, expected = readers[form], cases[answer["is"]]
        right = checker(reader, expected, answer["relative"], answer["absolute"])
        return Question(
            request(forms[form], cases, form == "many"), right, partial(value_of, reader, len(expected) == 1)
        )

    return Target(key, cases, answer["replica"] is not None, client, ask, "many" in forms, reflected)


def _header(name: str, value: str | dict[str, str]) -> str:
    """Returns the value of a header, which is not to be shown if it comes from the environment; raises ValueError."""
    if not re.fullmatch(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", name) or name.lower() in OWN_HEADERS:
        raise ValueError(f"{name!r} can't be set as a header")
    if isinstance(value, dict):
        variable = value["fromEnv"]
        if variable.startswith("LOCUST_"):
            raise ValueError(f"the header {name} can't come from {variable}: such names are Locust's own")
        if variable not in os.environ:
            raise ValueError(f"the environment has no {variable}, which the header {name} needs")
        value = os.environ[variable]
        keep_secret(value)
    if not value.isprintable():
        raise ValueError(
            f"the value of the header {name} has a line break, or another character that a header can't have"
        )
    return value


def _check(check: Callable[[bytes], str | None], content: bytes) -> str | None:
    """Calls the `check` of a module, which need not expect each form of an answer; raises WrongAnswerError."""
    try:
        return check(content)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        message = "the answer is not of the form that the module expects"
        raise WrongAnswerError(message, partial("{!r}; it is {}".format, error, shown(content))) from None


def _module(key: str, source: str) -> ModuleType:
    """Runs a module's source, which defines `ask` and may define `client`; raises ValueError."""
    module = ModuleType(key)
    try:
        exec(compile(source, f"{key}.py", "exec"), module.__dict__)
        if not callable(getattr(module, "ask", None)):
            raise AttributeError("it has no function ask")
    except Exception as error:
        raise ValueError(f"its module can't be used: {error!r}") from None
    return module
