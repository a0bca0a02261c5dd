"""One batch: decode every body, predict once, encode every answer; a body that is wrong fails alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from jupyter_slml.errors import Invalid, ModelError, SlmlError
from jupyter_slml.serving.frames import Question, Reply
from jupyter_slml.serving.replica import codec
from jupyter_slml.serving.replica.predictors import Predictor

log = logging.getLogger("slml.replica")

Array = np.ndarray[Any, Any]


class Answerer:
    """Holds a predictor and the shape of its rows. One per replica; used by its data thread alone."""

    def __init__(self, predictor: Predictor, columns: codec.Columns) -> None:
        self._predictor = predictor
        self._columns = columns

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply per question, in order. Never raises."""
        replies: list[Reply | None] = [None] * len(questions)
        plain: list[int] = []
        rows: list[Any] = []
        ends: list[int] = []
        others: list[int] = []
        for index, question in enumerate(questions):
            found = plain_rows(question)
            if found is None:
                others.append(index)
            else:
                rows += found
                plain.append(index)
                ends.append(len(rows))
        if rows and self._answer_plain(questions, plain, rows, ends, replies):
            plain = []
        self._answer_carefully(questions, sorted(plain + others), replies)
        return [reply for reply in replies if reply is not None]

    def _answer_plain(
        self,
        questions: Sequence[Question],
        indices: list[int],
        rows: list[Any],
        ends: list[int],
        replies: list[Reply | None],
    ) -> bool:
        """The usual case: all bodies are matrices without mistakes. One conversion, one prediction; False if not so."""
        columns = self._columns
        try:
            array = np.array(rows, dtype=self._predictor.dtype)
            if array.ndim != 2 or array.shape[1] == 0 or columns.width not in (None, array.shape[1]):
                return False
            answers = codec.Answers(self._predict(array))
            start = 0
            for index, end in zip(indices, ends, strict=True):
                accept = questions[index].accept
                as_csv = accept not in _JSON_ACCEPTED and codec.wants_csv(accept)
                replies[index] = Reply(200, *answers.encode(start, end, as_csv))
                start = end
        except Exception:
            # Some body is wrong, or the model refused some row: each is looked at by itself, which names the mistake.
            return False
        return True

    def _answer_carefully(self, questions: Sequence[Question], indices: list[int], replies: list[Reply | None]) -> None:
        """Every other case: each body is read by itself, which names its mistake; those without are predicted together."""
        good: list[tuple[int, bool, Array]] = []
        for index in indices:
            question = questions[index]
            try:
                as_csv = codec.wants_csv(question.accept)
                rows = codec.decode(question.body, question.content_type, self._columns, self._predictor.dtype)
            except SlmlError as error:
                replies[index] = _refusal(error)
            else:
                good.append((index, as_csv, rows))
        if len(good) > 1:
            try:
                together = codec.Answers(self._predict(np.concatenate([rows for _, _, rows in good])))
                start = 0
                for index, as_csv, rows in good:
                    replies[index] = Reply(200, *together.encode(start, start + len(rows), as_csv))
                    start += len(rows)
                return
            except Exception as error:
                # The model refused somebody's rows; whose, the next lines find out.
                log.debug("a batch of %d failed: %s", len(good), error)
        for index, as_csv, rows in good:
            replies[index] = self._predict_one(rows, as_csv)

    def _predict_one(self, rows: Array, as_csv: bool) -> Reply:
        try:
            return Reply(200, *codec.Answers(self._predict(rows)).encode(0, len(rows), as_csv))
        except SlmlError as error:
            return _refusal(error)
        except (ValueError, TypeError) as error:
            # What models raise for values they do not take: NaN where none is allowed, a category they never saw.
            return _refusal(Invalid(f"The model refused the rows: {_first_line(error)}", field="instances"))
        except Exception as error:
            log.exception("the model raised")
            return _refusal(ModelError(f"The model raised {type(error).__name__}: {_first_line(error)}"))

    def _predict(self, array: Array) -> Array:
        predictions = self._predictor.predict(array)
        if len(predictions) != len(array):
            raise ModelError(f"The model gave {len(predictions)} predictions for {len(array)} rows.")
        return np.ascontiguousarray(predictions)


_JSON_ACCEPTED = frozenset({"", "*/*", "application/json"})
_WRAPPED = b'{"instances":'


def plain_rows(question: Question) -> list[Any] | None:
    """The rows of a JSON body of lists of numbers, unchecked; None for any other body.

    numpy would turn a string such as "1" into a number in silence: hence no quote may be in such a body, but for those
    around `instances`.
    """
    body = question.body
    if question.content_type != "application/json" or body.count(b'"') != (2 if body.startswith(_WRAPPED) else 0):
        return None
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


def _refusal(error: SlmlError) -> Reply:
    return Reply(error.status, codec.JSON, orjson.dumps(error.to_wire(), default=str))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # xgboost puts the place in its C++ source first: "[05:12:01] /workspace/src/learner.cc:123: Check failed: …"
    return lines[0].rpartition(".cc:")[2].partition(": ")[2][:300] if ".cc:" in lines[0] else lines[0][:300]
