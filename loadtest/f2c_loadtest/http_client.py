"""An HTTP client for requests that are made in advance, on the parser of geventhttpclient.

Locust's own client takes twice the CPU: it makes each request anew, and handles headers, cookies and redirects that are
of no use here.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPParseError, HTTPResponse

from f2c_loadtest.client import ClosedError, RequestError, shown
from f2c_loadtest.socket_client import ANYBODY, BLOCK_SIZE, SocketClient, Trust

# The headers that a client sets itself.
OWN_HEADERS = {"connection", "content-length", "transfer-encoding"}

GZIP, DEFLATE = b"\x1f\x8b", b"\x78"
"""How compressed content begins (RFC 1952, RFC 1950)."""


class HttpRequest(NamedTuple):
    """A request over HTTP, whose body is JSON unless a header says otherwise."""

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    """By name in lowercase; they come before those that every request has."""

    def __str__(self) -> str:
        """Returns the request without headers, which may be secret."""
        return " ".join(filter(None, [self.method, self.path, self.body]))

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns the bytes of the request; the last one of a connection says so."""
        url = urlsplit(host)
        content = (self.body or "").encode()
        headers = {
            "host": url.netloc,
            # Otherwise compression would be measured too.
            "accept-encoding": "identity",
            "user-agent": "f2c-loadtest",
            **({} if self.body is None else {"content-type": "application/json"}),
            **self.headers,
            **({} if self.body is None else {"content-length": str(len(content))}),
            **({"connection": "close"} if is_last else {}),
        }
        lines = [f"{self.method} {url.path}{self.path} HTTP/1.1"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + content


class HttpClient(SocketClient):
    """A `Client` that accepts only answers with a status of success."""

    def __init__(self, host: str, trust: Trust = ANYBODY) -> None:
        """Takes the URL of the host, and whose certificates it trusts."""
        super().__init__(host, "http/1.1", trust)

    def ask(self, request: bytes) -> bytes:
        """Returns the content of the answer; raises OSError or RequestError."""
        return content_of(self.exchange(request, _Answer()))

    def exchange(self, request: bytes, answer: HTTPResponse) -> HTTPResponse:
        """Sends a request, and reads its answer; raises OSError or RequestError.

        A server may end a connection between two requests. If it has sent nothing of an answer by then, the request
        goes on a new connection. The time that this takes is in the latency.
        """
        if self._socket is not None and self._readable.poll(0):
            # The server can only have closed an idle connection.
            self.close()
        is_reused = self._socket is not None
        try:
            try:
                self._try(request, answer)
            except (ConnectionError, ClosedError):
                if not is_reused or answer.message_begun:
                    raise
                self._try(request, answer)
        except HTTPParseError:
            self.close()
            raise RequestError("the answer is not HTTP") from None
        if not answer.should_keep_alive():
            self.close()
        return answer

    def _try(self, request: bytes, answer: HTTPResponse) -> None:
        if self._socket is None:
            self._connect()
        try:
            sent = self._socket.send(request)
            if sent < len(request):
                self._socket.sendall(request[sent:])
            while not _is_complete(answer):
                data = self._socket.recv(BLOCK_SIZE)
                if data:
                    answer.feed(data)
                    continue
                # An answer without a length ends here.
                with suppress(HTTPParseError):
                    answer.feed(data)
                if not _is_complete(answer):
                    raise ClosedError
        except BaseException:
            self.close()
            raise


def _is_complete(answer: HTTPResponse) -> bool:
    """Tells whether the answer has ended: one that is interim, such as 103, precedes it (RFC 9110, 15.2)."""
    return answer.message_complete and (answer.get_code() >= 200 or answer.get_code() == 101)


def content_of(answer: HTTPResponse) -> bytes:
    """Returns what an answer says, unpacked if it is compressed; raises RequestError."""
    content = bytes(answer._body_buffer)
    if content[:2] == GZIP or content[:1] == DEFLATE:
        # No JSON begins like this. A server may compress although nobody asks for it, and be right in what it says.
        with suppress(zlib.error):
            content = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content)
    status = answer.get_code()
    if not 200 <= status < 300:
        to = f", and location: {answer.get('location')}" * ("location" in answer)
        raise RequestError(f"the status is {status}", lambda: f"it came with {shown(content) or 'no content'}{to}")
    return content


class _Answer(HTTPResponse):
    """Drops the headers, which nobody reads, except where a redirection leads."""

    def _on_header_field(self, string: str) -> None:
        self._is_kept = len(string) == len("location") and string.lower() == "location"
        if self._is_kept:
            super()._on_header_field(string)

    def _on_header_value(self, string: str) -> None:
        if self._is_kept:
            super()._on_header_value(string)
