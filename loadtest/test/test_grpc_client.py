"""Checks the gRPC client against servers that are scripted frame by frame, and against real ones."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from random import randbytes
from typing import NamedTuple

import gevent
import grpc
import pytest
from certificate import Certificate
from running import PACKAGE_ROOT
from scripted_http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    OK_HEADERS,
    OK_TRAILERS,
    PADDED,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    Connection,
    Script,
    frame,
    message,
    numbers,
    scripted_http2,
    settings,
)

from f2c_loadtest import http2
from f2c_loadtest.client import RequestError
from f2c_loadtest.grpc_client import GrpcClient, GrpcRequest

METHOD = "/test/Echo"
LARGEST = 2**31 - 1
NO_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 7, 8, 11


def encoded(content: bytes = b"question") -> bytes:
    return GrpcRequest(content).encode("http://any", is_last=False)


def ask(client: GrpcClient, content: bytes = b"question") -> bytes:
    return client.ask(encoded(content))


def usual(connection: Connection) -> None:
    """Answers one request."""
    request = connection.request()
    connection.send(settings(), connection.answer(request.stream))


def answers(script: Script, then: Script | None = None) -> bytes:
    """Returns what the client makes of the first request, if the server does as the script says."""
    with scripted_http2(*[script, then] if then else [script]) as url:
        client = GrpcClient(METHOD, url)
        try:
            return ask(client)
        finally:
            client.close()


def refused(script: Script) -> str:
    """Returns the error of a request that the client sends, if the server does as the script says."""
    with pytest.raises(RequestError) as caught:
        answers(script)
    return str(caught.value)


def answering(*frames: Callable[[Connection], bytes] | bytes) -> Script:
    """Answers one request, which is stream 1, with frames."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(), *(item if isinstance(item, bytes) else item(connection) for item in frames))

    return script


def head(fields: list[tuple[str, str]] = OK_HEADERS, flags: int = 0) -> Callable[[Connection], bytes]:
    return lambda connection: connection.headers(1, fields, flags)


def tail(fields: list[tuple[str, str]] = OK_TRAILERS) -> Callable[[Connection], bytes]:
    return head(fields, END_STREAM)


def data(content: bytes = message(b"right")) -> bytes:
    return frame(DATA, 0, 1, content)


def test_what_is_sent() -> None:
    def script(connection: Connection) -> None:
        first = connection.request()
        announced, window = connection.unread
        # No table of headers, nothing pushed, and windows as large as they can be, to the byte.
        assert announced == (SETTINGS, 0, 0, b"\0\1" + numbers(0) + b"\0\2" + numbers(0) + b"\0\4" + numbers(LARGEST))
        assert window == (WINDOW_UPDATE, 0, 0, numbers(LARGEST - 65_535))
        assert connection.decoder.decode(first.block, raw=True) == [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", METHOD.encode()),
            (b":authority", url.removeprefix("http://").encode()),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            (b"grpc-accept-encoding", b"identity"),
            (b"user-agent", b"f2c-loadtest"),
        ]
        assert (first.stream, first.content) == (1, message(b"question"))
        connection.send(settings(), connection.answer(1))
        second = connection.request()
        assert (second.stream, second.block) == (3, first.block)
        # Beside the request, no more than this: above all, no ping.
        assert connection.unread[2:] == [(SETTINGS, ACK, 0, b"")]
        connection.send(connection.answer(3))
        assert connection.is_closed()

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]
        client.close()


def test_headers_and_a_path_of_the_host() -> None:
    def script(connection: Connection) -> None:
        request = connection.request()
        fields = dict(connection.decoder.decode(request.block, raw=True))
        assert (fields[b":authority"], fields[b":path"]) == (b"example.com", f"/base{METHOD}".encode())
        assert (fields[b"authorization"], fields[b"user-agent"]) == (b"Bearer 1", b"mine")
        assert b"host" not in fields
        connection.send(settings(), connection.answer(request.stream))

    headers = {"host": "example.com", "authorization": "Bearer 1", "user-agent": "mine"}
    with scripted_http2(script) as url:
        assert ask(GrpcClient(METHOD, f"{url}/base", headers)) == b"right"


