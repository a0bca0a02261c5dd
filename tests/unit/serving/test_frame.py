"""Models that take DataFrames get the columns that training had, of its kinds; handlers get bodies as they came."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_slml.domain import signatures
from jupyter_slml.errors import Invalid, UnsupportedType
from jupyter_slml.serving.frames import Question, Reply
from jupyter_slml.serving.replica import codec
from jupyter_slml.serving.replica.batch import Answerer
from jupyter_slml.serving.replica.columns import Columns
from tests.unit.serving.test_binary import X_ARROW, X_NPY, arrow, npy

TRAINING = pd.DataFrame(
    {
        "age": pd.Series([20, 31, 45], dtype="int64"),
        "pay": pd.Series([1.5, 2.5, np.nan], dtype="float32"),
        "city": pd.Series(["Bern", "Rome", "Oslo"]),
        "plan": pd.Categorical(["free", "paid", "free"]),
        "grade": pd.Categorical([1, 2, 3]),
        "vip": [True, False, True],
        "since": pd.to_datetime(["2020-01-01", "2021-06-01", "2022-01-01"]),
    }
)
SIGNATURE = {"columns": list(TRAINING.columns), "inputs": signatures.inputs(TRAINING.items())}
COLUMNS = Columns(SIGNATURE)
ROW = {"age": 33, "pay": 2.0, "city": "Riga", "plan": "paid", "grade": 2, "vip": False, "since": "2023-05-01T12:00:00"}


TYPES = {**dict.fromkeys(ROW, "float64"), "city": "string", "plan": "string", "since": "string", "vip": "bool"}


class Seen:
    """Remembers the frames that it gets; predicts the age."""

    dtype = "frame"

    def __init__(self) -> None:
        self.frames: list[pd.DataFrame] = []

    def predict(self, rows: pd.DataFrame) -> Any:
        self.frames.append(rows)
        return rows["age"].to_numpy(float)


def frame(body: Any, kind: str = "application/json", columns: Columns = COLUMNS) -> pd.DataFrame:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return codec.target("frame").join([codec.decode(data, kind, columns, "frame")])


def expected(**changes: Any) -> pd.DataFrame:
    row = {**ROW, **changes}
    found = pd.DataFrame({name: [value] for name, value in row.items()})
    found["plan"] = pd.Categorical(found["plan"], categories=["free", "paid"])
    found["grade"] = pd.Categorical(found["grade"], categories=[1, 2, 3])
    found["since"] = pd.to_datetime(found["since"]).astype("datetime64[ns]")
    found["pay"] = found["pay"].astype("float32")
    return found


def test_every_form_gives_the_frame_of_training() -> None:
    turned = dict(reversed(ROW.items()))
    header = ",".join(turned) + "\n" + ",".join(map(str, turned.values()))
    table = arrow(
        **{
            **{name: [value] for name, value in turned.items()},
            "plan": pyarrow.array(["paid"]).dictionary_encode(),
            "since": pyarrow.array([pd.Timestamp(ROW["since"])]),
        }
    )
    for body, kind in (
        ([ROW], "application/json"),
        ({"instances": [turned]}, "application/json"),
        ([list(ROW.values())], "application/json"),
        (list(ROW.values()), "application/json"),
        ({"columns": list(turned), "data": [list(turned.values())]}, "application/json"),
        (header.encode(), "text/csv"),
        (",".join(map(str, ROW.values())).encode(), "text/csv"),
        (table, X_ARROW),
    ):
        found = frame(body, kind)
        pd.testing.assert_frame_equal(found, expected(), check_dtype=False)
        assert [str(kind) for kind in found.dtypes[["plan", "grade", "vip"]]] == ["category", "category", "bool"], body
        assert found["age"].dtype.kind in "iuf" and found["pay"].dtype.kind == "f" and found["since"].dtype.kind == "M"


def test_missing_values() -> None:
    nothing = dict.fromkeys(ROW)
    for body, kind in (
        ([nothing], "application/json"),
        ((",".join(ROW) + "\n,,,,,,").encode(), "text/csv"),
        (arrow(**{name: pyarrow.nulls(1) for name in ROW}), X_ARROW),
        (arrow(**{name: pyarrow.nulls(1, TYPES[name]) for name in ROW}), X_ARROW),
    ):  # fmt: skip
        found = frame(body, kind)
        assert found.isna().all(axis=None), (body, found)
        assert found["age"].dtype.kind == "f" and found["plan"].dtype == "category" and found["since"].dtype.kind == "M"
        assert list(found["plan"].cat.categories) == ["free", "paid"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"age": "33"}, "instances[0][0]", "column 'age': '33' is a string, not a number"),
        ({"age": [1]}, "instances[0][0]", "column 'age' is a list, not a single value"),
        ({"city": 7}, "instances[0][2]", "column 'city': 7 is a number, not a text"),
        ({"city": {"x": 1}}, "instances[0][2]", "is an object, not a single value"),
        ({"plan": "gold"}, "instances[0][3]", "column 'plan': 'gold' is not one of its categories"),
        ({"grade": 9}, "instances[0][4]", "column 'grade': 9 is not one of its categories"),
        ({"vip": "yes"}, "instances[0][5]", "column 'vip': 'yes' is a string, not true or false"),
        ({"vip": 2}, "instances[0][5]", "column 'vip': 2 is a number, not true or false"),
        ({"since": "yesterday"}, "instances[0][6]", "column 'since': 'yesterday' is not a time"),
        ({"since": 5}, "instances[0][6]", "column 'since': 5 is a number, not a time"),
        ({"extra": 5}, "columns", "unknown 'extra'"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], field: str, says: str) -> None:
    bad, good = json.dumps([{**ROW, **change}]).encode(), json.dumps([ROW]).encode()
    questions = [Question("application/json", "", body) for body in (good, bad, good)]
    model = Seen()
    replies = Answerer(model, COLUMNS).answer(questions)
    assert [reply.status for reply in replies] == [200, 422, 200]
    error = json.loads(replies[1].body)["error"]
    assert error["field"] == field and says in error["message"] and error["remedy"]
    assert [len(one) for one in model.frames] == [2]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"x,2.0,Riga,paid,2,true,2023-05-01", "text/csv", "column 'age': 'x' is not a number"),
        (b"33,2.0,Riga,paid,2,maybe,2023-05-01", "text/csv", "column 'vip': 'maybe' is neither true nor false"),
        (b"33,2.0,Riga,gold,2,true,2023-05-01", "text/csv", "'gold' is not one of its categories"),
        (b"33,2.0,Riga", "text/csv", "has 3 values, the model takes 7"),
        (b"age,pay,town,plan,grade,vip,since\n1,1,1,1,1,1,1", "text/csv", "missing 'city'"),
        (npy(np.zeros((1, 7))), X_NPY, "column 'city': 0.0 is a number, not a text"),
        (arrow(**{name: [1.0] for name in ROW}), X_ARROW, "column 'city'"),
        (arrow(**{name: [float("inf")] for name in ROW}), X_ARROW, "column 'age' is infinite"),
    ],
)
def test_mistakes_of_other_forms(body: bytes, kind: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        frame(body, kind)
    assert says in caught.value.message


def test_columns_of_which_only_names_are_known() -> None:
    columns = Columns({"columns": ["n", "t"]})
    found = frame([[1, "a"], [2, None]], columns=columns)
    assert found["n"].tolist() == [1, 2] and found["n"].dtype.kind == "i" and found["t"].tolist()[0] == "a"
    found = frame(b"t,n\nx,1.5\n,2", "text/csv", columns)
    assert found["n"].tolist() == [1.5, 2] and found["t"][0] == "x" and pd.isna(found["t"][1])


def test_bodies_of_a_batch_become_one_frame() -> None:
    model = Seen()
    bodies = [json.dumps([{**ROW, "age": age}]).encode() for age in range(5)]
    bodies.append(arrow(**{name: [value] for name, value in {**ROW, "age": 9, "plan": None}.items()}))
    kinds = ["application/json"] * 5 + [X_ARROW]
    replies = Answerer(model, COLUMNS).answer([Question(*one) for one in zip(kinds, [""] * 6, bodies, strict=True)])
    assert [json.loads(reply.body)["predictions"] for reply in replies] == [[0.0], [1.0], [2.0], [3.0], [4.0], [9.0]]
    assert [len(one) for one in model.frames] == [6] and model.frames[0]["plan"].dtype == "category"


def test_the_sample_is_like_the_training() -> None:
    model = Seen()
    Answerer(model, COLUMNS).sample()
    (row,) = model.frames[0].to_dict(orient="records")
    assert row["age"] == 20 and row["city"] == "Bern" and row["plan"] == "free" and row["grade"] == 1


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.sampled_from(["paid", "2020-01-01", 2])
)
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, anything)), min_size=1, max_size=3))
def test_no_values_give_a_5xx(rows: list[dict[str, Any]]) -> None:
    body = json.dumps(rows).encode()
    (reply,) = Answerer(Seen(), COLUMNS).answer([Question("application/json", "", body)])
    assert reply.status in (200, 400, 422), reply


def test_bodies_too_deep_to_be_shown() -> None:
    deep = b"[" * 900 + b"]" * 900
    for dtype in ("float64", "frame"):
        for columns in (Columns(None), Columns({"features": 1}), Columns({"columns": ["a"], "inputs": [{"name": "a"}]})):
            for body in (deep, b"[[" + deep + b"]]", b'[{"a":' + deep + b"}]", b'{"columns":["a"],"data":' + deep + b"}"):
                predictor = type("Any", (Seen,), {"dtype": dtype, "predict": lambda self, rows: np.zeros(len(rows))})()
                (reply,) = Answerer(predictor, columns).answer([Question("application/json", "", body)])
                assert reply.status in (400, 422), (dtype, body[:20], reply)


# coroutines and handlers


class Later:
    """Predicts in a coroutine, always on the same loop."""

    dtype = "float64"

    def __init__(self) -> None:
        self.loops: set[Any] = set()

    async def predict(self, rows: Any) -> Any:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        if (rows == 13).any():
            raise ValueError("unlucky")
        return rows.sum(axis=1)


def test_predict_may_be_a_coroutine() -> None:
    model = Later()
    answerer = Answerer(model, Columns({"features": 2}))
    for _ in range(2):
        replies = answerer.answer([Question("application/json", "", body) for body in (b"[[1,2]]", b"[[13,0]]", b"[[3,4]]")])
        assert [reply.status for reply in replies] == [200, 422, 200]
        assert json.loads(replies[2].body) == {"predictions": [7.0]}
    assert len(model.loops) == 1


RAISED = {b"v": ValueError("no"), b"k": KeyError("x"), b"u": UnsupportedType("not this"), b"e": SystemExit(3)}


class Echo:
    """Answers what it is asked, or raises it."""

    def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        if body.startswith(b"raise"):
            raise {b"v": ValueError("no"), b"k": KeyError("x"), b"u": UnsupportedType("not this"), b"e": SystemExit(3)}[
                body[-1:]
            ]
        if body == b"odd":
            return 7
        if body == b"split":
            return b"x", "text/plain\r\nX-Evil: 1"
        return (body.decode(), content_type) if accept == "text" else (memoryview(body), content_type or "none/given")


class EchoLater(Echo):
    """The same, but each waits for all others."""

    def __init__(self) -> None:
        self.here = 0

    async def handle(self, body: bytes, content_type: str, accept: str) -> Any:
        self.here += 1
        while self.here < 9:
            await asyncio.sleep(0)
        return super().handle(body, content_type, accept)


@pytest.mark.parametrize("kind", [Echo, EchoLater])
def test_handlers_get_bodies_as_they_came(kind: type[Echo], capfd: Any) -> None:
    bodies = [b"\xff\x00", b"", "ü".encode(), b"raise v", b"raise k", b"raise u", b"raise e", b"odd", b"split"]
    questions = [Question("image/png", "text" if body == "ü".encode() else "", body) for body in bodies]
    replies = Answerer(kind(), Columns(None)).answer(questions)
    assert [reply.status for reply in replies] == [200, 200, 200, 422, 500, 415, 500, 500, 500]
    assert replies[0] == Reply(200, b"image/png", b"\xff\x00") and replies[2].body == "ü".encode()
    assert "no" in json.loads(replies[3].body)["error"]["message"]
    for reply in replies[3:]:
        assert set(json.loads(reply.body)["error"]) == {"code", "message", "field", "value", "remedy", "detail"}


def test_a_model_that_exits_does_not_take_the_replica_with_it() -> None:
    class Leaves:
        dtype = "float64"

        def predict(self, rows: Any) -> Any:
            sys.exit(1)

    (reply,) = Answerer(Leaves(), Columns(None)).answer([Question("application/json", "", b"[[1]]")])
    assert reply.status == 500 and "SystemExit" in json.loads(reply.body)["error"]["message"]
