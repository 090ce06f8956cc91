"""Fills cases into the templates of requests, in which a string such as `{sku}` stands for the values of a column."""

import base64
import json
import re
import struct
from collections.abc import Callable
from typing import Any

from uritemplate import URITemplate

from f2c_loadtest.question import Cases, choose, length

# The datatypes of the Open Inference Protocol that have a fixed size, as `struct` calls them.
DATATYPES = {
    **{"BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"},
    **{"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d"},
}
PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
COUNT, EACH = "#", "{*}"


class TemplateError(Exception):
    """Says without a full stop what is wrong with a template, or with a value for it."""


def pack(datatype: str, values: list[Any]) -> bytes:
    """Returns values as little-endian bytes; raises TemplateError."""
    try:
        return struct.pack(f"<{len(values)}{DATATYPES[datatype]}", *values)
    except KeyError:
        raise TemplateError(f"{datatype} is no datatype; there are {', '.join(DATATYPES)}") from None
    except (struct.error, OverflowError) as error:
        raise TemplateError(f"a value can't be written as {datatype}: {error}") from None


def unpack(datatype: str) -> Callable[[bytes], list[Any]]:
    """Returns what reads values from little-endian bytes, and raises ValueError if they are not whole."""
    letter = DATATYPES[datatype]
    size = struct.calcsize(f"<{letter}")

    def read(content: bytes) -> list[Any]:
        if len(content) % size:
            raise ValueError(f"the bytes of the answer are no whole number of {datatype}")
        return list(struct.unpack(f"<{len(content) // size}{letter}", content))

    return read


def fill(template: Any, cases: Cases, are_many: bool) -> Any:  # noqa: ANN401
    """Returns the JSON that a template stands for; raises TemplateError.

    A column stands for its only value, or where cases are asked together for the list of all values.
    """
    if isinstance(template, list):
        return [fill(item, cases, are_many) for item in template]
    if isinstance(template, dict):
        if are_many and list(template) == [EACH]:
            each = template[EACH]
            return [fill(each, choose(cases, [number]), are_many=False) for number in range(length(cases))]
        return {name: fill(item, cases, are_many) for name, item in template.items()}
    match = PLACEHOLDER.fullmatch(template) if isinstance(template, str) else None
    if not match:
        return template
    name, datatype = match.groups()
    if name == COUNT:
        return length(cases)
    values = column(cases, name)
    if datatype is not None:
        return base64.b64encode(pack(datatype, values)).decode()
    return values if are_many else values[0]


def expand(path: str, cases: Cases, are_many: bool) -> str:
    """Returns the path that a URI template (RFC 6570) stands for; raises TemplateError."""
    template = URITemplate(path)
    texts = {name: [_text(value) for value in column(cases, name)] for name in template.variable_names}
    return template.expand({name: values if are_many else values[0] for name, values in texts.items()})


def column(cases: Cases, name: str) -> list[Any]:
    """Returns the values of a column; raises TemplateError."""
    if name not in cases:
        raise TemplateError(f"the cases have no column {name}; they have {', '.join(cases)}")
    return cases[name]


def _text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else json.dumps(value)
