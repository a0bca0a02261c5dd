"""npy and Arrow bodies and answers; nothing in them is believed."""

from __future__ import annotations

import io
import json
from typing import Any, ClassVar

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.frames import Question, Reply
from jupyter_slml.serving.replica import codec
from jupyter_slml.serving.replica.answers import ARROW, NPY, accepted
from jupyter_slml.serving.replica.batch import Answerer
from jupyter_slml.serving.replica.columns import Columns
from tests.unit.serving.test_codec import NAMED, PLAIN, Sum

X_NPY = "application/x-npy"
X_ARROW = "application/vnd.apache.arrow.stream"


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(array), allow_pickle=allow_pickle)
    return out.getvalue()


def arrow(options: Any = None, **columns: Any) -> bytes:
    table = pyarrow.table(columns)
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema, options=options) as writer:
        writer.write_table(table)
    return out.getvalue()


def decode(body: bytes, kind: str, columns: Columns = NAMED, dtype: str = "float64") -> Any:
    return codec.decode(body, kind, columns, dtype)


def answer(*questions: tuple[bytes, str, str], predictor: Any = None, columns: Columns = NAMED) -> list[Reply]:
    asked = [Question(kind, accept, body) for body, kind, accept in questions]
    return Answerer(predictor or Sum(), columns).answer(asked)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool", ">f8", "float16"])
def test_arrays_of_every_number(dtype: str) -> None:
    rows = np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    for array in (rows, np.asfortranarray(rows)):
        found = decode(npy(array), X_NPY, dtype="float32")
        assert found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_array_equal(found, rows.astype(np.float32))
    np.testing.assert_array_equal(decode(npy(rows[0]), X_NPY), rows[:1].astype(float))


def test_records_of_an_array_are_matched_by_name() -> None:
    rows = np.array([(3, 1.5, 2)], dtype=[("c", "i4"), ("a", "f8"), ("b", "i8")])
    np.testing.assert_array_equal(decode(npy(rows), X_NPY), [[1.5, 2, 3]])