def test_windows_of_the_server_hold_to_the_byte() -> None:
    content = bytes(range(256)) * 400

    def script(connection: Connection) -> None:
        received = b""

        def takes(size: int) -> bool:
            """Whether exactly so many bytes come."""
            nonlocal received
            until = len(received) + size
            while len(received) < until:
                part = connection.await_frame(DATA).payload
                assert len(part) <= 2**14
                received += part
            return len(received) == until and connection.is_silent()

        # Without settings: 64 KiB less one byte, for the request and for the connection.
        assert takes(65_535)
        connection.send(settings(window=65_535 + 1000))
        connection.await_frame(SETTINGS, ACK)
        assert connection.is_silent()
        connection.send(frame(WINDOW_UPDATE, 0, 0, numbers(600)))
        assert takes(600)
        connection.send(frame(WINDOW_UPDATE, 0, 0, numbers(20_000)))
        assert takes(400)
        # The window of the request under way becomes less than nothing.
        connection.send(settings(window=65_535))
        connection.await_frame(SETTINGS, ACK)
        connection.send(frame(WINDOW_UPDATE, 0, 1, numbers(1000)))
        assert connection.is_silent()
        connection.send(frame(WINDOW_UPDATE, 0, 1, numbers(20_000)))
        assert takes(19_600)
        connection.send(frame(WINDOW_UPDATE, 0, 0, numbers(LARGEST - 100_000)))
        assert takes(400)
        connection.send(frame(WINDOW_UPDATE, 0, 1, numbers(1_000_000)))
        assert takes(len(message(content)) - len(received))
        assert received == message(content)
        connection.send(connection.answer(1))

    with scripted_http2(script) as url:
        assert ask(GrpcClient(METHOD, url), content) == b"right"


def test_the_window_of_a_connection_lasts_for_all_its_requests() -> None:
    content = b"x" * 15_995

    def script(connection: Connection) -> None:
        for stream in (1, 3, 5, 7):
            assert len(connection.request().content) == 16_000
            connection.send(settings(), connection.answer(stream))
        assert connection.await_frame(HEADERS).stream == 9
        assert len(connection.frame().payload) == 65_535 - 4 * 16_000
        assert connection.is_silent()
        # More for the connection, and enough for the request.
        connection.send(frame(WINDOW_UPDATE, 0, 0, numbers(100_000)))
        rest = connection.frame()
        assert (len(rest.payload), rest.flags) == (16_000 - 1535, END_STREAM)
        connection.send(connection.answer(9))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert {ask(client, content) for _ in range(5)} == {b"right"}


def test_a_window_of_nothing_for_new_requests() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(window=0), connection.answer(1))
        connection.await_frame(HEADERS)
        # This is for a request that has ended.
        connection.send(frame(WINDOW_UPDATE, 0, 1, numbers(100)))
        assert connection.is_silent()
        connection.send(frame(WINDOW_UPDATE, 0, 3, numbers(5)))
        assert connection.frame() == (DATA, 0, 3, message(b"question")[:5])
        connection.send(frame(WINDOW_UPDATE, 0, 3, numbers(8)))
        assert connection.frame() == (DATA, END_STREAM, 3, b"question")
        connection.send(connection.answer(3))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_an_answer_larger_than_a_frame_and_than_the_usual_window() -> None:
    content = bytes(range(256)) * 2000

    def script(connection: Connection) -> None:
        connection.request()
        whole = message(content)
        parts = [frame(DATA, 0, 1, whole[at : at + 2**14]) for at in range(0, len(whole), 2**14)]
        connection.send(settings(), connection.headers(1, OK_HEADERS), *parts, connection.headers(1, OK_TRAILERS, 1))

    assert answers(script) == content


def test_the_window_for_answers_is_filled_up_by_what_came() -> None:
    def script(connection: Connection) -> None:
        usual(connection)
        connection.request()
        padded = frame(DATA, PADDED, 3, b"\5" + message(b"right") + bytes(5))
        connection.send(connection.headers(3, OK_HEADERS), padded, connection.headers(3, OK_TRAILERS, END_STREAM))
        # Padding counts.
        assert connection.await_frame(WINDOW_UPDATE) == (WINDOW_UPDATE, 0, 0, numbers(2**30 + 16))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        # As after answers of a gigabyte.
        client._http2._received = 2**30
        assert ask(client) == b"right"


