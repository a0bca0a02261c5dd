"""Large bodies of numbers: read fast, to the same values and the same mistakes as small ones."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from jupyter_slml.serving.frames import Question
from jupyter_slml.serving.replica.batch import Answerer
from jupyter_slml.serving.replica.columns import Columns
from jupyter_slml.serving.replica.plain import KEPT, LARGE, plain_rows

ROWS = np.random.default_rng(3).normal(size=(200, 3)).round(6)


class Sums:
    dtype = "float32"

    def predict(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert rows.dtype == np.float32
        return np.asarray(rows.sum(axis=1))


def question(rows: Any, kind: str = "application/json") -> Question:
    body = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    return Question(kind, "", body)


def padded(start: bytes, end: bytes = b"]") -> bytes:
    """A body that begins in an odd way and is otherwise large and fine."""
    body = start + b",".join(b"[1,2,3]" for _ in range(LARGE // 7)) + end
    assert len(body) >= LARGE
    return body


def test_a_large_body_has_the_values_of_a_small_one() -> None:
    for body in (ROWS.tolist(), {"instances": ROWS.tolist()}):
        found = plain_rows(question(json.dumps(body, separators=(",", ":")).encode()))
        assert isinstance(found, np.ndarray)
        assert np.array_equal(found.astype("float32"), np.array(ROWS.tolist(), dtype="float32"))
    whole = plain_rows(question([[2**53, -1, 0]] * 500))
    assert isinstance(whole, np.ndarray) and whole[0].tolist() == [2.0**53, -1.0, 0.0]
    assert isinstance(plain_rows(question([[1.5, 2, 3]])), list)


def test_the_parser_reads_on_after_a_huge_body() -> None:
    huge = plain_rows(question(np.zeros((KEPT // 12, 3)).tolist()))
    again = plain_rows(question(ROWS.tolist()))
    assert isinstance(huge, np.ndarray) and isinstance(again, np.ndarray) and not huge.any() and again[0, 0] == ROWS[0, 0]


@pytest.mark.parametrize(
    "body",
    [
        padded(b"[[1,2],"),
        padded(b"[[1,[2],3],"),
        padded(b"[[1,2,3],4,"),
        padded(b"[[1,null,3],"),
        padded(b"[[1,true,3],"),
        padded(b"[[],"),
        padded(b"[[1,{},3],"),
        padded(b"[", b",[1,2]]"),
    ],
)
def test_what_is_no_matrix_is_left_to_a_closer_look(body: bytes) -> None:
    assert not isinstance(plain_rows(question(body)), np.ndarray)


@pytest.mark.parametrize("body", [padded(b"[[NaN,2,3],"), padded(b"[[1e999,2,3],"), padded(b"[["), padded(b"", b"")])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    (reply,) = Answerer(Sums(), Columns({"features": 3})).answer([question(body)])
    assert reply.status in (400, 422), reply


def test_small_and_large_bodies_of_one_batch_are_answered_each_with_its_own() -> None:
    answerer = Answerer(Sums(), Columns({"features": 3}))
    bodies = [ROWS[:1], ROWS, ROWS[5:7], ROWS[50:], ROWS[9:10]]
    asked = [question(rows.tolist()) for rows in bodies]
    together = answerer.answer(asked)
    assert [reply.status for reply in together] == [200] * 5
    assert together == [answerer.answer([one])[0] for one in asked]
    for rows, reply in zip(bodies, together, strict=True):
        np.testing.assert_allclose(json.loads(reply.body)["predictions"], rows.sum(axis=1), rtol=1e-5, atol=1e-6)
    # A wrong one among them fails alone, whatever its size.
    wrong = answerer.answer([asked[0], question(padded(b"[[1,2],")), asked[3], question([[1, 2]])])
    assert [reply.status for reply in wrong] == [200, 422, 200, 422] and wrong[2] == together[3]
