"""Checks what the HTTP client makes of answers of other people's servers, and whose certificates it accepts."""

import gzip
import os
import ssl
import zlib
from pathlib import Path
from typing import Any

import gevent
import pytest
from certificate import Certificate
from records import built_in, made_up
from scripted_function import scripted_function
from scripted_http import Connection, scripted_http

from f2c_loadtest.client import RequestError
from f2c_loadtest.http_client import HttpClient, HttpRequest
from f2c_loadtest.question import choose, explain
from f2c_loadtest.recorder import RECORDER
from f2c_loadtest.targets import Target

REQUEST = HttpRequest("GET", "/price")
BODY = b'{"price": 1.5}'


def ask(client: HttpClient) -> bytes:
    return client.ask(REQUEST.encode("http://name", is_last=False))


def chunked(connection: Connection) -> None:
    for _ in range(2):
        connection.request()
        head = "Transfer-Encoding: chunked"
        connection.answer(b"4;x=y\r\n" + BODY[:4] + b"\r\n", head, has_length=False)
        gevent.sleep(0.02)
        connection.socket.sendall(b"a\r\n" + BODY[4:] + b"\r\n0\r\nX-Trailer: t\r\n\r\n")


def interim(connection: Connection) -> None:
    for _ in range(2):
        connection.request()
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        connection.socket.sendall(hints)
        # The hints arrive alone, and then together with the answer.
        gevent.sleep(0.02)
        connection.answer(BODY, first=f"{hints.decode()}HTTP/1.1 200 OK")


def byte_by_byte(connection: Connection) -> None:
    for _ in range(2):
        connection.request()
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + BODY:
            connection.socket.sendall(bytes([byte]))