def test_a_ping_is_answered() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(), frame(PING, 0, 0, b"12345678"))
        assert connection.await_frame(PING, ACK).payload == b"12345678"
        connection.send(connection.answer(1), frame(PING, 0, 0, b"between!"))
        request = connection.request()
        connection.send(connection.answer(request.stream))
        assert [frame.payload for frame in connection.unread if frame.kind == PING] == [b"between!"]

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_a_server_that_reads_slowly() -> None:
    content = bytes(20_000_000)
    is_idle = threading.Event()

    def script(connection: Connection) -> None:
        connection.request()
        window = frame(WINDOW_UPDATE, 0, 0, numbers(30_000_000))
        connection.send(settings(window=30_000_000), window, connection.answer(1))
        is_idle.wait()
        connection.send(frame(PING, 0, 0, b"between!"))
        connection.await_frame(PING, ACK)
        # Nothing is taken from the socket for so long.
        time.sleep(0.5)
        assert connection.request().content == message(content)
        connection.send(connection.answer(3))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        is_idle.set()
        assert client._readable.poll(10_000)
        assert ask(client, content) == b"right"


def test_a_connection_that_ends_in_good_order_while_a_request_is_under_way() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(), frame(GOAWAY, payload=numbers(LARGEST, NO_ERROR)), frame(PING, payload=b"goaway?!"))
        connection.await_frame(PING, ACK)
        connection.send(frame(GOAWAY, payload=numbers(1, NO_ERROR)), connection.answer(1))
        assert connection.is_closed()

    with scripted_http2(script, usual) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


@pytest.mark.parametrize("last", [LARGEST, 1])
def test_a_connection_that_ends_in_good_order_between_two_requests(last: int) -> None:
    is_idle = threading.Event()

    def script(connection: Connection) -> None:
        usual(connection)
        is_idle.wait()
        connection.send(frame(GOAWAY, payload=numbers(last, NO_ERROR)))
        connection.await_frame(SETTINGS, ACK)
        assert connection.is_closed()

    with scripted_http2(script, usual) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        is_idle.set()
        assert client._readable.poll(10_000)
        assert ask(client) == b"right"


def never_processed(connection: Connection) -> None:
    """Takes no request, and says so."""
    connection.request()
    connection.send(settings(), frame(GOAWAY, payload=numbers(0, NO_ERROR)))


def test_a_request_that_the_server_has_not_processed_is_sent_once_more() -> None:
    assert answers(never_processed, usual) == b"right"
    with pytest.raises(RequestError, match="the server has closed the connection before it took the request"):
        answers(never_processed, never_processed)


def test_a_connection_that_ends_for_a_fault_is_an_error() -> None:
    away = frame(GOAWAY, payload=numbers(0, ENHANCE_YOUR_CALM) + b"too_many_pings")
    assert refused(answering(away)) == "the server has closed the connection: ENHANCE_YOUR_CALM"
    away = frame(GOAWAY, payload=numbers(1, ENHANCE_YOUR_CALM))
    sentence = "the connection was closed before the answer was there: ENHANCE_YOUR_CALM"
    assert refused(answering(away, head())) == sentence


def test_a_connection_that_is_closed_in_the_middle() -> None:
    sentence = "the connection was closed before the answer was there"
    assert refused(answering()) == refused(answering(head(), data())) == sentence
    assert refused(answering(data()[:7])) == sentence


def test_a_connection_that_is_closed_between_two_requests() -> None:
    with scripted_http2(usual, usual) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        assert client._readable.poll(10_000)
        assert ask(client) == b"right"


def test_a_connection_that_is_closed_on_a_request_is_opened_once_more() -> None:
    def closes_on_the_second(connection: Connection) -> None:
        usual(connection)
        connection.request()

    with scripted_http2(closes_on_the_second, usual) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_an_answer_that_has_begun_to_come_is_not_asked_for_once_more() -> None:
    def begins_the_second(connection: Connection) -> None:
        usual(connection)
        connection.send(connection.headers(connection.request().stream, OK_HEADERS, 0))

    with scripted_http2(begins_the_second) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        with pytest.raises(RequestError, match="the connection was closed before the answer was there"):
            ask(client)


def test_headers_without_a_message() -> None:
    refusal = [*OK_HEADERS, ("grpc-status", "12")]
    assert refused(answering(tail(refusal))).startswith("the status is UNIMPLEMENTED: the server does not have the")