def test_arrow_is_matched_by_name_and_null_is_missing() -> None:
    expected = [[1.0, 2.0, 3.0], [np.nan, 5.0, 6.0]]
    np.testing.assert_array_equal(decode(arrow(c=[3.0, 6.0], a=[1.0, None], b=[2.0, 5.0]), X_ARROW), expected)
    mixed = arrow(c=pyarrow.array([3, 6], "int8"), a=pyarrow.array([1, None], "uint64"), b=pyarrow.array([2, 5], "float32"))
    np.testing.assert_array_equal(decode(mixed, X_ARROW), expected)
    assert decode(arrow(x=[1.0], y=[True], z=pyarrow.nulls(1)), X_ARROW, PLAIN)[0, :2].tolist() == [1, 1]
    # A table of several batches.
    table = pyarrow.table({"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 2.0]})
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        for start in range(2):
            writer.write_table(table.slice(start, 1))
    np.testing.assert_array_equal(decode(out.getvalue(), X_ARROW), [[1, 1, 1], [2, 2, 2]])


class Bomb:
    """Remembers that it was unpickled."""

    went_off: ClassVar[list[bool]] = []

    def __reduce__(self) -> Any:
        return Bomb.went_off.append, (True,)


ZSTD = pyarrow.ipc.IpcWriteOptions(compression="zstd")
NULLS = pyarrow.table({name: pyarrow.nulls(10_000_000) for name in "abc"})


def stream(table: Any) -> bytes:
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (b"", X_NPY, 400, "empty"),
        (b"[[1,2,3]]", X_NPY, 400, "not an npy array"),
        (npy([[1.0, 2, 3]])[:-3], X_NPY, 400, "should have 24 bytes"),
        (npy([[1.0, 2, 3]]) + b"x", X_NPY, 400, "should have 24 bytes"),
        (npy([[1.0, 2, 3]]).replace(b"(1, 3)", b"(9, 9)"), X_NPY, 400, "should have 648 bytes"),
        (npy([[1.0, 2, 3]]).replace(b"(1, 3)", b"(-1,3)"), X_NPY, 400, "not an npy array"),
        (npy([[1.0, 2, 3]]).replace(b"'shape'", b"'shope'"), X_NPY, 400, "not an npy array"),
        (npy([[1.0, 2, 3]]).replace(b"<f8", b"<z9"), X_NPY, 400, "not an npy array"),
        (b"\x93NUMPY\x01\x00\xff\xff{", X_NPY, 400, "not an npy array"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", X_NPY, 400, "not an npy array"),
        (npy([[1.0, 2]]), X_NPY, 422, "has 2 values, the model takes 3"),
        (npy(np.zeros((0, 3))), X_NPY, 422, "no rows"),
        (npy(3.0), X_NPY, 422, "no rows"),
        (npy(np.zeros((2, 3, 4))), X_NPY, 422, "3 dimensions"),
        (npy([["1", "2", "3"]]), X_NPY, 422, "not numbers"),
        (npy(np.zeros((1, 3), complex)), X_NPY, 422, "not numbers"),
        (npy([[1.0, np.inf, 3]]), X_NPY, 422, "column 'b' is infinite"),
        (npy(np.array([[Bomb()] * 3], dtype=object), allow_pickle=True), X_NPY, 422, "unpickled"),
        (npy(np.array([(1, 2)], dtype=[("a", "f8"), ("z", "f8")])), X_NPY, 422, "unknown 'z'"),
        (b"", X_ARROW, 400, "empty"),
        (b"[[1,2,3]]", X_ARROW, 400, "not an Arrow stream"),
        (arrow(a=[1.0], b=[2.0], c=[3.0])[:200], X_ARROW, 400, "not an Arrow stream"),
        (arrow(a=[1.0], b=[2.0]), X_ARROW, 422, "missing 'c'"),
        (arrow(a=[1.0], b=[2.0], c=[3.0], d=[4.0]), X_ARROW, 422, "unknown 'd'"),
        (arrow(a=[1.0], b=["2"], c=[3.0]), X_ARROW, 422, "holds string, not numbers"),
        (arrow(a=[1.0], b=[[2.0]], c=[3.0]), X_ARROW, 422, "is not read"),
        (arrow(a=[1.0], b=[float("inf")], c=[3.0]), X_ARROW, 422, "is infinite"),
        (arrow(a=pyarrow.array([], "float64"), b=pyarrow.array([], "float64"), c=[]), X_ARROW, 422, "no rows"),
        (stream(NULLS), X_ARROW, 422, "more values than its bytes"),
        (arrow(ZSTD, a=[0.0] * 999, b=[0.0] * 999, c=[0.0] * 999), X_ARROW, 422, "compressed"),
        (
            arrow(
                pyarrow.ipc.IpcWriteOptions(compression="lz4"),
                a=pyarrow.array(["x" * 99] * 9).dictionary_encode(),
                b=[0.0] * 9,
                c=[0.0] * 9,
            ),
            X_ARROW,
            422,
            "compressed",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named(body: bytes, kind: str, status: int, says: str) -> None:
    with pytest.raises(SlmlError) as caught:
        decode(body, kind)
    assert caught.value.status == status and says in caught.value.message
    good = (npy([[1.0, 2, 3]]), X_NPY, "")
    replies = answer(good, (body, kind, ""), good)
    assert [reply.status for reply in replies] == [200, status, 200]
    assert Bomb.went_off == []


def test_models_of_integers_refuse_what_they_would_cut() -> None:
    for body, kind in (
        (b"[[1,2.5,3]]", "application/json"),
        (b"[[1,null,3]]", "application/json"),
        (b"1,2.5,3", "text/csv"),
        (npy([[1, 2.5, 3]]), X_NPY),
        (arrow(a=[1.0], b=[None], c=[3.0]), X_ARROW),
        (b"[[1,1e12,3]]", "application/json"),
    ):
        with pytest.raises(SlmlError, match="column 'b'"):
            decode(body, kind, dtype="int32")
    assert decode(b"[[1,2,3.0]]", "application/json", dtype="int32").tolist() == [[1, 2, 3]]


def test_one_batch_of_all_forms() -> None:
    everything = [
        (b"[[1,2,3]]", "application/json", ""),
        (b"1,2,3", "text/csv", "application/x-npy"),
        (npy([[1, 2, 3], [4, 5, 6]]), X_NPY, X_NPY),
        (arrow(b=[2.0], c=[3.0], a=[1.0]), X_ARROW, X_ARROW),
        (b"[[1,2,3]]", "application/json", "text/csv"),
    ]
    replies = answer(*everything)
    assert [reply.status for reply in replies] == [200] * 5
    assert replies[0].body == b'{"predictions":[6.0]}' and replies[4].body == b"6.0\n"
    assert replies[1].content_type == NPY and np.load(io.BytesIO(replies[1].body)).tolist() == [6]
    assert np.load(io.BytesIO(replies[2].body)).tolist() == [6, 15]
    assert replies[3].content_type == ARROW
    assert pyarrow.ipc.open_stream(replies[3].body).read_all().to_pydict() == {"prediction": [6.0]}


class Fixed:
    dtype = "float64"

    def __init__(self, found: Any) -> None:
        self.found = found

    def predict(self, rows: Any) -> Any:
        return self.found[: len(rows)]


@pytest.mark.parametrize(
    ("found", "names", "table"),
    [
        (np.array([[0.25, 0.75]], np.float32), ["no", "yes"], {"no": [0.25], "yes": [0.75]}),
        (np.array([[0.25, 0.5]]), ["no"], {"prediction_0": [0.25], "prediction_1": [0.5]}),
        (np.array(["yes"]), [], {"prediction": ["yes"]}),
        (np.array(["yes"], dtype=object), [], {"prediction": ["yes"]}),
        (np.array([7], dtype=">i4"), [], {"prediction": [7]}),
        (np.array([0.5], dtype=np.longdouble), [], {"prediction": [0.5]}),
    ],
)  # fmt: skip
def test_answers_as_arrow_and_npy(found: Any, names: list[str], table: dict[str, Any]) -> None:
    columns = Columns({"features": 3, "classes": names})
    replies = answer(
        (b"[[1,2,3]]", "application/json", X_ARROW),
        (b"[[1,2,3]]", "application/json", X_NPY),
        (b"[[1,2,3]]", "application/json", ""),
        predictor=Fixed(np.concatenate([found] * 3)),
        columns=columns,
    )
    assert [reply.status for reply in replies] == [200] * 3
    assert pyarrow.ipc.open_stream(replies[0].body).read_all().to_pydict() == table
    np.testing.assert_array_equal(
        np.load(io.BytesIO(replies[1].body)), found.astype(str) if found.dtype == object else found
    )
    assert json.loads(replies[2].body)["predictions"] == found.tolist()


def test_what_has_no_such_form_is_not_acceptable() -> None:
    cube = np.zeros((1, 2, 2))
    things = np.array([{"a": 1}], dtype=object)
    for found, accept, status in (
        (cube, "text/csv", 406), (cube, X_ARROW, 406), (cube, X_NPY, 200), (cube, "", 200),
        (things, X_NPY, 406), (things, X_ARROW, 406), (things, "", 200),
    ):  # fmt: skip
        (reply,) = answer((b"[[1,2,3]]", "application/json", accept), predictor=Fixed(found))
        assert reply.status == status, (found, accept, reply)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", b"application/json"),
        ("  ", b"application/json"),
        ("*/*", b"application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", b"application/json"),
        ("text/csv", b"text/csv; charset=utf-8"),
        ("text/*;q=0.5, application/x-npy", NPY),
        ("application/x-npy;q=0.5, text/csv;q=0.9", b"text/csv; charset=utf-8"),
        ("APPLICATION/X-NPY", NPY),
        ("application/vnd.apache.arrow.stream", ARROW),
        ("application/json;q=0, text/csv;q=0.1", b"text/csv; charset=utf-8"),
    ],
)
def test_accept(accept: str, kind: bytes) -> None:
    assert accepted(accept) == kind


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/csv;q=x", ",", ";"])
def test_accept_of_nothing_that_there_is(accept: str) -> None:
    with pytest.raises(SlmlError) as caught:
        accepted(accept)
    assert caught.value.status == 406


WHOLE = arrow(a=[1.0, 2.0], b=pyarrow.array(["x", "y"]).dictionary_encode(), c=[None, 2.0])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_a_spoilt_byte_never_gives_a_5xx(place: int, value: int, cut: bool) -> None:
    for kind, whole in ((X_ARROW, WHOLE), (X_NPY, npy([[1.0, 2, 3]]))):
        at = place % len(whole)
        body = whole[:at] if cut else whole[:at] + bytes([value]) + whole[at + 1 :]
        for dtype in ("float64", "frame"):
            try:
                codec.decode(body, kind, NAMED, dtype)
            except SlmlError as error:
                assert error.status in (400, 422)
