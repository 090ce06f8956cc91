"""Asks a server for the descriptors of a service (https://grpc.io/docs/guides/reflection/)."""

from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from f2c_loadtest.client import Client, RequestError, shown
from f2c_loadtest.grpc_client import GrpcRequest

VERSIONS = ("v1", "v1alpha")

# What is needed of grpc/reflection/v1/reflection.proto, with its numbers; those of v1alpha are the same.
_FILE = {
    "name": "f2c_loadtest/reflection.proto",
    "package": "f2c_loadtest",
    "messageType": [
        {"name": "Request", "field": [
            {"name": "file_by_filename", "number": 3, "type": "TYPE_STRING"},
            {"name": "file_containing_symbol", "number": 4, "type": "TYPE_STRING"},
        ]},
        {"name": "Files", "field": [{"name": "files", "number": 1, "type": "TYPE_BYTES", "label": "LABEL_REPEATED"}]},
        {"name": "Error", "field": [{"name": "message", "number": 2, "type": "TYPE_STRING"}]},
        {"name": "Answer", "field": [
            {"name": "files", "number": 4, "type": "TYPE_MESSAGE", "typeName": ".f2c_loadtest.Files"},
            {"name": "error", "number": 7, "type": "TYPE_MESSAGE", "typeName": ".f2c_loadtest.Error"},
        ]},
    ],
}  # fmt: skip


def _messages() -> tuple[Any, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(json_format.ParseDict(_FILE, FileDescriptorProto()))
    request, answer = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"f2c_loadtest.{name}"))
        for name in ("Request", "Answer")
    )
    return request, answer


_Request, _Answer = _messages()


def descriptors(service: str, client_of: Callable[[str], Client]) -> bytes:
    """Returns a FileDescriptorSet with a service and all that it needs; raises OSError or RequestError.

    `client_of` makes a client of the server for the path of a method.
    """
    for version in VERSIONS:
        client = client_of(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
        try:
            return _all_files(service, client)
        except RequestError as error:
            if "UNIMPLEMENTED" not in str(error):
                raise
        finally:
            client.close()
    raise RequestError(f"the server has no reflection, so that {service} needs descriptors")


def _all_files(service: str, client: Client) -> bytes:
    files: dict[str, FileDescriptorProto] = {}
    missing = _ask(client, file_containing_symbol=service)
    while missing:
        files |= {file.name: file for file in missing}
        # Some servers send what a file imports as well, and others only the file.
        imported = {name for file in missing for name in file.dependency} - files.keys()
        missing = [file for name in sorted(imported) for file in _ask(client, file_by_filename=name)]
    return bytes(FileDescriptorSet(file=files.values()).SerializeToString())


def _ask(client: Client, **question: str) -> list[FileDescriptorProto]:
    request = GrpcRequest(_Request(**question).SerializeToString())
    answer = _Answer.FromString(client.ask(request.encode("", is_last=False)))
    if answer.HasField("error"):
        (name,) = question.values()
        raise RequestError(f"the server's reflection does not know {name}", lambda: shown(answer.error.message))
    return [FileDescriptorProto.FromString(file) for file in answer.files.files]