def test_another_status_than_ok_leaves_the_connection_good() -> None:
    def script(connection: Connection) -> None:
        for details in ("100 %25 gr%C3%B6%C3%9Fer%", "another"):
            request = connection.request()
            fields = [*OK_HEADERS, ("grpc-status", "9"), ("grpc-message", details)]
            connection.send(settings(), connection.headers(request.stream, fields, END_STREAM))
        usual(connection)

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        for details in ("100 % größer%", "another"):
            with pytest.raises(RequestError, match=r"^the status is FAILED_PRECONDITION$") as caught:
                ask(client)
            assert caught.value.detail() == details
        assert ask(client) == b"right"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("5", "the status is NOT_FOUND: the server does not have what was asked for, such as the model"),
        ("14", "the status is UNAVAILABLE: the server takes no requests, or a proxy in front of it can't reach it"),
        ("16", "the status is UNAUTHENTICATED"),
        ("17", "the status is none of gRPC's"),
        ("high", "the status is none of gRPC's"),
    ],
)
def test_statuses(status: str, sentence: str) -> None:
    assert refused(answering(head(), tail([("grpc-status", status)]))) == sentence


def test_blocks_in_pieces_padding_priorities_and_what_is_of_no_concern() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        early = connection.headers(1, [(":status", "103"), ("link", "</style.css>")])
        block = connection.encoder.encode(OK_HEADERS)
        prioritised = frame(HEADERS, PADDED | WITH_PRIORITY, 1, b"\3" + bytes(5) + block[:4] + bytes(3))
        pieces = frame(CONTINUATION, 0, 1, block[4:7]) + frame(CONTINUATION, END_HEADERS, 1, block[7:])
        padded = frame(DATA, PADDED, 1, b"\2" + message(b"right")[:3] + bytes(2)) + frame(DATA, PADDED, 1, b"\0")
        unknown = frame(0x10, 0xFF, 1, b"?") + frame(0xC, 0, 0, b"origin") + frame(2, 0, 5, bytes(5))
        others = frame(RST_STREAM, 0, 99, numbers(CANCEL)) + frame(WINDOW_UPDATE, 0, 99, numbers(1))
        trailers = connection.encoder.encode(OK_TRAILERS)
        end = frame(HEADERS, END_STREAM, 1) + frame(CONTINUATION, END_HEADERS, 1, trailers)
        connection.send(
            settings(), early, unknown, prioritised, pieces, padded, others, data(message(b"right")[3:]), end
        )

    assert answers(script) == b"right"


def test_an_answer_that_comes_byte_by_byte() -> None:
    def script(connection: Connection) -> None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.request()
        for byte in settings() + connection.answer(1):
            connection.send(bytes([byte]))

    assert answers(script) == b"right"


def test_a_server_that_keeps_a_table_of_headers() -> None:
    def script(connection: Connection) -> None:
        # It says that it has none only in the third answer.
        for number in range(5):
            request = connection.request()
            if number == 2:
                connection.encoder.header_table_size = 0
            connection.send(*[settings()] * (number == 0), connection.answer(request.stream, b"%d" % number))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client) for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_server_that_wants_a_smaller_table_is_told_that_there_is_none() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(table=0), connection.answer(1))
        # RFC 7541, section 4.2: the next block begins with the new size.
        assert connection.request().block[0] == 0x20
        connection.send(connection.answer(3))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_a_request_that_is_reset() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(), frame(RST_STREAM, 0, 1, numbers(REFUSED_STREAM)))
        connection.request()
        connection.send(connection.headers(3, OK_HEADERS), frame(RST_STREAM, 0, 3, numbers(NO_ERROR)))
        connection.request()
        connection.send(frame(RST_STREAM, 0, 5, numbers(77)))
        # After the whole answer, it says nothing.
        connection.request()
        connection.send(connection.answer(7), frame(RST_STREAM, 0, 7, numbers(NO_ERROR)))
        usual(connection)

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        for name in ("REFUSED_STREAM", "NO_ERROR", "error 77"):
            with pytest.raises(RequestError, match=f"^the server has reset the request: {name}$"):
                ask(client)
        assert [ask(client), ask(client)] == [b"right", b"right"]


