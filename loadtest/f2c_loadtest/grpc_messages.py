"""Makes messages of gRPC, and reads them, by the descriptors of a service."""

import base64
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    json_format,
    message_factory,
    struct_pb2,
    text_format,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from f2c_loadtest.answers import Get, Reader, first_of, make_reader, tokens_of
from f2c_loadtest.templates import unpack

# Files that everybody has, and descriptors may leave out.
WELL_KNOWN = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
}


class Method:
    """A unary method of a service."""

    def __init__(self, name: str, descriptors: bytes) -> None:
        """Takes its name, such as `price.v1.Prices/Get`, and a FileDescriptorSet; raises ValueError."""
        service, _, method = name.rpartition("/")
        try:
            self._pool = _pool(FileDescriptorSet.FromString(descriptors))
            described = self._pool.FindServiceByName(service).methods_by_name[method]
        except KeyError:
            raise ValueError(f"its descriptors have no method {name}") from None
        except (DecodeError, TypeError) as error:
            raise ValueError(f"its descriptors are no FileDescriptorSet: {error}") from None
        if described.client_streaming or described.server_streaming:
            raise ValueError(f"{name} streams; only methods with one request and one answer can be asked")
        self._request = message_factory.GetMessageClass(described.input_type)
        self._answer = message_factory.GetMessageClass(described.output_type)

    def request(self, content: Any) -> bytes:  # noqa: ANN401
        """Returns the request for what protobuf's JSON form says; raises ValueError, which names the field."""
        try:
            message = json_format.ParseDict(content, self._request(), descriptor_pool=self._pool)
        except (json_format.ParseError, AttributeError) as error:
            raise ValueError(" ".join(str(error).split())) from None
        serialized: bytes = message.SerializeToString()
        return serialized

    def reader(self, answer: dict[str, Any], are_many: bool, sample: Any) -> Reader:  # noqa: ANN401
        """Returns how answers are read, by the `answer` of a target and a value of its column; raises ValueError."""
        pointers = answer["many" if are_many else "at"]
        replica, datatype = answer["replica"], answer["datatype"]
        root = self._answer.DESCRIPTOR

        def end(pointer: str, field: Any, is_item: bool) -> list[Get]:  # noqa: ANN401
            is_list = are_many and pointer in pointers
            return _converters(
                field, sample, datatype, is_list, field is not None and field.is_repeated and not is_item
            )

        getters, fields = zip(
            *(_getter(root, pointer, pointer != pointers[-1], end) for pointer in pointers), strict=True
        )
        each = None
        if are_many:
            element = next((field.message_type for field in fields if field is not None and field.message_type), None)
            for pointer, field in zip(pointers, fields, strict=True):
                if field is None or not (field.is_repeated or (field.type == field.TYPE_BYTES and datatype)):
                    raise ValueError(f"{pointer!r} is no list of values")
            each = _getter(element, answer["each"], False, end)[0] if answer["each"] else lambda item: item
        return make_reader(
            self._document,
            first_of(list(getters)),
            pointers[0],
            each,
            None if replica is None else _getter(root, replica, False, end)[0],
            answer["each"],
            _show,
        )

    def _document(self, content: bytes) -> Any:  # noqa: ANN401
        try:
            return self._answer.FromString(content)
        except DecodeError:
            raise ValueError("the answer is not the message that the descriptors say") from None


def _pool(files: FileDescriptorSet) -> Any:  # noqa: ANN401
    """Returns a pool of these files, and of the well-known ones that they need; raises ValueError or TypeError."""
    given = {file.name: file for file in files.file}
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(name: str) -> None:
        if name in added:
            return
        added.add(name)
        file = given.get(name)
        if file is None:
            if name not in WELL_KNOWN:
                raise ValueError(f"its descriptors need {name}, which they lack (protoc --include_imports)")
            WELL_KNOWN[name].CopyToProto(file := FileDescriptorProto())
        for dependency in file.dependency:
            add(dependency)
        pool.Add(file)

    for name in given:
        add(name)
    return pool


End = Callable[[str, Any, bool], list[Get]]


def _getter(message: Any, pointer: str, may_be_empty: bool, end: End) -> tuple[Get, Any]:  # noqa: ANN401
    """Returns what follows a pointer through the fields of a message, and the field at its end; raises ValueError.

    An empty field is not there if another one is to be tried.
    """
    steps: list[Callable[[Any], Any]] = []
    field: Any = None
    is_item = False
    tokens = tokens_of(pointer)
    while tokens:
        token = tokens.pop(0)
        if message is None:
            raise ValueError(f"{pointer!r} goes on after a value, at {token}")
        field = message.fields_by_name.get(token)
        if field is None:
            names = ", ".join(message.fields_by_name) or "none"
            raise ValueError(f"{pointer!r}: {message.full_name} has no field {token}; its fields: {names}")
        message, is_item = field.message_type, False
        steps.append(_field(field, may_be_empty and not tokens))
        if field.is_repeated and tokens:
            key = tokens.pop(0)
            if message is not None and message.GetOptions().map_entry:
                steps.append(_entry(message.fields_by_name["key"], key))
                field = message.fields_by_name["value"]
                message = field.message_type
            else:
                steps.append(_item(pointer, key))
                is_item = True
    steps += end(pointer, field, is_item)

    def get(found: Any) -> Any:  # noqa: ANN401
        for step in steps:
            found = step(found)
        return found

    return get, field


def _field(field: Any, needs_content: bool) -> Get:  # noqa: ANN401
    name = field.name
    if field.has_presence:

        def get(message: Any) -> Any:  # noqa: ANN401
            if not message.HasField(name):
                raise LookupError(name)
            return getattr(message, name)

        return get
    if not needs_content:
        return attrgetter(name)

    def get_content(message: Any) -> Any:  # noqa: ANN401
        value = getattr(message, name)
        if not value:
            raise LookupError(name)
        return value

    return get_content


def _entry(field: Any, text: str) -> Get:  # noqa: ANN401
    is_text = field.type == field.TYPE_STRING
    key: Any = text if is_text else {"true": True, "false": False}.get(text) if text.isalpha() else int(text)

    def get(entries: Any) -> Any:  # noqa: ANN401
        # Indexing would add a missing message.
        value = entries.get(key)
        if value is None:
            raise LookupError(text)
        return value

    return get


def _item(pointer: str, text: str) -> Get:
    if not text.isdecimal():
        raise ValueError(f"{pointer!r}: {text!r} is no number in a list")
    index = int(text)
    return lambda items: items[index]


def _converters(field: Any, sample: Any, datatype: str | None, is_list: bool, is_repeated: bool) -> list[Get]:  # noqa: ANN401
    """Returns what makes a value, or all of a list, comparable with those of a column, if something must."""
    if field is not None and field.type == field.TYPE_BYTES:
        if datatype is None:
            one: Callable[[Any], Any] = lambda value: base64.b64encode(value).decode()  # noqa: E731
        else:
            read = unpack(datatype)
            if is_list and not is_repeated:
                return [read]
            one = lambda value: _only(read(value))  # noqa: E731
    elif field is not None and field.type == field.TYPE_ENUM and isinstance(sample, str):
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        one = lambda value: names.get(value, value)  # noqa: E731
    else:
        return []
    return [(lambda values: [one(value) for value in values]) if is_list and is_repeated else one]


def _only(values: list[Any]) -> Any:  # noqa: ANN401
    if len(values) != 1:
        raise ValueError("the bytes of the answer are not one value")
    return values[0]


def _show(message: Any) -> str:  # noqa: ANN401
    text: str = text_format.MessageToString(message, as_one_line=True)
    return text
