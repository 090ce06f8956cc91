"""Checks answers against what cases say is right. What a target's answers have in common is worked out once."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from f2c_loadtest.client import shown
from f2c_loadtest.question import WrongAnswerError

Get = Callable[[Any], Any]
"""Returns a part of a document, which is what an answer says; raises LookupError if it is not there."""


# What json.loads does, without its options.
_decode = json.JSONDecoder().decode

NO_LISTS = {dict, str, int, float, bool, type(None)}


class Reader(NamedTuple):
    """How the answers of one form are read."""

    document: Callable[[bytes], Any]
    """Returns what an answer says; raises ValueError."""
    values: Callable[[Any], Sequence[Any]]
    """Returns the values in a document; raises LookupError if they are not there, or ValueError if they are no list."""
    place: str
    """Where they are, for people."""
    where: Callable[[int], str]
    """Where the value with a number is, for people."""
    replica: Get | None
    """Returns what names the replica."""
    show: Callable[[Any], str] = json.dumps
    """Returns a document as text."""


def tokens_of(pointer: str) -> list[str]:
    """Returns the tokens of a JSON pointer (RFC 6901); raises ValueError."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: it begins with /")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def json_getter(pointer: str) -> Get:
    """Returns what follows a pointer in JSON; raises ValueError."""
    steps = [(token, int(token) if re.fullmatch(r"0|[1-9]\d*", token) else None) for token in tokens_of(pointer)]

    def get(document: Any) -> Any:  # noqa: ANN401
        for token, index in steps:
            if type(document) is dict:
                document = document[token]
            elif type(document) is list and index is not None:
                document = document[index]
            else:
                raise LookupError(token)
        return document

    return get


def first_of(getters: list[Get]) -> Get:
    """Returns what gets the first part that is there."""
    if len(getters) == 1:
        return getters[0]

    def get(document: Any) -> Any:  # noqa: ANN401
        for getter in getters:
            try:
                return getter(document)
            except LookupError:
                pass
        raise LookupError

    return get


def json_document(content: bytes) -> Any:  # noqa: ANN401
    """Reads JSON; raises ValueError."""
    try:
        return _decode(content.decode())
    except UnicodeDecodeError:
        raise ValueError("the answer is not JSON, since it is not UTF-8") from None
    except (ValueError, RecursionError):
        # It can't be seen in what is shown of the answer.
        mark = ", since it begins with a byte order mark" * content.startswith(BOM_UTF8)
        raise ValueError(f"the answer is not JSON{mark}") from None


def make_reader(
    document: Callable[[bytes], Any],
    get: Get,
    pointer: str,
    each: Get | None,
    replica: Get | None,
    suffix: str = "",
    show: Callable[[Any], str] = json.dumps,
) -> Reader:
    """Returns how answers are read: one value, or with `each` a list of what has values."""
    place = pointer or "the top"
    if each is None:
        return Reader(document, lambda found: [get(found)], place, lambda _: place, replica, show)

    def values(found: Any) -> Sequence[Any]:  # noqa: ANN401
        items = get(found)
        if type(items) in NO_LISTS:
            raise ValueError(f"there is no list at {place}")
        return items if not suffix else [each(item) for item in items]

    return Reader(document, values, place, lambda number: f"{pointer}/{number}{suffix}", replica, show)


def json_reader(answer: dict[str, Any], are_many: bool) -> Reader:
    """Returns how answers in JSON are read, by the `answer` of a target; raises ValueError."""
    replica = json_getter(answer["replica"]) if answer["replica"] is not None else None
    pointers = answer["many" if are_many else "at"]
    get = first_of([json_getter(pointer) for pointer in pointers])
    each = json_getter(answer["each"]) if are_many else None
    return make_reader(json_document, get, pointers[0], each, replica, answer["each"])


