"""One batch: decode every body, predict once, encode every answer; a body that is wrong fails alone."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import orjson

from jupyter_slml.errors import BadRequest, Invalid, ModelError, SlmlError
from jupyter_slml.predictors.predictor import Handler, Predictor
from jupyter_slml.serving.frames import Question, Reply
from jupyter_slml.serving.replica import codec
from jupyter_slml.serving.replica.answers import JSON, Answers, accepted
from jupyter_slml.serving.replica.columns import Columns
from jupyter_slml.serving.replica.matrix import Matrix
from jupyter_slml.serving.replica.plain import plain_rows

log = logging.getLogger("slml.replica")

Array = np.ndarray[Any, Any]


class Answerer:
    """Answers with a predictor whose rows have these columns, or with handlers that take each body as it is.

    One per replica; used by its data thread alone.
    """

    def __init__(self, predictor: Predictor | Handler, columns: Columns) -> None:
        self._columns = columns
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: Callable[[bytes, str, str], Any] | None = getattr(predictor, "handle", None)
        if self._handle is None:
            self._predictor: Predictor = predictor  # type: ignore[assignment]
            self._target: Any = codec.target(self._predictor.dtype)
            # Integers are checked one by one: numpy would cut 1.5 to 1 in silence.
            self._plain = self._predictor.dtype in ("float32", "float64")

    @property
    def takes_rows(self) -> bool:
        """Whether bodies are read here, and not by the model's own handlers."""
        return self._handle is None

    @property
    def sample_is(self) -> str:
        """What the values of `sample` are."""
        return "zeros" if isinstance(self._target, Matrix) else "values like the training's"

    def sample(self) -> None:
        """Predict one made-up row, and write the answer. Raises what the model raises."""
        predictions = self._predict(self._target.join([self._target.sample(self._columns)]), 1)
        Answers(predictions, self._columns.classes).encode(0, 1, JSON)

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply per question, in order. Never raises."""
        if self._handle is not None:
            return self._answer_each(self._handle, questions)
        replies: list[Reply | None] = [None] * len(questions)
        plain: list[int] = []
        rows: list[Any] = []
        large: dict[int, Array] = {}
        ends: list[int] = []
        others: list[int] = []
        for index, question in enumerate(questions):
            found = plain_rows(question) if self._plain else None
            if found is None:
                others.append(index)
            elif isinstance(found, list):
                rows += found
                plain.append(index)
                ends.append(len(rows))
            else:
                large[index] = found
        for index, block in large.items():
            plain.append(index)
            ends.append(len(block) + (ends[-1] if ends else 0))
        if plain and self._answer_plain(questions, plain, rows, list(large.values()), ends, replies):
            plain = []
        self._answer_carefully(questions, sorted(plain + others), replies)
        return [reply for reply in replies if reply is not None]

    # rows

    def _answer_plain(
        self,
        questions: Sequence[Question],
        indices: list[int],
        rows: list[Any],
        blocks: list[Array],
        ends: list[int],
        replies: list[Reply | None],
    ) -> bool:
        """The usual case: all bodies are matrices without mistakes. One prediction for the rows and then the blocks; False
        if not so."""
        columns, dtype = self._columns, self._predictor.dtype
        try:
            pieces = [np.array(rows, dtype=dtype), *blocks] if rows else blocks
            array = np.concatenate(pieces, dtype=dtype, casting="unsafe") if blocks else pieces[0]
            if array.ndim != 2 or array.shape[1] == 0 or columns.width not in (None, array.shape[1]):
                return False
            answers = Answers(self._predict(array, len(array)), columns.classes)
            start = 0
            for index, end in zip(indices, ends, strict=True):
                accept = questions[index].accept
                kind = JSON if accept in _JSON_ACCEPTED else accepted(accept)
                replies[index] = Reply(200, *answers.encode(start, end, kind))
                start = end
        except BaseException:
            # Some body is wrong, or the model refused some row: each is looked at by itself, which names the mistake.
            return False
        return True

    def _answer_carefully(self, questions: Sequence[Question], indices: list[int], replies: list[Reply | None]) -> None:
        """Every other case: each body is read by itself, which names its mistake; those without are predicted together."""
        good: list[tuple[int, bytes, Any]] = []
        for index in indices:
            question = questions[index]
            try:
                kind = accepted(question.accept)
                rows = codec.decode(question.body, question.content_type, self._columns, self._predictor.dtype)
            except SlmlError as error:
                replies[index] = _refusal(error)
            except Exception as error:
                # Never the model's fault and never a 5xx: whatever it is, the body brought it about.
                log.exception("a body could not be read")
                replies[index] = _refusal(BadRequest(f"The body cannot be read: {first_line(error)}.", field="body"))
            else:
                good.append((index, kind, rows))
        if len(good) > 1:
            try:
                count = sum(len(rows) for _, _, rows in good)
                found = self._predict(self._target.join([rows for _, _, rows in good]), count)
                together = Answers(found, self._columns.classes)
                start = 0
                for index, kind, rows in good:
                    replies[index] = Reply(200, *together.encode(start, start + len(rows), kind))
                    start += len(rows)
                return
            except BaseException as error:
                # The model refused somebody's rows; whose, the next lines find out.
                log.debug("a batch of %d failed: %s", len(good), error)
        for index, kind, rows in good:
            replies[index] = self._predict_one(rows, kind)

    def _predict_one(self, rows: Any, kind: bytes) -> Reply:
        try:
            answers = Answers(self._predict(self._target.join([rows]), len(rows)), self._columns.classes)
        except BaseException as error:
            return _failure(error, "The model refused the rows")
        try:
            return Reply(200, *answers.encode(0, len(rows), kind))
        except SlmlError as error:
            return _refusal(error)
        except Exception as error:
            log.exception("predictions could not be written")
            return _refusal(ModelError(f"The model's predictions cannot be written: {first_line(error)}"))

    def _predict(self, rows: Any, count: int) -> Array:
        predictions = self._predictor.predict(rows)
        if inspect.isawaitable(predictions):
            predictions = self._await(predictions)
        predictions = np.ascontiguousarray(predictions)
        if len(predictions) != count:
            raise ModelError(f"The model gave {len(predictions)} predictions for {count} rows.")
        return predictions

    # handlers

    def _answer_each(self, handle: Callable[[bytes, str, str], Any], questions: Sequence[Question]) -> list[Reply]:
        """Each body as it came; coroutines at the same time."""
        found: list[Any] = []
        for question in questions:
            try:
                found.append(handle(question.body, question.content_type, question.accept))
            except BaseException as error:
                found.append(_failure(error, "The handlers refused the request"))
        if any(inspect.isawaitable(one) for one in found):
            found = self._await(_all(found))
        return [one if isinstance(one, Reply) else _handled(one) for one in found]

    def _await(self, work: Awaitable[Any]) -> Any:
        """Run a coroutine on a loop that lives as long as the replica: a model's connections may be bound to it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(work)


