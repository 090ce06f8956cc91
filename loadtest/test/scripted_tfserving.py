"""A gRPC server that answers like TensorFlow Serving, or with the faults that a test sets, and counts its requests."""

import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import grpc
from records import message

METHOD = "/tensorflow.serving.PredictionService/Predict"
MODEL, INPUT, OUTPUT = "fahrenheit_to_celsius", "fahrenheit", "celsius"
DT_FLOAT = 1
PredictRequest, PredictResponse, TensorProto = (
    message(name) for name in ("PredictRequest", "PredictResponse", "TensorProto")
)


class ScriptedTfServing(grpc.GenericRpcHandler):
    """Answers calls, and rightly unless a test sets `status`, `error` or `seconds`."""

    def __init__(self) -> None:
        """Begins with right answers."""
        self.status: grpc.StatusCode | None = None
        self.error = 0.0  # °C that each temperature is too high
        self.seconds = 0.0  # that each answer takes
        self.requests = 0
        self.peers: set[str] = set()
        self.url = ""
        self._lock = threading.Lock()

    @property
    def connections(self) -> int:
        """Number of connections that sent a request."""
        return len(self.peers)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Serves the method Predict."""
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._predict, PredictRequest.FromString, PredictResponse.SerializeToString
        )

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        with self._lock:
            self.requests += 1
            self.peers.add(context.peer())
        if self.status:
            context.abort(self.status, "The test wants this.")
        if request.model_spec.name != MODEL:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
        time.sleep(self.seconds)
        tensor = request.inputs[INPUT]
        fahrenheit = struct.unpack(f"<{len(tensor.tensor_content) // 4}f", tensor.tensor_content)
        celsius = [float((Fraction(value) - 32) * 5 / 9 + Fraction(self.error)) for value in fahrenheit]
        shape = tensor.tensor_shape
        return PredictResponse(outputs={OUTPUT: TensorProto(dtype=DT_FLOAT, tensor_shape=shape, float_val=celsius)})


@contextmanager
def scripted_tfserving(credentials: grpc.ServerCredentials | None = None) -> Iterator[ScriptedTfServing]:
    """Runs a server until the block ends, with TLS if there are credentials."""
    scripted = ScriptedTfServing()
    server = grpc.server(ThreadPoolExecutor(16), [scripted])
    if credentials:
        scripted.url = f"https://localhost:{server.add_secure_port('localhost:0', credentials)}"
    else:
        scripted.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield scripted
    server.stop(grace=None).wait()