@pytest.mark.parametrize("says_so", [False, True])
def test_a_server_that_answers_before_the_request_is_whole(says_so: bool) -> None:
    def script(connection: Connection) -> None:
        connection.await_frame(HEADERS)
        full = [*OK_HEADERS, ("grpc-status", "8")]
        reset = frame(RST_STREAM, 0, 1, numbers(NO_ERROR))
        connection.send(settings(), connection.headers(1, full, END_STREAM), *[reset] * says_so)
        if not says_so:
            assert connection.await_frame(RST_STREAM).payload == numbers(CANCEL)
        connection.await_frame(HEADERS)
        assert connection.frame() == (DATA, END_STREAM, 3, message(b"question"))
        assert RST_STREAM not in [frame.kind for frame in connection.unread]
        connection.send(connection.answer(3))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        with pytest.raises(RequestError, match="RESOURCE_EXHAUSTED"):
            ask(client, bytes(100_000))
        # 65 535 bytes of the connection's window are used up.
        client._http2._window += 100_000
        assert ask(client) == b"right"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            answering(tail([(":status", "503"), ("content-type", "text/plain")])),
            "the answer is not gRPC: its HTTP status is 503, and its content type text/plain",
        ),
        (
            answering(head([(":status", "200"), ("content-type", "application/grpc-web")]), data(), tail()),
            "the answer is not gRPC: its HTTP status is 200, and its content type application/grpc-web",
        ),
        (answering(head(), data(), tail([("other", "1")])), "the answer has no status of gRPC"),
        (answering(head(), data(), frame(DATA, END_STREAM, 1)), "the answer has no status of gRPC"),
        (answering(head(), tail()), "the answer has no message"),
        (answering(head(), data(), data(), tail()), "the answer has more than one message"),
        (answering(head(), data(message(b"right")[:-1]), tail()), "the message of the answer is not whole"),
        (
            answering(head(), data(b"\1" + message(b"right")[1:]), tail()),
            "the answer is compressed, although that was not offered",
        ),
        (answering(head(), head()), "the answer is not HTTP/2"),
        (answering(frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff")), "the answer is not HTTP/2"),
        (answering(frame(DATA, PADDED, 1, b"\7short")), "the answer is not HTTP/2"),
        (answering(frame(GOAWAY, 0, 0, b"short")), "the answer is not HTTP/2"),
        (answering(frame(SETTINGS, 0, 0, b"short")), "the answer is not HTTP/2"),
    ],
)
def test_answers_that_do_not_count(script: Script, sentence: str) -> None:
    assert refused(script) == sentence


@pytest.mark.parametrize("text", [b"HTTP/1.1 400 Bad Request\r\n\r\n", frame(PING, 0, 0, bytes(8))])
def test_a_server_that_does_not_speak_http2(text: bytes) -> None:
    assert refused(lambda connection: connection.send(text)) == "the answer is not HTTP/2"


def test_there_is_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "NETWORK_TIMEOUT", 0.5)

    def silent(connection: Connection) -> None:
        connection.request()
        assert connection.is_closed()

    def pinging(connection: Connection) -> None:
        connection.request()
        connection.send(settings())
        try:
            while True:
                connection.send(frame(PING, 0, 0, b"12345678"))
                connection.await_frame(PING, ACK)
        except (EOFError, OSError):
            pass

    for script in (silent, pinging):
        start = time.monotonic()
        assert refused(script) == "there was no answer within 10 s"
        assert 0.4 < time.monotonic() - start < 2


def test_a_server_that_takes_no_requests_for_a_while() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(settings(streams=0), connection.answer(1))
        connection.await_frame(SETTINGS, ACK)
        assert connection.is_silent()
        connection.send(settings(streams=1))
        assert connection.request().stream == 3
        connection.send(connection.answer(3))

    with scripted_http2(script) as url:
        client = GrpcClient(METHOD, url)
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_a_connection_with_no_number_left_for_a_request() -> None:
    def script(connection: Connection) -> None:
        usual(connection)
        assert connection.request().stream == LARGEST
        connection.send(connection.answer(LARGEST))
        assert connection.is_closed()

    with scripted_http2(script, usual) as url:
        client = GrpcClient(METHOD, url)
        assert ask(client) == b"right"
        client._http2._next_stream = LARGEST
        assert [ask(client), ask(client)] == [b"right", b"right"]


