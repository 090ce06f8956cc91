"""A gRPC client for messages that are serialised in advance: one unary call at a time, on a connection of its own.

grpcio, which is made for many calls at a time, waits for each answer in a thread, and takes several times the CPU.
"""

import dataclasses
import json
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from f2c_loadtest.client import NETWORK_TIMEOUT, ClosedError, RequestError, shown
from f2c_loadtest.http2 import Answer, Http2Connection, StreamResetError, UnprocessedError, header_block
from f2c_loadtest.socket_client import ANYBODY, SocketClient, Trust

# What precedes a message: whether it is compressed, and its length.
PREFIX = struct.Struct(">BL")

OK = b"0"
STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""The names of the codes from 0 on, by https://grpc.github.io/grpc/core/md_doc_statuscodes.html."""

MEANINGS = {
    "UNAVAILABLE": "the server takes no requests, or a proxy in front of it can't reach it",
    "UNIMPLEMENTED": "the server does not have the method that was called",
    "NOT_FOUND": "the server does not have what was asked for, such as the model",
    "RESOURCE_EXHAUSTED": "the server is out of some resource, such as threads",
}


@dataclasses.dataclass(frozen=True)
class GrpcRequest:
    """A serialised message."""

    method: ClassVar[str] = "gRPC"
    message: bytes
    called: str = ""
    """The method that is called."""
    content: Any = None
    """The message in protobuf's JSON form."""

    def __str__(self) -> str:
        """Returns what is called, and with what."""
        return f"{self.called} {json.dumps(self.content, ensure_ascii=False)}"

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns the message as it is sent; the client itself adds the host."""
        return PREFIX.pack(0, len(self.message)) + self.message


class GrpcClient(SocketClient):
    """A `Client` of one unary method that accepts only answers with status OK."""

    def __init__(
        self, method: str, host: str, headers: Mapping[str, str] = MappingProxyType({}), trust: Trust = ANYBODY
    ) -> None:
        """Takes the path of the method, such as `/package.Service/Method`, and the URL of the host.

        The headers are by name in lowercase; `host` is sent as `:authority`.
        """
        super().__init__(host, "h2", trust)
        url = urlsplit(host)
        fields = {
            ":method": "POST",
            ":scheme": url.scheme,
            ":path": url.path + method,
            ":authority": headers.get("host", url.netloc),
            "te": "trailers",
            "content-type": "application/grpc",
            # Otherwise compression would be measured too.
            "grpc-accept-encoding": "identity",
            "user-agent": "f2c-loadtest",
            **{name: value for name, value in headers.items() if name != "host"},
        }
        self._headers = header_block(fields.items())

    def ask(self, request: bytes) -> bytes:
        """Returns the serialised answer; raises OSError or RequestError."""
        try:
            answer = self._exchange(request)
        except UnprocessedError:
            # A server that ends a connection in good order may say so when a request is already on its way, and that it
            # has not looked at it. That is no failure: as with every gRPC client, the request goes on a new connection.
            # The time that this takes is in the latency. A server that refuses a single request is another matter.
            answer = self._exchange(request)
        except (ConnectionError, ClosedError):
            # As over HTTP, it may end a connection between two requests without saying so.
            if not self._is_reused or self._http2.has_begun():
                raise
            answer = self._exchange(request)
        return _message_of(answer)

    def _connect(self) -> None:
        super()._connect()
        self._http2 = Http2Connection(self._socket, self._readable, self._headers)

    def _exchange(self, request: bytes) -> Answer:
        if self._socket is not None and not self._http2.is_ready():
            self.close()
        self._is_reused = self._socket is not None
        if self._socket is None:
            self._connect()
        try:
            return self._http2.ask(request)
        except StreamResetError:
            raise
        except TimeoutError:
            self.close()
            raise RequestError(f"there was no answer within {NETWORK_TIMEOUT:g} s") from None
        except BaseException:
            self.close()
            raise


def _message_of(answer: Answer) -> bytes:
    """Returns the one message of an answer; raises RequestError."""
    headers, content, trailers = answer
    http_status, kind = headers.get(b":status", b"none"), headers.get(b"content-type", b"none")
    if http_status != b"200" or not _is_grpc(kind):
        found = f"its HTTP status is {http_status.decode()}, and its content type {kind.decode(errors='replace')}"
        raise RequestError(f"the answer is not gRPC: {found}", lambda: shown(content))
    status = trailers.get(b"grpc-status")
    if status != OK:
        raise _error(status, trailers.get(b"grpc-message", b""))
    if len(content) < PREFIX.size:
        raise RequestError("the answer has no message")
    is_compressed, length = PREFIX.unpack_from(content)
    if is_compressed:
        raise RequestError("the answer is compressed, although that was not offered")
    if length > len(content) - PREFIX.size:
        raise RequestError("the message of the answer is not whole")
    if length < len(content) - PREFIX.size:
        raise RequestError("the answer has more than one message")
    return content[PREFIX.size :]


def _is_grpc(kind: bytes) -> bool:
    return kind == b"application/grpc" or kind.startswith((b"application/grpc+", b"application/grpc;"))


def _error(status: bytes | None, details: bytes) -> RequestError:
    """Returns an error about another status than OK, with the details that a server gives in percent-encoding."""
    if status is None:
        return RequestError("the answer has no status of gRPC")
    code = int(status) if status.isdigit() else len(STATUSES)
    if code >= len(STATUSES):
        return RequestError("the status is none of gRPC's")
    name = STATUSES[code]
    meaning = f": {MEANINGS[name]}" if name in MEANINGS else ""
    return RequestError(f"the status is {name}{meaning}", lambda: shown(unquote(details.decode(errors="replace"))))
