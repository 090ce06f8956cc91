"""Defines the load generator's own users, except that they accept any answer."""

from f2c_loadtest.question import Question
from locustfile import ConversionUser

__all__ = ["ConversionUser"]


def _believe(_question: Question, _content: bytes) -> str | None:
    return None


Question.check = _believe  # type: ignore[method-assign, assignment]
