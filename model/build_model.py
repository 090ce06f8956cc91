"""Builds the SavedModel that TensorFlow Serving serves; README.md tells how to run this."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

# TensorFlow is imported where it is used: --help needn't wait for it.

MODEL_NAME = "fahrenheit_to_celsius"
SIGNATURE_NAME = "serving_default"
COMMITTED_MODEL = Path(__file__).parent / MODEL_NAME / "1"
WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
WARM_UP_BATCH_SIZES = (1, 10, 100)


def save_model(directory: Path) -> None:
    """Saves the graph, with one signature: float32 fahrenheit [batch] to float32 celsius [batch]."""
    import tensorflow as tf

    def convert(fahrenheit: tf.Tensor) -> dict[str, tf.Tensor]:
        # One factor, as TensorFlow's graph optimiser would make it of "* 5 / 9", whose product could overflow.
        return {"celsius": (fahrenheit - 32.0) * (5.0 / 9.0)}

    module = tf.Module()
    batch = tf.TensorSpec([None], tf.float32, name="fahrenheit")
    module.convert = tf.function(convert, input_signature=[batch], autograph=False)
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE_NAME: module.convert})
    # Both optional: one holds something random (a uuid), the other nothing, and git keeps no empty directories.
    (directory / "fingerprint.pb").unlink()
    (directory / "assets").rmdir()


def write_warm_up_requests(file: Path) -> None:
    """Writes the requests that TensorFlow Serving sends itself before it calls the model available."""
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
    """Builds the model, then puts it in the place of what the directory held."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".build-") as temporary:
        built = Path(temporary, "model")
        save_model(built)
        write_warm_up_requests(built / WARM_UP_FILE)
        if directory.exists():
            shutil.rmtree(directory)
        built.rename(directory)


def version_directory(text: str) -> Path:
    """Checks a --output: TensorFlow Serving takes only directories whose name is a number for versions."""
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
        help=f"where to put it, a directory named by a version number (default: model/{MODEL_NAME}/1)",
    )
    directory: Path = parser.parse_args().output
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no word about absent GPUs; what fails, raises
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
