"""TensorFlow Serving over gRPC: one tensor in, one tensor out."""

import struct
from collections.abc import Sequence
from functools import partial

from google.protobuf.message import DecodeError

from f2c_loadtest.grpc_client import GrpcClient, GrpcRequest
from f2c_loadtest.predict_pb2 import DT_FLOAT, ModelSpec, PredictRequest, PredictResponse, TensorProto, TensorShapeProto
from f2c_loadtest.question import Question, exact_celsius
from f2c_loadtest.targets.target import Target
from f2c_loadtest.targets.tfserving import tolerances_of

METHOD = "/tensorflow.serving.PredictionService/Predict"
MODEL, INPUT, OUTPUT = "fahrenheit_to_celsius", "fahrenheit", "celsius"
FLOAT_BYTES = 4


def ask(fahrenheit: list[float]) -> Question:
    """Makes the question for temperatures in °F."""
    celsius = exact_celsius(fahrenheit)
    tensor = TensorProto(
        dtype=DT_FLOAT,
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(fahrenheit))]),
        # For the server, copying bytes is cheaper than reading a list.
        tensor_content=struct.pack(f"<{len(fahrenheit)}f", *fahrenheit),
    )
    message = PredictRequest(model_spec=ModelSpec(name=MODEL), inputs={INPUT: tensor}).SerializeToString()
    return Question(GrpcRequest(message), celsius, tolerances_of(fahrenheit, celsius), _read)


def _read(message: bytes) -> tuple[Sequence[float], None]:
    try:
        # Indexing would add a missing output.
        tensor = PredictResponse.FromString(message).outputs.get(OUTPUT)
        if tensor is None or tensor.dtype != DT_FLOAT:
            raise ValueError(f"there is no {OUTPUT} of float32")
        # The server sends a list, or with --enable_serialization_as_tensor_content bytes.
        content = tensor.tensor_content
        return struct.unpack(f"<{len(content) // FLOAT_BYTES}f", content) if content else tensor.float_val, None
    except (DecodeError, struct.error) as error:
        raise ValueError(error) from None


TARGET = Target("tfserving-grpc", names_replicas=False, client=partial(GrpcClient, METHOD), ask=ask)