async def _all(found: list[Any]) -> list[Any]:
    return list(await asyncio.gather(*(_one(item) for item in found)))


async def _one(item: Any) -> Any:
    try:
        return await item if inspect.isawaitable(item) else item
    except BaseException as error:
        return _failure(error, "The handlers refused the request")


def _handled(found: Any) -> Reply:
    """What handlers gave: `(body, content type)`."""
    try:
        body, content_type = found
        data = body.encode() if isinstance(body, str) else bytes(memoryview(body))
        kind = str(content_type).encode("latin-1")
        if not 0 < len(kind) < 256 or any(byte < 32 or byte > 126 for byte in kind):
            raise ValueError("a content type that is none")
    except (TypeError, ValueError) as error:
        return _refusal(ModelError(f"The handlers gave no body with a content type: {first_line(error)}"))
    return Reply(200, kind, data)


_JSON_ACCEPTED = frozenset({"", "*/*", "application/json"})


def _failure(error: BaseException, what: str) -> Reply:
    """What the model or its handlers raised, which may be anything."""
    if isinstance(error, SlmlError):
        return _refusal(error)
    if isinstance(error, (ValueError, TypeError)):
        # What models raise for values they do not take: NaN where none is allowed, a category they never saw.
        return _refusal(Invalid(f"{what}: {first_line(error)}", field="instances"))
    log.error("the model raised", exc_info=error)
    return _refusal(ModelError(f"The model raised {type(error).__name__}: {first_line(error)}"))


def _refusal(error: SlmlError) -> Reply:
    return Reply(error.status, JSON, orjson.dumps(error.to_wire(), default=str))


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # xgboost puts the place in its C++ source first: "[05:12:01] /workspace/src/learner.cc:123: Check failed: …"
    return lines[0].rpartition(".cc:")[2].partition(": ")[2][:300] if ".cc:" in lines[0] else lines[0][:300]
