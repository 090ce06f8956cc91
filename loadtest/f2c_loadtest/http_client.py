"""An HTTP client for requests that are made in advance, on the parser of geventhttpclient.

Locust's own client takes twice the CPU: it makes each request anew, and handles headers, cookies and redirects that are
of no use here.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPParseError, HTTPResponse

from f2c_loadtest.client import RequestError
from f2c_loadtest.socket_client import BLOCK_SIZE, SocketClient


class HttpRequest(NamedTuple):
    """A request over HTTP, whose body is JSON."""

    method: str
    path: str
    body: str | None = None

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns the bytes of the request; the last one of a connection says so."""
        content = (self.body or "").encode()
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {urlsplit(host).netloc}",
            # Otherwise compression would be measured too.
            "Accept-Encoding: identity",
            "User-Agent: f2c-loadtest",
            *([] if self.body is None else ["Content-Type: application/json", f"Content-Length: {len(content)}"]),
            *["Connection: close"] * is_last,
        ]
        return "\r\n".join([*lines, "", ""]).encode() + content


class HttpClient(SocketClient):
    """A `Client` that accepts only answers with status 200."""

    def __init__(self, host: str) -> None:
        """Takes the URL of the host."""
        super().__init__(host, "http/1.1")

    def ask(self, request: bytes) -> bytes:
        """Returns the content of the answer; raises OSError or RequestError."""
        if self._socket is not None and self._readable.poll(0):
            # The server can only have closed an idle connection.
            self.close()
        if self._socket is None:
            self._connect()
        answer = _Answer()
        try:
            sent = self._socket.send(request)
            if sent < len(request):
                self._socket.sendall(request[sent:])
            while not answer.message_complete:
                data = self._socket.recv(BLOCK_SIZE)
                answer.feed(data)
                if not data and not answer.message_complete:
                    raise RequestError("the connection was closed before the answer was there")
        except HTTPParseError:
            self.close()
            raise RequestError("the answer is not HTTP") from None
        except BaseException:
            self.close()
            raise
        if not answer.should_keep_alive():
            self.close()
        status = answer.get_code()
        if status != 200:
            raise RequestError(f"the status is {status}")
        return bytes(answer._body_buffer)


class _Answer(HTTPResponse):
    """Drops the headers, which nobody reads."""

    def _on_header_field(self, string: str) -> None:
        pass

    def _on_header_value(self, string: str) -> None:
        pass
