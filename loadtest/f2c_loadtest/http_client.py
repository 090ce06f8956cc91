"""An HTTP client for requests that are made in advance, on the connections and the parser of geventhttpclient.

Locust's own client takes twice the CPU: it makes each request anew, and handles headers, cookies and redirects that are
of no use here.
"""

import select
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gevent.monkey import get_original
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPResponse

from f2c_loadtest.client import CONNECTION_TIMEOUT, NETWORK_TIMEOUT, RequestError, address

BLOCK_SIZE = 65536


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


class HttpClient:
    """A `Client` that accepts only answers with status 200."""

    def __init__(self, host: str) -> None:
        """Takes the URL of the host; any certificate will do."""
        name, port, is_secret = address(host)
        self._pool = (partial(SSLConnectionPool, insecure=True) if is_secret else ConnectionPool)(
            name,
            port,
            name,
            port,
            size=1,
            connection_timeout=CONNECTION_TIMEOUT,
            network_timeout=NETWORK_TIMEOUT,
        )
        self._socket: Any = None

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

    def _connect(self) -> None:
        self._socket = self._pool.get_socket()
        # gevent's own `poll` would wait for a turn of its loop.
        self._readable = get_original("select", "poll")()
        self._readable.register(self._socket, select.POLLIN)

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        if self._socket is not None:
            self._pool.release_socket(self._socket)
            self._socket = None


class _Answer(HTTPResponse):
    """Drops the headers, which nobody reads."""

    def _on_header_field(self, string: str) -> None:
        pass

    def _on_header_value(self, string: str) -> None:
        pass
