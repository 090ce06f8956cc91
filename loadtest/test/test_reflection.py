"""Checks that a server tells its own descriptors: one in Go, and one of the older version, which sends file by file."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from records import PREDICT, made_up, message
from running import PACKAGE_ROOT

from f2c_loadtest import reflection
from f2c_loadtest.client import RequestError
from f2c_loadtest.settings import SettingsError

HEALTH = {"grpc": "grpc.health.v1.Health/Check", "ask": {}, "answer": {"at": ["/status"], "is": "status"}}


def test_a_server_in_go_tells_its_descriptors(tmp_path: Path) -> None:
    program = tmp_path / "server"
    subprocess.run(["go", "-C", PACKAGE_ROOT / "test" / "go-server", "build", "-o", program], check=True)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([program, "-reflection"], **pipes) as process:
        assert process.stdin
        assert process.stdout
        host = f"http://{process.stdout.readline().strip()}"
        target = made_up(tmp_path, {"status": ["SERVING"]}, HEALTH, host)
        assert target.reflected
        asked = target.ask(target.cases)
        asked.check(target.client(host).ask(asked.request.encode(host, is_last=True)))
        with pytest.raises(RequestError, match=r"the server.s reflection does not know a\.B"):
            made_up(tmp_path, {"status": ["SERVING"]}, {**HEALTH, "grpc": "a.B/C"}, host)
        with pytest.raises(SettingsError, match="streams; only methods with one request and one answer can be asked"):
            made_up(tmp_path, {"status": ["SERVING"]}, {**HEALTH, "grpc": "grpc.health.v1.Health/Watch"}, host)
        process.stdin.close()


class FileByFile(grpc.GenericRpcHandler):
    """Knows only v1alpha, and sends of what is asked for only the file itself."""

    def __init__(self, files: list[FileDescriptorProto]) -> None:
        """Takes the files, of which the first has the service."""
        self.files = {file.name: file for file in files}
        self.first = files[0].name

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Serves reflection."""
        if handler_call_details.method != "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo":
            return None
        return grpc.stream_stream_rpc_method_handler(
            self._answer, reflection._Request.FromString, reflection._Answer.SerializeToString
        )

    def _answer(self, requests: Iterator[Any], _context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            file = self.files[request.file_by_filename or self.first]
            yield reflection._Answer(files={"files": [file.SerializeToString()]})


def test_a_server_of_the_older_version_that_sends_file_by_file(tmp_path: Path) -> None:
    (whole,) = FileDescriptorSet.FromString(PREDICT).file
    service = FileDescriptorProto(name="service.proto", package=whole.package, syntax="proto3", service=whole.service)
    service.dependency.append(whole.name)
    del whole.service[:]
    server = grpc.server(ThreadPoolExecutor(1), [FileByFile([service, whole])])
    host = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        answer = {"at": ["/outputs/o/dtype"], "is": "kind"}
        members = {"grpc": "tensorflow.serving.PredictionService/Predict", "ask": {}, "answer": answer}
        target = made_up(tmp_path, {"kind": ["DT_FLOAT"]}, members, host)
        right = message("PredictResponse")(outputs={"o": message("TensorProto")(dtype=1)})
        target.ask(target.cases).check(right.SerializeToString())
    finally:
        server.stop(grace=None).wait()


def test_a_server_without_reflection(tmp_path: Path) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    host = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with pytest.raises(
            RequestError, match=r"has no reflection, so that grpc\.health\.v1\.Health needs descriptors"
        ):
            made_up(tmp_path, {"status": ["SERVING"]}, HEALTH, host)
    finally:
        server.stop(grace=None).wait()
