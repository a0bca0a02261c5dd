"""What is wrong with a request is said precisely, in the door's own shape: no 5xx, no hang, and no NaN as bare JSON.

Through a real gateway, over raw sockets, to real replicas of each kind of model.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from jupyter_slml.compute.zygotes import Zygotes
from jupyter_slml.domain import signatures
from jupyter_slml.settings import Workspace, workspace
from tests.integration.serving.kernels import Hall, Loop
from tests.integration.serving.stage import DEADLINE, ERROR_FIELDS, GatewayProcess

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"
#: Seconds in which even the worst body is refused.
SOON = 5.0

#: How many damaged bodies are sent.
DAMAGED = 600
STRAY = (b"NaN", b"null", b"1e400", b"[", b"]", b'"', b",", b"\n", b"-", b"\x00")

ROUTE = {"timeout": 10, "max_queue": 1000, "max_body": 2_000_000}


class Plain:
    """Somebody's own model, which says nothing about its rows."""

    def predict(self, rows: Any) -> Any:
        return [float(sum(row)) for row in rows]


class Infinite:
    """A model whose answers are not finite."""

    def predict(self, rows: Any) -> Any:
        return [float("nan"), float("inf"), float("-inf")][: len(rows)]


def frame() -> pd.DataFrame:
    return pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "city": ["Bern", "Rome", "Bern", "Rome"]})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, loop: Loop, zygotes: Zygotes) -> Iterator[GatewayProcess]:
    """A gateway with an endpoint for each kind of model, and one replica of each."""
    place: Workspace = workspace(tmp_path_factory.mktemp("bad") / "home")
    place.prepare()
    gateway = GatewayProcess(place)
    rows = np.random.default_rng(0).normal(size=(60, 3))
    named = pd.DataFrame(rows, columns=["a", "b", "c"])
    mixed = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"), LogisticRegression()
    ).fit(frame(), [0, 1, 0, 1])
    described = {**(signatures.signature(mixed) or {}), "inputs": signatures.inputs(frame().items())}
    models: dict[str, tuple[Any, dict[str, Any]]] = {
        "xgboost": (xgboost.XGBClassifier(n_estimators=2).fit(named, rows[:, 0] > 0), {}),
        "sklearn": (LogisticRegression().fit(named, rows[:, 0] > 0), {}),
        "mixed": (mixed, {"signature": described}),
        "plain": (Plain(), {"allow_pickle": True}),
        "infinite": (Infinite(), {"allow_pickle": True}),
    }
    gateway.write_routes(**{name: {**ROUTE, "serving": name, "revisions": {name: {"token": "t1"}}} for name in models})
    gateway.start()
    hall = Hall(place, loop, zygotes)
    try:
        replicas = [
            hall.start(model, endpoint=name, revision=name, gateway=str(place.gateway_socket), **options)
            for name, (model, options) in models.items()
        ]
        for replica in replicas:
            replica.heard("ready")
        yield gateway
    finally:
        hall.close()
        gateway.kill()
        shutil.rmtree(place.run, ignore_errors=True)