def test_ipv6() -> None:
    with scripted_http2(usual, host="::1") as url:
        assert ask(GrpcClient(METHOD, url)) == b"right"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        ask(GrpcClient(METHOD, f"http://127.0.0.1:{port}"))


# Around the sizes of a frame and of a window, five bytes of which are the message's length.
SIZES = (0, 1, 2**14 - 5, 2**14 - 4, 65_530, 65_531, 3_000_000)


class EchoServer(NamedTuple):
    """A real gRPC server that answers with what it is asked, except that /test/Fail fails."""

    url: str
    answered: Callable[[], int]
    """Stops it, and returns how many calls it has answered."""


Start = Callable[..., AbstractContextManager[EchoServer]]


@contextmanager
def in_python(certificate: Certificate | None = None, age_ms: int = 3_600_000) -> Iterator[EchoServer]:
    """Runs a server on grpcio, which is in C++ as TensorFlow Serving's, and closes connections at an age."""
    answered = 0

    def echo(content: bytes, _context: grpc.ServicerContext) -> bytes:
        nonlocal answered
        answered += 1
        return content

    def fail(_content: bytes, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, DETAILS)

    handlers = {name: grpc.unary_unary_rpc_method_handler(handle) for name, handle in (("Echo", echo), ("Fail", fail))}
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_connection_age_ms", age_ms)]
    service = grpc.method_handlers_generic_handler("test", handlers)
    server = grpc.server(ThreadPoolExecutor(1), [service], options=options)
    if certificate:
        credentials = grpc.ssl_server_credentials([(certificate.key.read_bytes(), certificate.file.read_bytes())])
        url = f"https://localhost:{server.add_secure_port('localhost:0', credentials)}"
    else:
        url = f"http://localhost:{server.add_insecure_port('localhost:0')}"
    server.start()
    yield EchoServer(url, lambda: answered)
    server.stop(grace=None).wait()


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the server in Go."""
    program = tmp_path_factory.mktemp("go") / "server"
    subprocess.run(["go", "-C", PACKAGE_ROOT / "test" / "go-server", "build", "-o", program], check=True)
    return program


@pytest.fixture(params=["Python", "Go"])
def start(request: pytest.FixtureRequest, go_program: Path) -> Start:
    """Returns what runs a real server until a block ends."""

    @contextmanager
    def in_go(certificate: Certificate | None = None, age_ms: int = 3_600_000) -> Iterator[EchoServer]:
        files = [f"--certificate={certificate.file}", f"--key={certificate.key}"] if certificate else []
        command = [str(go_program), f"--age={age_ms}ms", *files]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        address = process.stdout.readline().strip()
        output = cache(lambda: process.communicate(timeout=10)[0])
        yield EchoServer(f"http{'s' * bool(certificate)}://{address}", lambda: int(output()))
        output()

    return in_go if request.param == "Go" else in_python


DETAILS = "100 % größer"


@pytest.mark.parametrize("is_secret", [False, True])
def test_a_real_server(start: Start, tmp_path: Path, is_secret: bool) -> None:
    with start(Certificate(tmp_path) if is_secret else None) as server:
        client = GrpcClient(METHOD, server.url)
        contents = [randbytes(size) for size in SIZES] * 2
        assert [ask(client, content) == content for content in contents] == [True] * len(contents)
        failing = GrpcClient("/test/Fail", server.url)
        for _ in range(2):
            with pytest.raises(
                RequestError, match="the status is RESOURCE_EXHAUSTED: the server is out of some resource"
            ) as caught:
                ask(failing)
            assert caught.value.detail() == DETAILS
        client.close()
        failing.close()
        assert server.answered() == len(contents)


def test_a_real_server_that_closes_connections_at_an_age(start: Start) -> None:
    with start(age_ms=100) as server:
        client = GrpcClient(METHOD, server.url)
        connections, asked = set(), 0
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert ask(client, b"%d" % asked) == b"%d" % asked
            asked += 1
            # Some requests come after a pause, in which the server may have closed the connection.
            gevent.sleep(0.05 * (asked % 20 == 0))
            connections.add(client._http2)
        client.close()
        # Nothing was lost, and nothing was answered twice.
        assert server.answered() == asked
    assert len(connections) > 10
