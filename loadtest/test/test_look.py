"""Runs the command where it looks at answers without a load: --check and --wait. test_run.py has --once."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from records import write_record
from running import PACKAGE_ROOT, LoadTest, run_command
from scripted_function import scripted_function
from scripted_tfserving import scripted_tfserving

from f2c_loadtest.question import Cases

CASES: Cases = {"sku": ["007", "8", "9"], "price": [7, 8, 9]}
ONE: dict[str, Any] = {"ask": {"method": "GET", "path": "/price{?sku}"}, "answer": {"at": ["/price"], "is": "price"}}
BOTH: dict[str, Any] = {
    "ask": ONE["ask"],
    "many": {"method": "POST", "path": "/prices", "json": {"skus": "{sku}"}},
    "answer": {"at": ["/price"], "is": "price", "many": ["/prices"]},
    "headers": {"authorization": {"fromEnv": "F2C_TOKEN"}, "x-key": "k"},
}
TOKEN = "Bearer hush-hush"


class _Prices(BaseHTTPRequestHandler):
    """Answers rightly except for 9, and tells whoever asks his own token."""

    def do_GET(self) -> None:
        self.answer({"price": int(self.path.rpartition("=")[2]) % 9})

    def do_POST(self) -> None:
        skus = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["skus"]
        self.answer({"prices": [int(sku) for sku in skus]})

    def answer(self, content: dict[str, Any]) -> None:
        body = json.dumps({**content, "you": self.headers["Authorization"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-You", self.headers["Authorization"] or "nobody")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host() -> Any:  # noqa: ANN401
    """Yields the URL of a server of prices."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Prices) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def look(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    ended = run_command(*arguments)
    assert ended.stderr == ""
    assert "hush" not in ended.stdout
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]


def test_every_case_is_asked_once_and_then_all_together(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "F2C_TOKEN", TOKEN)
    record = write_record(tmp_path, CASES, it=BOTH)
    check = ("--check", f"--record={record}", "--target=it", f"--host={host}")
    code, (first, second, third, many) = look(*check)
    assert code == 1
    assert [found["case"] for found in (first, second, third, many)] == [0, 1, 2, "many"]
    assert first["asked"] == "GET /price?sku=007"
    request = {"method": "GET", "path": "/price?sku=007", "headers": {"x-key": "k"}, "body": None}
    assert (first["request"], first["wrong"], first["value"]) == (request, None, 7)
    assert first["answer"]["status"] == 200
    assert ["x-you", "*" * len(TOKEN)] in first["answer"]["headers"]
    body = base64.b64decode(first["answer"]["body"])
    # A replay of it has the length that its header says.
    assert ["content-length", str(len(body))] in first["answer"]["headers"]
    assert json.loads(body) == {"price": 7, "you": "*" * len(TOKEN)}
    assert (second["wrong"], second["value"], third["value"]) == (None, 8, 0)
    expected = "GET /price?sku=9: a value at /price is wrong: /price is 0, and 9 was expected; the answer is {"
    assert third["wrong"].startswith(expected)
    assert (many["asked"], many["wrong"]) == ('POST /prices {"skus":["007","8","9"]}', None)
    assert many["value"] == [7, 8, 9]
    assert many["request"]["headers"] == {"content-type": "application/json", "x-key": "k"}
    # The replay of one case is asked for one case.
    code, (only, together) = look(*check, "--only-case=1")
    assert (code, only["case"], only["value"], together["value"]) == (0, 1, 8, 8)


def test_grpc_is_looked_at_too() -> None:
    with scripted_tfserving() as server:
        ended = run_command("--check", "--target=tfserving-grpc", f"--host={server.url}", "--only-case=3")
        found, many = (json.loads(line) for line in ended.stdout.splitlines())
        assert (ended.returncode, found["case"], found["wrong"], many["wrong"]) == (0, 3, None, None)
        assert found["asked"].startswith("tensorflow.serving.PredictionService/Predict {")
        assert base64.b64decode(found["answer"]["message"])
        # One connection will do.
        assert server.connections == 1


def test_a_server_that_is_not_there_is_wrong_for_each_case(tmp_path: Path) -> None:
    record = write_record(tmp_path, CASES, it=ONE)
    code, found = look("--check", f"--record={record}", "--target=it", "--host=http://127.0.0.1:9")
    assert (code, len(found)) == (1, 3)
    assert {line["answer"] for line in found} == {None}
    assert found[0]["wrong"] == "GET /price?sku=007: [Errno 111] Connection refused"


def test_it_waits_until_the_answer_is_right() -> None:
    with scripted_function() as server:
        server.status = 503
        command = [sys.executable, "-m", "f2c_loadtest", "--wait=30", "--target=function", f"--host={server.url}"]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 20
            while server.requests < 5:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            server.status = 200
            output, _ = process.communicate(timeout=20)
        assert (process.returncode, output) == (0, f"function at {server.url} answers rightly.\n")
        # Each question has a connection of its own.
        assert server.connections == server.requests > 5


def test_it_does_not_wait_for_ever_and_says_what_came_last() -> None:
    with scripted_function() as server:
        server.status = 503
        ended = run_command("--wait=0.5", "--target=function", f"--host={server.url}")
    assert ended.returncode == 1
    assert "does not answer rightly: GET /?fahrenheit=" in ended.stdout
    assert ": the status is 503: it came with {" in ended.stdout
    assert server.requests > 5


def test_a_secret_is_neither_printed_nor_written_nor_on_a_command_line(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "F2C_TOKEN", TOKEN)
    record = write_record(tmp_path, CASES, it=BOTH)
    load = ("--users=2", "--rate=40", "--run-time=4s", "--settle=1", "--processes=2")
    load_test = LoadTest(tmp_path / "load", f"--record={record}", f"--host={host}", *load, target="it")
    commands = ""
    while load_test.process.poll() is None and "--f2c-settings" not in commands:
        commands = subprocess.check_output(["ps", "-ww", "-eo", "args"], text=True)
    assert load_test.end() == 3
    # Each third answer is wrong, so that there is something to tell.
    first = load_test.verdict()["firstWrong"]
    assert first.startswith("GET /price?sku=9: a value at /price is wrong: /price is 0, and 9 was expected;")
    assert first in load_test.output
    assert "--f2c-settings" in commands
    written = "".join(file.read_text(encoding="utf-8") for file in load_test.results.iterdir())
    for text in (commands, load_test.output, load_test.log, written):
        assert "hush" not in text


def test_a_secret_that_is_missing_is_named(host: str, tmp_path: Path) -> None:
    record = write_record(tmp_path, CASES, it=BOTH)
    ended = run_command(f"--record={record}", "--target=it", f"--host={host}")
    assert (ended.returncode, ended.stdout) == (2, "")
    expected = "target it: the environment has no F2C_TOKEN, which the header authorization needs."
    assert ended.stderr == f"f2c_loadtest: --record={record}: {expected}\n"


def test_ctrl_c_ends_it_at_once() -> None:
    command = [sys.executable, "-m", "f2c_loadtest", "--wait=60", "--target=function", "--host=http://127.0.0.1:9"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=10)
    assert (process.returncode, log) == (-signal.SIGINT, "")