def once(*headers: str, body: bytes = BODY, **options: Any) -> Any:  # noqa: ANN401
    """Returns a script for one answer, after which the server closes the connection."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.answer(body, *headers, **options)

    return script


def twice(*headers: str, body: bytes = BODY) -> Any:  # noqa: ANN401
    def script(connection: Connection) -> None:
        for _ in range(2):
            connection.request()
            connection.answer(body, *headers)

    return script


def closes_on_the_second(connection: Connection) -> None:
    once()(connection)
    connection.request()


def resets_on_the_second(connection: Connection) -> None:
    closes_on_the_second(connection)
    # With this option, closing sends RST.
    connection.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    "scripts",
    [
        [chunked],
        [interim],
        [byte_by_byte],
        [twice()],
        [twice("Content-Encoding: gzip", body=gzip.compress(BODY))],
        [twice("Content-Encoding: deflate", body=zlib.compress(BODY))],
        # Each answer has a connection of its own.
        [once(has_length=False)] * 2,
        [once(first="HTTP/1.0 200 OK")] * 2,
        [once(first="HTTP/1.0 200 OK", has_length=False)] * 2,
        [once("Connection: close")] * 2,
        [once("connection: Close", has_length=False)] * 2,
        # The server says nothing of it.
        [once()] * 2,
        [closes_on_the_second, once()],
        [resets_on_the_second, once()],
        [once(first="HTTP/1.1 201 Created")] * 2,
    ],
)
def test_right_answers_in_any_form(scripts: list[Any]) -> None:
    RECORDER.seconds.clear()
    with scripted_http(*scripts) as opened:
        client = HttpClient(opened.url)
        assert [ask(client), ask(client)] == [BODY, BODY]
        client.close()
        assert sum(counts["connections"].total() for counts in RECORDER.seconds.values()) == len(opened) == len(scripts)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            once("Location: https://elsewhere/price", first="HTTP/1.1 307 Temporary Redirect", body=b""),
            "the status is 307: it came with no content, and location: https://elsewhere/price",
        ),
        (
            once(first="HTTP/1.1 404 Not Found", body=b"<h1>Not\n here</h1>"),
            "the status is 404: it came with <h1>Not here",
        ),
        (once(first="HTTP/1.1 204 No Content", body=b"", has_length=False), "the answer is not JSON: it is empty"),
        (once(body=b"<!doctype html>"), "the answer is not JSON: it is <!doctype html>"),
        (
            once(body=b'{"price": NaN}'),
            "a value at /price is wrong: /price is NaN, and 1.5 was expected; the answer is",
        ),
        (once(body=b'{"price": "1.5"}'), 'a value at /price is not a number, but a text: /price is "1.5", and 1.5'),
        (once(body=gzip.compress(BODY)[:-12]), "the answer is not JSON"),
        (once("Content-Encoding: br", body=b"\x0b\x80\x03"), "the answer is not JSON"),
        (once(first="SSH-2.0-OpenSSH", body=b""), "the answer is not HTTP"),
        (lambda connection: connection.request() and None, "the connection was closed before the answer was there"),
        (
            lambda connection: connection.request() and connection.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"),
            "the connection was closed before the answer was there",
        ),
        (
            lambda connection: connection.request() and connection.socket.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            "the connection was closed before the answer was there",
        ),
    ],
)
def test_wrong_answers(tmp_path: Path, script: Any, sentence: str) -> None:  # noqa: ANN401
    answer = {"at": ["/price"], "is": "price"}
    target = made_up(tmp_path, {"price": [1.5]}, {"ask": {"method": "GET", "path": "/price"}, "answer": answer})
    question = target.ask(target.cases)
    with scripted_http(script) as opened:
        client = target.client(opened.url)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            question.check(client.ask(question.request.encode(opened.url, is_last=False)))
        client.close()
    assert explain(question.request, caught.value).startswith(f"GET /price: {sentence}")


def test_an_answer_that_has_begun_to_come_is_not_asked_for_once_more() -> None:
    def script(connection: Connection) -> None:
        once()(connection)
        connection.request()
        connection.socket.sendall(b"HTTP/1.1 200")

    with scripted_http(script) as opened:
        client = HttpClient(opened.url)
        assert ask(client) == BODY
        with pytest.raises(RequestError, match="the connection was closed before the answer was there"):
            ask(client)


def test_a_new_connection_that_is_closed_is_not_opened_once_more() -> None:
    with scripted_http(closes_on_the_second, lambda connection: connection.request() and None) as opened:
        client = HttpClient(opened.url)
        assert ask(client) == BODY
        with pytest.raises(RequestError, match="the connection was closed before the answer was there"):
            ask(client)


def asks(target: Target, host: str) -> None:
    client, question = target.client(host), target.ask(choose(target.cases, [0]))
    for is_last in (False, False, True):
        question.check(client.ask(question.request.encode(host, is_last)))
    client.close()


def test_any_certificate_will_do(tmp_path: Path) -> None:
    with scripted_function(Certificate(tmp_path)) as server:
        asks(built_in("function"), server.url)
        assert server.requests == 3


def test_a_certificate_is_verified_by_ca_or_because_a_header_is_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "F2C_TOKEN", "hush")
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
    certificate = Certificate(mine)
    cases = {"fahrenheit": [212], "celsius": [100]}
    members = {
        "ask": {"method": "GET", "path": "/{?fahrenheit}"},
        "answer": {"at": ["/celsius"], "is": "celsius", "absolute": 1e-9},
    }
    with scripted_function(certificate) as server:
        host = server.url.replace("127.0.0.1", "localhost")
        asks(made_up(tmp_path, cases, {**members, "ca": certificate.file.read_text()}), host)
        secret = {"headers": {"authorization": {"fromEnv": "F2C_TOKEN"}}}
        for refused in ({"ca": Certificate(other).file.read_text()}, secret):
            with pytest.raises(ssl.SSLCertVerificationError):
                asks(made_up(tmp_path, cases, {**members, **refused}), host)
        asks(made_up(tmp_path, cases, {**members, **secret, "ca": certificate.file.read_text()}), host)
        # The certificate is for localhost.
        with pytest.raises(ssl.SSLCertVerificationError):
            asks(made_up(tmp_path, cases, {**members, "ca": certificate.file.read_text()}), server.url)
    with pytest.raises(Exception, match="its ca has no certificate in PEM"):
        made_up(tmp_path, cases, {**members, "ca": "certificate"})