def checker(reader: Reader, expected: list[Any], relative: float, absolute: float) -> Callable[[bytes], str | None]:
    """Returns the `check` of a question.

    A value may differ from what is expected by |expected| · relative + absolute, as in numpy.isclose.
    """
    read, values_of, replica = reader.document, reader.values, reader.replica
    number = len(expected)
    are_numbers = all(_is_number(value) for value in expected)
    tolerances = [relative * abs(value) + absolute for value in expected] if are_numbers else [0.0] * number
    pairs = list(zip(expected, tolerances, strict=True))
    is_exact = not any(tolerances)
    # In Python, True is 1. Elsewhere it is not.
    may_be_truth = are_numbers and any(
        abs(right - truth) <= tolerance for right, tolerance in pairs for truth in (0, 1)
    )
    kinds = {bool} if any(type(value) is bool for value in expected) else {int, float} if may_be_truth else None

    def is_right(values: Sequence[Any]) -> bool:
        if len(values) != number or (kinds and not kinds.issuperset(map(type, values))):
            return False
        if is_exact:
            return bool(values == expected)
        # `all` would cost more.
        for value, (right, tolerance) in zip(values, pairs, strict=True):  # noqa: SIM110
            if not abs(value - right) <= tolerance:
                return False
        return True

    def check(content: bytes) -> str | None:
        try:
            document = read(content)
        except ValueError as error:
            raise WrongAnswerError(str(error), lambda: f"it is {shown(content) or 'empty'}") from None
        try:
            values = values_of(document)
        except (LookupError, ValueError, TypeError) as error:
            # A part of the answer may be of another kind than the pointer goes through.
            message = str(error) if isinstance(error, ValueError) else f"the answer has nothing at {reader.place}"
            raise WrongAnswerError(message, lambda: f"it is {shown(reader.show(document))}") from None
        try:
            named = None if replica is None else str(replica(document))
        except (LookupError, ValueError, TypeError):
            message = "the answer does not name its replica"
            raise WrongAnswerError(message, lambda: f"it is {shown(reader.show(document))}") from None
        try:
            is_wrong = (values != expected or kinds is not None) and not is_right(values)
        except (TypeError, OverflowError):
            # A value is no number, or too large to be compared.
            is_wrong = True
        if is_wrong:
            message, detail = _fault(reader, values, pairs)
            raise WrongAnswerError(message, lambda: f"{detail}; the answer is {shown(reader.show(document))}")
        return named

    return check


def value_of(reader: Reader, is_one: bool, content: bytes) -> Any:  # noqa: ANN401
    """Returns the value in an answer, or the list of values; None if it can't be read."""
    try:
        values = list(reader.values(reader.document(content)))
    except (LookupError, ValueError, TypeError):
        return None
    return values[0] if is_one and len(values) == 1 else values


def _fault(reader: Reader, values: Sequence[Any], pairs: list[tuple[Any, float]]) -> tuple[str, str]:
    """Returns what is wrong with values, for all that are expected with a tolerance.

    The first text has no values; the second tells of the first one that is wrong.
    """
    place = reader.place
    if len(values) != len(pairs):
        few = "few" if len(values) < len(pairs) else "many"
        return f"the answer has too {few} values at {place}", f"{len(values)} in place of {len(pairs)}"
    faults = [not _is_equal(value, *pair) for value, pair in zip(values, pairs, strict=True)]
    first = faults.index(True)
    value, (right, tolerance) = values[first], pairs[first]
    within = f", give or take {tolerance:.3g}," * (tolerance > 0)
    detail = f"{reader.where(first)} is {_text(value)}, and {_text(right)}{within} was expected"
    if _kind(value) != _kind(right):
        return f"a value at {place} is not {_kind(right)}, but {_kind(value)}", detail
    can_be_sorted = sum(faults) > 1 and len({_kind(value) for value in values}) == 1
    if can_be_sorted and all(
        _is_equal(value, *pair) for value, pair in zip(sorted(values), sorted(pairs), strict=True)
    ):
        return f"the values at {place} are in another order", detail
    return f"a value at {place} is wrong", detail


def _is_equal(value: Any, right: Any, tolerance: float) -> bool:  # noqa: ANN401
    if _kind(value) != _kind(right):
        return False
    try:
        return bool(value == right or (_is_number(right) and abs(value - right) <= tolerance))
    except OverflowError:
        return False


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return type(value) in (int, float)


def _kind(value: Any) -> str:  # noqa: ANN401
    """Returns what JSON calls a value."""
    kinds = {int: "a number", float: "a number", str: "a text", bool: "true or false", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "a list")


def _text(value: Any) -> str:  # noqa: ANN401
    return shown(json.dumps(value, default=str, ensure_ascii=False))