def ask(stage: GatewayProcess, endpoint: str, body: bytes, headers: str, *, door: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of the answer, which is strict JSON."""
    lines = [f"POST /endpoints/{endpoint}/invocations HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    if door == "sagemaker":
        lines.append(f"Authorization: AWS4-HMAC-SHA256 Credential={stage.token}/20260101/us-east-1/sagemaker/aws4_request")
    else:
        lines.append(f"Authorization: Bearer {stage.token}")
    with stage.connect() as client:
        client.send(("\r\n".join(lines) + "\r\n" + headers + "\r\n").encode() + body)
        status, found, answer = client.answer()
    assert found["content-type"] == JSON
    return status, found, json.loads(answer, parse_constant=_no_constant)


def _no_constant(text: str) -> None:
    raise AssertionError(f"bare {text} in JSON")


def npy(array: Any, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def arrow(table: dict[str, Any]) -> bytes:
    found = pyarrow.table(table)
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, found.schema) as stream:
        stream.write_table(found)
    return sink.getvalue()


ROW = [[0.1, 0.2, 0.3]]
MIXED = {"columns": ["age", "city"], "data": [[20, "Bern"]]}

#: Where, body, content type, status, and what the message says.
CASES: list[tuple[str, bytes, str | None, int, str]] = [
    # the number and the names of features
    ("xgboost", b"[[1, 2]]", JSON, 422, "has 2 values, the model takes 3"),
    ("xgboost", b"[[1, 2, 3, 4]]", JSON, 422, "has 4 values, the model takes 3"),
    ("xgboost", b"[1, 2]", JSON, 422, "2"),
    ("xgboost", b"[[]]", JSON, 422, ""),
    ("xgboost", b"[]", JSON, 422, ""),
    ("xgboost", b"{}", JSON, 422, ""),
    ("xgboost", b'{"instances": []}', JSON, 422, ""),
    ("xgboost", b'{"columns": ["a", "b", "d"], "data": [[1, 2, 3]]}', JSON, 422, "'d'"),
    ("xgboost", b'{"columns": ["a", "b"], "data": [[1, 2]]}', JSON, 422, "'c'"),
    ("xgboost", b'{"columns": ["a", "b", "b"], "data": [[1, 2, 3]]}', JSON, 422, ""),
    ("xgboost", b'{"columns": 3, "data": [[1, 2, 3]]}', JSON, 422, "columns"),
    ("xgboost", b'{"columns": ["a", "b", "c"], "data": 7}', JSON, 422, "data"),
    ("xgboost", b'{"columns": ["a", "b", "c"]}', JSON, 422, ""),
    ("xgboost", b'{"instances": [{"a": 1, "b": 2}]}', JSON, 422, "'c'"),
    ("xgboost", b'{"instances": [{"a": 1, "b": 2, "c": 3, "x": 4}]}', JSON, 422, "'x'"),
    ("xgboost", b'{"instances": 5}', JSON, 422, ""),
    ("xgboost", b'{"rows": [[1, 2, 3]]}', JSON, 422, ""),
    ("mixed", b"[[20]]", JSON, 422, ""),
    ("mixed", b'{"columns": ["age", "town"], "data": [[20, "Bern"]]}', JSON, 422, "'town'"),
    ("xgboost", b"a,b,x\n1,2,3\n", CSV, 422, "'x'"),
    ("xgboost", b"1,2\n", CSV, 422, "2 values"),
    # nulls, NaN, Infinity
    ("xgboost", b"null", JSON, 422, ""),
    ("xgboost", b"[null]", JSON, 422, ""),
    ("sklearn", b"[[null, 1, 2]]", JSON, 422, "NaN"),
    ("sklearn", b"[[1e999, 1, 2]]", JSON, 400, ""),
    ("xgboost", b"[[NaN, 1, 2]]", JSON, 400, "JSON"),
    ("xgboost", b"[[Infinity, 1, 2]]", JSON, 400, "JSON"),
    ("xgboost", b"[[-Infinity, 1, 2]]", JSON, 400, "JSON"),
    ("sklearn", b"inf,1,2\n", CSV, 422, ""),
    ("sklearn", npy(np.array([[np.inf, 1, 2]])), NPY, 422, ""),
    ("mixed", b'{"columns": ["age", "city"], "data": [[20, null]]}', JSON, 422, ""),
    ("mixed", b'{"columns": ["age", "city"], "data": [[20, "Oslo"]]}', JSON, 422, ""),
    # ragged rows
    ("xgboost", b"[[1, 2, 3], [1, 2]]", JSON, 422, "Row 2 has 2 values"),
    ("xgboost", b"[[1, 2, 3], 4]", JSON, 422, ""),
    ("xgboost", b"[[1, 2, 3], [[1], 2, 3]]", JSON, 422, ""),
    ("xgboost", b"1,2,3\n1,2\n", CSV, 422, ""),
    ("xgboost", b'{"instances": [{"a": 1, "b": 2, "c": 3}, [1, 2, 3]]}', JSON, 422, ""),
    ("mixed", b'{"columns": ["age", "city"], "data": [[20, "Bern"], [20]]}', JSON, 422, ""),
    ("plain", b"[[1, 2], [3]]", JSON, 422, ""),
    # strings for numbers, other values for what is asked
    ("xgboost", b'[["x", 1, 2]]', JSON, 422, "'x'"),
    ("xgboost", b'[["1", 1, 2]]', JSON, 422, "'1'"),
    ("xgboost", b"[[true, {}, []]]", JSON, 422, ""),
    ("xgboost", b'"hello"', JSON, 422, ""),
    ("xgboost", b"3", JSON, 422, ""),
    ("xgboost", b"x,y,z\n", CSV, 422, ""),
    ("xgboost", b"1,2,three\n", CSV, 422, "'three'"),
    ("plain", b'[["x", 1]]', JSON, 422, ""),
    ("plain", b'{"a": "b"}', JSON, 422, ""),
    ("mixed", b'{"columns": ["age", "city"], "data": [["old", "Bern"]]}', JSON, 422, "'old'"),
    ("mixed", b'{"columns": ["age", "city"], "data": [[20, {"x": 1}]]}', JSON, 422, ""),
    ("xgboost", b"[[%s, 1, 2]]" % (b"9" * 400), JSON, 400, ""),
    # empty bodies
    ("xgboost", b"", JSON, 400, "empty"),
    ("xgboost", b"   \n", JSON, 400, "empty"),
    ("xgboost", b"", CSV, 400, "empty"),
    ("xgboost", b"\n\n", CSV, 400, "empty"),
    ("xgboost", b"a,b,c\n", CSV, 422, ""),
    ("xgboost", b"", NPY, 400, "empty"),
    ("xgboost", b"", ARROW, 400, "empty"),
    ("mixed", b"", JSON, 400, "empty"),
    ("plain", b"", JSON, 400, "empty"),
    # content types
    ("xgboost", json.dumps(ROW).encode(), "application/xml", 415, "application/xml"),
    ("xgboost", json.dumps(ROW).encode(), "application/json; charset=utf-16", 415, ""),
    ("xgboost", json.dumps(ROW).encode(), "\xff\xfe", 415, ""),
    ("xgboost", json.dumps(ROW).encode(), "text/csv", 422, ""),
    ("xgboost", b"1,2,3", JSON, 400, "JSON"),
    ("xgboost", b"1,2,3", None, 415, "not given"),
    ("xgboost", json.dumps(ROW).encode(), NPY, 400, ""),
    ("xgboost", json.dumps(ROW).encode(), ARROW, 400, ""),
    ("mixed", json.dumps(MIXED).encode(), "image/png", 415, "image/png"),
    # invalid JSON, deep nesting
    ("xgboost", b"[[1, 2, 3]", JSON, 400, "JSON"),
    ("xgboost", b"[[1, 2, 3]] x", JSON, 400, "JSON"),
    ("xgboost", b"{'a': 1}", JSON, 400, "JSON"),
    ("xgboost", b"\xff\xfe[[1]]", JSON, 400, ""),
    ("xgboost", b'[["\xed\xa0\x80", 1, 2]]', JSON, 400, ""),
    ("xgboost", b"[[1, 2, 3]]\x00", JSON, 400, ""),
    ("xgboost", b"[" * 100_000, JSON, 400, ""),
    ("xgboost", b"[" * 100_000 + b"]" * 100_000, JSON, 400, ""),
    ("xgboost", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON, 400, ""),
    ("mixed", b"[" * 100_000 + b"]" * 100_000, JSON, 400, ""),
    ("plain", b"[" * 100_000 + b"]" * 100_000, JSON, 400, ""),
    ("plain", b"[" * 20 + b"1" + b"]" * 20, JSON, 422, ""),
    # CSV that is none
    ("xgboost", b'"1,2,3\n', CSV, 400, ""),
    ("xgboost", b"\x00\x01\x02", CSV, 422, "do not match"),
    ("xgboost", b"\xff\xff,1,2\n", CSV, 400, "UTF-8"),
    # arrays that are none, or run code
    ("xgboost", npy(np.array([[1, 2]])), NPY, 422, "2"),
    ("xgboost", npy(np.zeros((1, 2, 3))), NPY, 422, ""),
    ("xgboost", npy(np.array(5.0)), NPY, 422, ""),
    ("xgboost", npy(np.array([["a", "b", "c"]])), NPY, 422, ""),
    ("xgboost", npy(np.array([[1 + 2j, 1, 1]])), NPY, 422, ""),
    ("xgboost", npy(np.array([[object(), 1, 2]], dtype=object), allow_pickle=True), NPY, 422, "unpickled"),
    ("xgboost", npy(np.zeros((5, 3)))[:-7], NPY, 400, ""),
    ("xgboost", b"\x93NUMPY\x01\x00\xff\xff" + b"{'descr'" * 10, NPY, 400, ""),
    ("xgboost", npy(np.zeros((1, 3))).replace(b"(1, 3)", b"(9, 9)"), NPY, 400, ""),
    ("xgboost", npy(np.zeros((1, 3))).replace(b"(1, 3), }      ", b"(999999999, 3), }"), NPY, 400, ""),
    # Arrow that is none, or another table
    ("xgboost", arrow({"a": [1.0], "b": [1.0]}), ARROW, 422, "'c'"),
    ("xgboost", arrow({"a": [1.0], "b": [1.0], "c": ["x"]}), ARROW, 422, ""),
    ("xgboost", arrow({"a": [[1.0]], "b": [1.0], "c": [1.0]}), ARROW, 422, ""),
    ("xgboost", arrow({"a": [1.0], "b": [1.0], "c": [1.0]})[:-40], ARROW, 400, ""),
    ("xgboost", b"ARROW1" * 20, ARROW, 400, ""),
    ("mixed", arrow({"age": ["x"], "city": ["Bern"]}), ARROW, 422, ""),
    # too large
    ("xgboost", b"[" + b"[1,2,3]," * 260_000 + b"[1,2,3]]", JSON, 413, "2000000 bytes"),
]


def label(case: tuple[str, bytes, str | None, int, str]) -> str:
    endpoint, body, kind, _, _ = case
    return f"{endpoint} {kind} {body[:40]!r}"


@pytest.mark.parametrize("door", ["slml", "sagemaker"])
def test_each_is_refused_as_what_it_is(stage: GatewayProcess, door: str) -> None:
    problems = []
    for case in CASES:
        endpoint, body, kind, expected, said = case
        headers = "" if kind is None else f"Content-Type: {kind}\r\n"
        begun = time.monotonic()
        status, found, answer = ask(stage, endpoint, body, headers, door=door)
        took = time.monotonic() - begun
        try:
            message = refusal(door, status, expected, found, answer)
            assert said in message, f"{said!r} is not in {message!r}"
            assert len(message) < 2000 and "Traceback" not in message and "jupyter_slml" not in message, message
            assert took < SOON, f"took {took:.1f} s"
        except (AssertionError, KeyError) as problem:
            problems.append(f"{label(case)}: {problem!r}"[:400])
    assert not problems, "\n" + "\n".join(problems)
    # Nothing of it has cost a replica.
    for endpoint, rows in (("xgboost", ROW), ("sklearn", ROW), ("mixed", MIXED), ("plain", ROW)):
        status, _, answer = ask(stage, endpoint, json.dumps(rows).encode(), f"Content-Type: {JSON}\r\n", door=door)
        assert status == 200 and len(answer["predictions"]) == 1


def refusal(door: str, status: int, expected: int, headers: dict[str, str], answer: Any) -> str:
    """What the answer says, its shape and status checked."""
    if door == "slml":
        assert status == expected, (status, answer)
        assert set(answer) == {"error"} and set(answer["error"]) == ERROR_FIELDS, answer
        assert answer["error"]["message"]
        return f"{answer['error']['message']} {answer['error']['value']!r}"
    if expected == 413:
        assert status == 413 and headers["x-amzn-errortype"] == "ValidationError", (status, answer)
        return str(answer["Message"])
    # What a model's container refuses.
    assert status == 424 and headers["x-amzn-errortype"] == "ModelError", (status, answer)
    assert answer["OriginalStatusCode"] == expected, answer
    return str(answer["OriginalMessage"])


def test_answers_that_are_not_finite_are_null(stage: GatewayProcess) -> None:
    """JSON has no NaN; CSV has."""
    body = b"[[1, 2, 3], [1, 2, 3], [1, 2, 3]]"
    status, _, answer = ask(stage, "infinite", body, f"Content-Type: {JSON}\r\n", door="slml")
    assert (status, answer) == (200, {"predictions": [None, None, None]})


def test_a_wrong_body_does_not_cost_its_neighbours(stage: GatewayProcess) -> None:
    """Many at once, which the gateway gives to the replica as one batch: each gets its own answer."""
    bodies = [json.dumps(ROW).encode(), b"[[1, 2]]", b"{", b'[["x", 1, 2]]', b""] * 40
    expected = [200, 422, 400, 422, 400] * 40
    with stage.connect() as client:
        path = "/endpoints/xgboost/invocations"
        client.send(b"".join(stage.head(len(body), path) + body for body in bodies))
        client.socket.settimeout(DEADLINE)
        assert [client.answer()[0] for _ in bodies] == expected


def test_bodies_that_are_damaged(stage: GatewayProcess) -> None:
    """Good bodies with bytes changed, cut and doubled: refused, or answered when they still are good."""
    chance = random.Random(1)
    good: list[tuple[str, bytes, str]] = [
        ("xgboost", json.dumps(ROW * 3).encode(), JSON),
        ("xgboost", json.dumps({"columns": ["a", "b", "c"], "data": ROW}).encode(), JSON),
        ("xgboost", json.dumps({"instances": [{"a": 1, "b": 2.5, "c": None}]}).encode(), JSON),
        ("xgboost", b"a,b,c\n1,2,3\n4,5,6\n", CSV),
        ("xgboost", npy(np.ones((2, 3), np.float32)), NPY),
        ("xgboost", arrow({"a": [1.0], "b": [1], "c": [None]}), ARROW),
        ("mixed", json.dumps(MIXED).encode(), JSON),
        ("mixed", arrow({"age": [20.0], "city": ["Bern"]}), ARROW),
        ("sklearn", b"1,2,3\n", CSV),
        ("plain", json.dumps(ROW).encode(), JSON),
    ]
    for number in range(DAMAGED):
        endpoint, body, kind = good[number % len(good)]
        hurt = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(hurt) or 1)
            match chance.randrange(4):
                case 0:
                    hurt[place : place + 1] = bytes([chance.randrange(256)])
                case 1:
                    del hurt[place : place + chance.randint(1, 8)]
                case 2:
                    hurt[place:place] = hurt[place : place + chance.randint(1, 30)]
                case 3:
                    hurt[place:place] = chance.choice(
                        [b"NaN", b"null", b"1e400", b"[", b"]", b'"', b",", b"\n", b"-", b"\x00"]
                    )
        status, _, answer = ask(stage, endpoint, bytes(hurt), f"Content-Type: {kind}\r\n", door="slml")
        assert status == 200 or 400 <= status < 500, (kind, bytes(hurt), answer)
