"""Compares the committed model with the known temperatures, and with what build_model.py builds."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from build_model import COMMITTED_MODEL, MODEL_NAME, SIGNATURE_NAME, WARM_UP_BATCH_SIZES, WARM_UP_FILE
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Tensors = dict[str, tuple[str, tuple[int | None, ...]]]

BUILD_SCRIPT = Path(__file__).with_name("build_model.py")

# float32's unit roundoff u bounds the relative error of each rounding. The model rounds three times: the difference
# (exact where digits cancel, from 16 to 64), the constant 5/9 (by 0.8 u) and the product. Together this is below 3 u.
RELATIVE_TOLERANCE = 3 * 2.0**-24


def known_temperatures() -> dict[str, tuple[float, float]]:
    """Reads the known temperatures, and returns fahrenheit and celsius of each by its name."""
    with Path(__file__).with_name("known-temperatures.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: (float(row["fahrenheit"]), float(row["celsius"])) for row in csv.DictReader(file)}


KNOWN = known_temperatures()


def to_float32(fahrenheit: float) -> np.float32:
    """Rounds like a client that sends float32: values beyond its range become infinite."""
    with np.errstate(over="ignore"):
        return np.float32(fahrenheit)


def converter(directory: Path) -> Callable[[Floats], Floats]:
    """Loads a model and returns its serving signature as a function of arrays."""
    signature = tf.saved_model.load(str(directory)).signatures[SIGNATURE_NAME]

    def convert(fahrenheit: Floats) -> Floats:
        celsius: Floats = signature(fahrenheit=tf.constant(fahrenheit))["celsius"].numpy()
        return celsius

    return convert


def signatures_of(directory: Path) -> dict[str, tuple[Tensors, Tensors]]:
    """Loads a model and returns what each of its signatures takes and returns, by name."""

    def described(specs: dict[str, tf.TensorSpec]) -> Tensors:
        return {name: (spec.dtype.name, tuple(spec.shape)) for name, spec in specs.items()}

    signatures = tf.saved_model.load(str(directory)).signatures
    return {
        name: (described(signature.structured_input_signature[1]), described(signature.structured_outputs))
        for name, signature in signatures.items()
    }


def floats_of_every_magnitude() -> Floats:
    """Returns finite float32 values from random bits, and as many around the freezing point, where digits cancel."""
    random = np.random.default_rng(seed=32)
    bits = random.integers(0, 2**32, 50_000, dtype=np.uint32).view(np.float32)
    return np.concatenate([bits[np.isfinite(bits)], random.uniform(-500, 500, 50_000).astype(np.float32)])


@pytest.fixture(scope="module")
def convert() -> Callable[[Floats], Floats]:
    return converter(COMMITTED_MODEL)


def test_the_signature_takes_a_batch_of_fahrenheit_and_returns_celsius() -> None:
    batch = ("float32", (None,))
    assert signatures_of(COMMITTED_MODEL) == {SIGNATURE_NAME: ({"fahrenheit": batch}, {"celsius": batch})}


@pytest.mark.parametrize(("fahrenheit", "celsius"), KNOWN.values(), ids=KNOWN)
def test_it_knows(convert: Callable[[Floats], Floats], fahrenheit: float, celsius: float) -> None:
    sent = to_float32(fahrenheit)
    [answer] = convert(np.array([sent]))
    if np.isinf(sent):  # beyond float32, though celsius may not be
        assert answer == sent
    else:
        assert abs(float(answer) - celsius) <= RELATIVE_TOLERANCE * abs(celsius) + abs(fahrenheit - float(sent))


def test_the_tolerance_holds_for_every_magnitude(convert: Callable[[Floats], Floats]) -> None:
    fahrenheit = floats_of_every_magnitude()
    exact: Doubles = (fahrenheit.astype(np.float64) - 32) * 5 / 9
    error = np.abs(convert(fahrenheit) - exact)
    assert np.all(error <= RELATIVE_TOLERANCE * np.abs(exact))


def test_a_batch_is_answered_in_its_order(convert: Callable[[Floats], Floats]) -> None:
    fahrenheit = floats_of_every_magnitude()[:1000]
    one_by_one = np.concatenate([convert(fahrenheit[i : i + 1]) for i in range(len(fahrenheit))])
    np.testing.assert_array_equal(convert(fahrenheit), one_by_one)
    assert convert(np.array([], dtype=np.float32)).shape == (0,)


def test_the_warm_up_requests_fit_the_signature(convert: Callable[[Floats], Floats]) -> None:
    batch_sizes = []
    for record in tf.data.TFRecordDataset(str(COMMITTED_MODEL / WARM_UP_FILE)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        assert (request.model_spec.name, request.model_spec.signature_name) == (MODEL_NAME, SIGNATURE_NAME)
        assert list(request.inputs) == ["fahrenheit"]
        fahrenheit = tf.make_ndarray(request.inputs["fahrenheit"])
        assert fahrenheit.dtype == np.float32
        assert np.all(np.isfinite(convert(fahrenheit)))
        batch_sizes.append(len(fahrenheit))
    assert tuple(batch_sizes) == WARM_UP_BATCH_SIZES


def run_build(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, BUILD_SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_the_committed_model_is_what_the_script_builds(convert: Callable[[Floats], Floats], tmp_path: Path) -> None:
    directory = tmp_path / MODEL_NAME / "1"
    result = run_build("--output", str(directory))
    assert (result.returncode, result.stderr) == (0, "")

    assert signatures_of(directory) == signatures_of(COMMITTED_MODEL)
    fahrenheit = floats_of_every_magnitude()
    np.testing.assert_array_equal(converter(directory)(fahrenheit), convert(fahrenheit))

    def contents(model: Path) -> dict[Path, bytes]:
        return {file.relative_to(model): file.read_bytes() for file in model.rglob("*") if file.is_file()}

    assert contents(directory) == contents(COMMITTED_MODEL)


def test_building_replaces_a_model_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    directory = tmp_path / "2"
    directory.mkdir()
    (directory / "saved_model.pb").write_bytes(b"old")
    (directory / "left-over").touch()
    assert run_build("--output", str(directory)).returncode == 0
    assert [file.name for file in tmp_path.iterdir()] == ["2"]
    assert {file.name for file in directory.iterdir()} == {"assets.extra", "saved_model.pb", "variables"}


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ("v1", "must end in a number, the version, such as fahrenheit_to_celsius/1"),
        ("1", "exists and is not a SavedModel: it won't be replaced"),
        ("file/1", "can't write"),
    ],
)
def test_an_output_that_will_not_do_is_refused_in_a_sentence(output: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "file").touch()
    result = run_build("--output", str(tmp_path / output))
    assert result.returncode != 0
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
