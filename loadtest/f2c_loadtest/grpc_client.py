"""A gRPC client for messages that are serialised in advance, on grpcio."""

import dataclasses
import logging
from functools import cache
from typing import ClassVar

import gevent
import grpc
from grpc.experimental.gevent import init_gevent

from f2c_loadtest.client import NETWORK_TIMEOUT, RequestError, address

# Under gevent, grpcio waits for each answer in a thread of gevent's pool, which has 10 by default: with more users,
# answers would wait for a thread. No process can have more users than this. Threads are made when they are needed.
MAX_THREADS = 10_000

OPTIONS = [
    # By default, all channels to an address share one connection.
    ("grpc.use_local_subchannel_pool", 1),
    # A retry would hide a failure, and the time that it took.
    ("grpc.enable_retries", 0),
    # The HTTP client takes no proxy from the environment either.
    ("grpc.enable_http_proxy", 0),
    # By default, answers over 4 MiB fail.
    ("grpc.max_receive_message_length", -1),
]

MEANINGS = {
    grpc.StatusCode.UNAVAILABLE: "the server could not be reached, broke off the connection, or takes no requests",
    grpc.StatusCode.DEADLINE_EXCEEDED: f"there was no answer within {NETWORK_TIMEOUT:g} s",
    grpc.StatusCode.UNIMPLEMENTED: "the server does not have the method that was called",
    grpc.StatusCode.NOT_FOUND: "the server does not have what was asked for, such as the model",
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "the server is out of some resource, such as threads, of which TensorFlow Serving gets more by "
        "--grpc_max_threads (threads.grpc of its chart)"
    ),
}
# The details of a failure may hold values, so they are logged, once for each status and process.
_logged: set[grpc.StatusCode] = set()

# After these, the connection may be unusable.
CONNECTION_ERRORS = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclasses.dataclass(frozen=True)
class GrpcRequest:
    """A serialised message."""

    method: ClassVar[str] = "gRPC"
    message: bytes

    def encode(self, host: str, is_last: bool) -> bytes:
        """Returns the message; gRPC itself adds the host."""
        return self.message


class GrpcClient:
    """A `Client` of one unary method that accepts only answers with status OK."""

    def __init__(self, method: str, host: str) -> None:
        """Takes the path of the method, such as `/package.Service/Method`, and the URL of the host."""
        _prepare()
        name, port, self._is_secret = address(host)
        self._address = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        self._method = method
        self._channel: grpc.Channel | None = None

    def ask(self, request: bytes) -> bytes:
        """Returns the serialised answer; raises RequestError."""
        if self._channel is None:
            self._connect()
        try:
            answer: bytes = self._call(request, timeout=NETWORK_TIMEOUT)
        except grpc.RpcError as error:
            code = error.code()
            if code in CONNECTION_ERRORS:
                # The channel would wait longer and longer before it connects again.
                self.close()
            if code not in _logged:
                _logged.add(code)
                logging.getLogger(__name__).warning("The first %s: %s", code.name, error.details())
            meaning = f": {MEANINGS[code]}" if code in MEANINGS else ""
            raise RequestError(f"the status is {code.name}{meaning}") from None
        return answer

    def _connect(self) -> None:
        if self._is_secret:
            self._channel = grpc.secure_channel(self._address, grpc.ssl_channel_credentials(), OPTIONS)
        else:
            self._channel = grpc.insecure_channel(self._address, OPTIONS)
        # Without serialisers, the call takes and returns bytes.
        self._call = self._channel.unary_unary(self._method)

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


@cache
def _prepare() -> None:
    """Makes gRPC wait in greenlets. Its threads do not survive a fork, so this must follow Locust's."""
    gevent.get_hub().threadpool.maxsize = MAX_THREADS
    init_gevent()
