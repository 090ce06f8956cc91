"""Builds the SavedModel that TensorFlow Serving serves. README.md explains how to run this script."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

# The functions below import TensorFlow themselves, so that --help need not wait for it.

MODEL_NAME = "fahrenheit_to_celsius"
SIGNATURE_NAME = "serving_default"
COMMITTED_MODEL = Path(__file__).parent / MODEL_NAME / "1"
WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
WARM_UP_BATCH_SIZES = (1, 10, 100)


def save_model(directory: Path) -> None:
    """Saves the graph, with one signature: float32 fahrenheit [batch] to float32 celsius [batch]."""
    import tensorflow as tf

    def convert(fahrenheit: tf.Tensor) -> dict[str, tf.Tensor]:
        # There is one factor, because the product in "* 5 / 9" could overflow.
        return {"celsius": (fahrenheit - 32.0) * (5.0 / 9.0)}

    module = tf.Module()
    batch = tf.TensorSpec([None], tf.float32, name="fahrenheit")
    module.convert = tf.function(convert, input_signature=[batch], autograph=False)
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE_NAME: module.convert})
    # Both are optional. The first has a random UUID, and the second is an empty directory, which git does not keep.
    (directory / "fingerprint.pb").unlink()
    (directory / "assets").rmdir()


def write_warm_up_requests(file: Path) -> None:
    """Writes the warm-up requests that TensorFlow Serving sends itself before it reports the model as available."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for batch_size in WARM_UP_BATCH_SIZES:
            request = PredictRequest()
            request.model_spec.name = MODEL_NAME
            request.model_spec.signature_name = SIGNATURE_NAME
            values = np.linspace(32, 212, batch_size, dtype=np.float32)
            request.inputs["fahrenheit"].CopyFrom(tf.make_tensor_proto(values))
            log = PredictionLog(predict_log=PredictLog(request=request))
            writer.write(log.SerializeToString(deterministic=True))


def build(directory: Path) -> None:
    """Builds the model, and then replaces the contents of the directory with it."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".build-") as temporary:
        built = Path(temporary, "model")
        save_model(built)
        write_warm_up_requests(built / WARM_UP_FILE)
        if directory.exists():
            shutil.rmtree(directory)
        built.rename(directory)


def version_directory(text: str) -> Path:
    """Checks --output: TensorFlow Serving accepts as versions only directories whose name is a number."""
    path = Path(text).absolute()
    if not (path.name.isascii() and path.name.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} must end in a number, the version, such as {MODEL_NAME}/1")
    if path.exists() and not (path / "saved_model.pb").is_file():
        raise argparse.ArgumentTypeError(f"{text} exists and is not a SavedModel: it won't be replaced")
    return path


def main() -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(
        description="Builds the Fahrenheit to Celsius SavedModel, with warm-up requests for TensorFlow Serving.",
        epilog="example: python model/build_model.py --output /tmp/models/fahrenheit_to_celsius/1",
    )
    parser.add_argument(
        "--output",
        type=version_directory,
        default=COMMITTED_MODEL,
        metavar="DIRECTORY",
        help=f"where to write the model: a directory with a version number as its name (default: model/{MODEL_NAME}/1)",
    )
    directory: Path = parser.parse_args().output
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides messages about missing GPUs; failures still raise
    try:
        build(directory)
    except ImportError as error:
        print(f"build_model.py: {error}; install model/requirements.txt first.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"build_model.py: can't write {directory}: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    print(f"Built {directory}: {size} bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
