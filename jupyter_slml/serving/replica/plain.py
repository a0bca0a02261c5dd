"""The usual body: JSON lists of numbers. Read fast where it is without mistakes; whatever else is left to `codec`.

Small bodies become lists, which one conversion for the whole batch turns into an array. A large one is read by simdjson
straight into an array: orjson would make an object of every number, which costs three times as much, and pushes the model
out of the processor's cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import simdjson

from jupyter_slml.serving.frames import Question

Array = np.ndarray[Any, Any]

#: Bytes from which simdjson is worth its steps.
LARGE = 4096
#: A parser that read more than that is given up: it keeps what the largest body needed.
KEPT = 4 << 20

_WRAPPED = b'{"instances":'
_parser: Any = simdjson.Parser()


def plain_rows(question: Question) -> list[Any] | Array | None:
    """The rows of a JSON body of lists of numbers; None for any other body. A list is unchecked, an array is a matrix.

    numpy would turn a string such as "1" into a number in silence: hence no quote may be in such a body, but for those
    around `instances`.
    """
    body = question.body
    if question.content_type != "application/json" or body.count(b'"') != (2 if body.startswith(_WRAPPED) else 0):
        return None
    if len(body) >= LARGE and (matrix := _matrix(body)) is not None:
        return matrix
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(data, dict):
        data = data.get("instances")
    # One number too many or too few is seen later, when all rows become one array.
    if isinstance(data, list) and data and isinstance(data[0], list):
        return data
    return None


def _matrix(body: bytes) -> Array | None:
    """A body of at least one row, all of one width and of numbers alone; None for any other."""
    global _parser
    parser = _parser
    if len(body) > KEPT:
        _parser = simdjson.Parser()
    found: Any = None
    rows: Any = None
    try:
        found = parser.parse(body)
        rows = found["instances"] if body.startswith(_WRAPPED) else found
        values = np.frombuffer(rows.as_buffer(of_type="d"))
        count, width = len(rows), len(rows[0])
        # As many brackets as rows, so nothing lies deeper.
        if width and body.count(b"[") == count + 1 and values.size == count * width and {*map(len, rows)} == {width}:
            return values.reshape(count, width)
    except (ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError):
        # Not what it may be; whoever looks at it more closely says why.
        return None
    finally:
        # The parser reads nothing new while somebody holds on to what it read last.
        found = rows = None
    return None
