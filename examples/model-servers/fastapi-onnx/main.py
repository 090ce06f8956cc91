"""Fahrenheit to Celsius by FastAPI and ONNX Runtime.

GET /predict?fahrenheit=212 is answered by {"celsius": 100}, and POST /predict {"fahrenheit": [212, 32]} by
{"celsius": [100, 0]}.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel

options = ort.SessionOptions()
# By default, ONNX Runtime starts a thread for each core of the node, however little of them the container may use.
options.intra_op_num_threads = 1
session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Temperatures(BaseModel):
    """The body of a POST."""

    fahrenheit: list[float]


def convert(fahrenheit: list[float]) -> list[float]:
    """Runs the model."""
    (celsius,) = session.run(["celsius"], {"fahrenheit": np.array(fahrenheit, np.float32)})
    values: list[float] = celsius.tolist()
    return values


# FastAPI's documentation advises `async` for functions that wait for nothing: without it, each would run in a thread.
@app.get("/healthz")
async def ready() -> None:
    """Says that the model is loaded."""


@app.get("/predict")
async def predict_one(fahrenheit: float) -> dict[str, float]:
    """Converts one temperature."""
    return {"celsius": convert([fahrenheit])[0]}


@app.post("/predict")
async def predict_many(temperatures: Temperatures) -> dict[str, list[float]]:
    """Converts many temperatures."""
    return {"celsius": convert(temperatures.fahrenheit)}
