"""Gives tests the targets of a record: of the built-in one, or of one that a test makes up."""

import base64
import json
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from f2c_loadtest.question import Cases
from f2c_loadtest.settings import BUILT_IN_RECORD
from f2c_loadtest.targets import Target, load

_built_in = json.loads(BUILT_IN_RECORD.read_text(encoding="utf-8"))
PREDICT = base64.b64decode(_built_in["targets"]["tfserving-grpc"]["descriptors"])
"""The FileDescriptorSet of TensorFlow Serving's PredictionService."""

_pool = descriptor_pool.DescriptorPool()
for _file in FileDescriptorSet.FromString(PREDICT).file:
    _pool.Add(_file)


def message(name: str) -> Any:  # noqa: ANN401
    """Returns the class of one of TensorFlow Serving's messages."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))


def built_in(key: str) -> Target:
    """Returns a target of the built-in record."""
    return load(str(BUILT_IN_RECORD), key, "")


def write_record(folder: Path, cases: Cases, **targets: Any) -> Path:  # noqa: ANN401
    """Writes a record, whose targets have - in place of _ in their keys."""
    file = folder / "record.json"
    members = {key.replace("_", "-"): target for key, target in targets.items()}
    file.write_text(json.dumps({"cases": cases, "targets": members}), encoding="utf-8")
    load.cache_clear()
    return file


def made_up(folder: Path, cases: Cases, target: dict[str, Any], host: str = "") -> Target:
    """Returns the only target of a record."""
    return load(str(write_record(folder, cases, it=target)), "it", host)


def in_base64(content: bytes) -> str:
    """Returns content as JSON holds it."""
    return base64.b64encode(content).decode()
