"""Fahrenheit to Celsius by LitServe, as its quick start shows an API: a request has one value.

POST /predict {"input": 212} is answered by {"output": 100}.
"""

import os
from collections.abc import Callable

import litserve as ls


class FahrenheitToCelsius(ls.LitAPI):
    """What LitServe calls for each request: its three last methods, in this order."""

    def setup(self, device: str) -> None:
        """Loads the model."""
        self.model: Callable[[float], float] = lambda fahrenheit: (fahrenheit - 32) * (5 / 9)

    def decode_request(self, request: dict[str, float]) -> float:
        """Takes the temperature in °F out of a request."""
        return request["input"]

    def predict(self, x: float) -> float:
        """Returns the temperature in °C."""
        return self.model(x)

    def encode_response(self, output: float) -> dict[str, float]:
        """Makes an answer of a temperature in °C."""
        return {"output": output}


if __name__ == "__main__":
    # Its makers advise fast_queue where hundreds of requests come in a second.
    server = ls.LitServer(FahrenheitToCelsius(), accelerator="cpu", fast_queue=True)
    # By default, LitServe writes a line for each request, and a client.py into this folder.
    server.run(port=os.environ["PORT"], log_level="warning", generate_client_file=False)
