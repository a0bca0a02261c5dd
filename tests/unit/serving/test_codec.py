"""Bodies become rows; what cannot be read is refused with the place of the mistake."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.errors import NotAcceptable, SlmlError
from jupyter_slml.serving.frames import Question, Reply
from jupyter_slml.serving.replica import codec
from jupyter_slml.serving.replica.answers import CSV, JSON, Answers, accepted
from jupyter_slml.serving.replica.batch import Answerer
from jupyter_slml.serving.replica.columns import Columns

NAMED = Columns({"features": 3, "columns": ["a", "b", "c"]})
PLAIN = Columns({"features": 3, "columns": None})


class Sum:
    """Predicts the sum of a row; refuses 13 and breaks on 99."""

    dtype = "float64"

    def predict(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if (rows == 13).any():
            raise ValueError("unlucky")
        if (rows == 99).any():
            raise KeyError("broken")
        return np.asarray(rows.sum(axis=1))


def decode(body: str | bytes, content_type: str = "application/json", columns: Columns = NAMED) -> list[list[float]]:
    data = body.encode() if isinstance(body, str) else body
    found: list[list[float]] = codec.decode(data, content_type, columns, "float64").tolist()
    return found


def answer(*bodies: str | bytes, content_type: str = "application/json", accept: str = "") -> list[Reply]:
    questions = [Question(content_type, accept, body.encode() if isinstance(body, str) else body) for body in bodies]
    return Answerer(Sum(), NAMED).answer(questions)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("[[1,2,3],[4,5,6]]", "application/json"),
        ('{"instances": [[1,2,3],[4,5,6]]}', "application/json; charset=utf-8"),
        ('{"instances": [{"a":1,"b":2,"c":3},{"c":6,"b":5,"a":4}]}', "Application/JSON"),
        ('[{"c":3,"b":2,"a":1},{"c":6,"b":5,"a":4}]', "application/json"),
        ('{"columns": ["c","a","b"], "data": [[3,1,2],[6,4,5]]}', "application/json"),
        ("1,2,3\n4,5,6\n", "text/csv"),
        ("a,b,c\n1,2,3\n4,5,6", "text/csv"),
        ('c,"b",a\r\n3,2,1\r\n6,5,4\r\n\r\n', "text/csv; charset=UTF-8"),
        ("\ufeffb,a,c\n2,1,3\n5, 4 ,6\n", "text/csv"),
    ],
)
def test_every_form_gives_the_same_rows(body: str, content_type: str) -> None:
    assert decode(body, content_type) == [[1, 2, 3], [4, 5, 6]]


def test_one_row_may_come_flat_and_missing_values_are_nan() -> None:
    assert decode("[1, true, 3.5]") == [[1, 1, 3.5]]
    for body, content_type in (("[[null,2,3]]", "application/json"), (",2,3", "text/csv"), ("NA,2,3", "text/csv")):
        row = decode(body, content_type)[0]
        assert math.isnan(row[0]) and row[1:] == [2, 3]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "field", "says"),
    [
        ("", "application/json", 400, "body", "empty"),
        ("  \n", "text/csv", 400, "body", "empty"),
        ("[[1,2,3]]", "", 415, "Content-Type", "not given"),
        ("[[1,2,3]]", "text/plain", 415, "Content-Type", "text/plain"),
        ("[[1,2,3]]", "application/json; charset=latin-1", 415, "Content-Type", "latin-1"),
        ("[[1,2,3]", "application/json", 400, "body", "not valid JSON"),
        ("[[1,NaN,3]]", "application/json", 400, "body", "not valid JSON"),
        ("[[1,-Infinity,3]]", "application/json", 400, "body", "not valid JSON"),
        ("[[1,1e999,3]]", "application/json", 400, "body", "not valid JSON"),
        ("[" * 5000 + "]" * 5000, "application/json", 400, "body", "not valid JSON"),
        (b"[[1,2,\xff]]", "application/json", 400, "body", "not valid JSON"),
        ("7", "application/json", 422, "body", "not a list"),
        ("null", "application/json", 422, "body", "not a list"),
        ('"abc"', "application/json", 422, "body", "not a list"),
        ("[]", "application/json", 422, "instances", "no rows"),
        ('{"instances": []}', "application/json", 422, "instances", "no rows"),
        ('{"rows": [[1,2,3]]}', "application/json", 422, "body", "not a list"),
        ('{"instances": [[1,2,3]], "foo": 1}', "application/json", 422, "foo", "not known"),
        ("[[1,2]]", "application/json", 422, "instances", "has 2 values, the model takes 3"),
        ("[[1,2,3],[1,2,3,4]]", "application/json", 422, "instances", "Row 2 has 4 values"),
        ("[[1,2,3],4]", "application/json", 422, "instances", "Row 2 is a number"),
        ("[[[1],2,3]]", "application/json", 422, "instances[0][0]", "is a list, not a number"),
        ('[[1,2,3],[1,"2",3]]', "application/json", 422, "instances[1][1]", "column 'b': '2' is a string"),
        ('[[1,{"x":1},3]]', "application/json", 422, "instances[0][1]", "is an object"),
        ('[{"a":1,"b":2}]', "application/json", 422, "columns", "missing 'c'"),
        ('[{"a":1,"b":2,"c":3,"d":4}]', "application/json", 422, "columns", "unknown 'd'"),
        ('[{"a":1,"b":2,"c":3},[1,2,3]]', "application/json", 422, "instances", "Row 2 is a list"),
        ('[{"a":1,"b":"x","c":3}]', "application/json", 422, "instances[0][1]", "'x' is a string"),
        ('{"columns":["a","b"],"data":[[1,2]]}', "application/json", 422, "columns", "missing 'c'"),
        ('{"columns":["a","b","c","a"],"data":[[1,2,3,4]]}', "application/json", 422, "columns", "twice"),
        ('{"columns":["a","b","c"],"data":[[1,2]]}', "application/json", 422, "data", "2 values"),
        ('{"columns":"abc","data":[[1,2,3]]}', "application/json", 422, "columns", "not a list of names"),
        ('{"columns":["a","b","c"],"data":7}', "application/json", 422, "data", "not a list"),
        ("1,2\n", "text/csv", 422, "instances", "has 2 values"),
        ("1,2,3\n1,2\n", "text/csv", 422, "instances", "Row 2 has 2 values"),
        ("a,b,c\n1,2\n", "text/csv", 422, "body", "Row 1 has 2 values"),
        ("a,b,d\n1,2,3\n", "text/csv", 422, "columns", "unknown 'd'"),
        ("a,b,c\n", "text/csv", 422, "body", "no rows"),
        ("1,2,3\n1,x,3\n", "text/csv", 422, "body", "'x' is not a number"),
        ("1,2,inf\n", "text/csv", 422, "columns", "unknown"),
        ("1,2,3\n1_0,2,3\n", "text/csv", 422, "body", "'1_0' is not a number"),
        (b"1,2,\xff\n", "text/csv", 400, "body", "not valid CSV"),
        ('1,"2,3\n', "text/csv", 400, "body", "not valid CSV"),
    ],
)
def test_a_mistake_is_named(body: str | bytes, content_type: str, status: int, field: str, says: str) -> None:
    with pytest.raises(SlmlError) as caught:
        decode(body, content_type)
    error = caught.value
    assert (error.status, error.field) == (status, field)
    assert says in error.message
    # The same mistake through the whole path, alone and between good bodies.
    good = Question("application/json", "", b"[[1,2,3]]")
    bad = Question(content_type, "", body.encode() if isinstance(body, str) else body)
    for questions in ([bad], [good, bad, good]):
        replies = Answerer(Sum(), NAMED).answer(questions)
        assert [reply.status for reply in replies] == [status if one is bad else 200 for one in questions]
        assert json.loads(replies[questions.index(bad)].body)["error"]["field"] == field


def test_names_without_a_named_model_are_refused() -> None:
    with pytest.raises(SlmlError, match="without column names"):
        decode('[{"a":1,"b":2,"c":3}]', columns=PLAIN)
    assert decode("x,y,z\n1,2,3", "text/csv", PLAIN) == [[1, 2, 3]]


def test_a_bad_row_of_a_batch_fails_alone() -> None:
    replies = answer("[[1,2,3]]", "[[13,0,0]]", "[[99,0,0]]", '{"instances":[[4,5,6],[7,8,9]]}')
    assert [reply.status for reply in replies] == [200, 422, 500, 200]
    assert json.loads(replies[0].body) == {"predictions": [6.0]}
    assert "unlucky" in json.loads(replies[1].body)["error"]["message"]
    assert json.loads(replies[3].body) == {"predictions": [15.0, 24.0]}


def test_answers_are_json_or_csv() -> None:
    assert answer("[[1,2,3],[null,0,0]]")[0] == Reply(200, JSON, b'{"predictions":[6.0,null]}')
    assert answer("[[1,2,3],[null,0,0]]", accept="text/csv")[0] == Reply(200, CSV, b"6.0\n\n")
    assert answer("[[1,2,3]]", accept="text/html, application/json;q=0.9")[0].status == 200
    refused = answer("[[1,2,3]]", "[[1,2,3]]", accept="image/png")
    assert [reply.status for reply in refused] == [406, 406]
    with pytest.raises(NotAcceptable):
        accepted("image/png")


@pytest.mark.parametrize(
    ("predictions", "as_json", "as_csv"),
    [
        (np.array([1.5, 2.5], np.float32), [1.5, 2.5], "1.5\n2.5\n"),
        (np.array([[0.25, 0.75], [1, np.nan]]), [[0.25, 0.75], [1, None]], "0.25,0.75\n1.0,\n"),
        (np.array([3, 4]), [3, 4], "3\n4\n"),
        (np.array(["yes", 'a "b"']), ["yes", 'a "b"'], 'yes\n"a ""b"""\n'),
        (np.array([True, False]), [True, False], "true\nfalse\n"),
    ],
)
def test_every_kind_of_prediction(predictions: np.ndarray[Any, Any], as_json: list[Any], as_csv: str) -> None:
    answers = Answers(predictions)
    assert json.loads(answers.encode(0, 2, JSON)[1]) == {"predictions": as_json}
    assert json.loads(answers.encode(1, 2, JSON)[1]) == {"predictions": as_json[1:]}
    assert answers.encode(0, 2, CSV) == (CSV, as_csv.encode())


cells = st.one_of(st.none(), st.floats(-1e30, 1e30, allow_nan=False), st.integers(-(2**60), 2**60), st.booleans())
rows = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5)


@given(st.lists(rows, min_size=1, max_size=5))
def test_a_batch_answers_what_each_body_alone_gets(bodies: list[list[list[Any]]]) -> None:
    texts = [json.dumps(body) for body in bodies]
    together = answer(*texts)
    assert together == [answer(text)[0] for text in texts]
    for reply, body in zip(together, bodies, strict=True):
        if reply.status == 200:
            assert len(json.loads(reply.body)["predictions"]) == len(body)


anything = st.recursive(
    st.one_of(cells, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["instances", "columns", "data", "a", "b", "c", "d"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=60), anything.map(lambda value: json.dumps(value).encode())), st.booleans())
def test_no_body_gives_a_5xx_or_bare_nan(body: bytes, as_csv: bool) -> None:
    replies = answer(b"[[1,2,3]]", body, content_type="text/csv" if as_csv else "application/json")
    for reply in replies:
        assert reply.status in (200, 400, 415, 422), reply
        json.loads(reply.body, parse_constant=lambda word: pytest.fail(f"bare {word}"))
