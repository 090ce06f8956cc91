"""Fahrenheit to Celsius as a custom runtime of MLServer, which computes with NumPy in float32."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class FahrenheitToCelsius(MLModel):
    """Takes one tensor of temperatures in °F, and returns one of the same shape in °C."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a request."""
        fahrenheit = NumpyCodec.decode_input(payload.inputs[0])
        celsius = (fahrenheit - np.float32(32)) * np.float32(5 / 9)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("celsius", celsius)])
