"""Writing and committing: whole files, one line per part, on disks and on object stores; what predicts."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_slml.compute.batch.inputs import FrameInput, MatrixInput
from jupyter_slml.compute.batch.manifest import Manifest, is_ours
from jupyter_slml.compute.batch.models import CellModel
from jupyter_slml.compute.batch.outset import begin
from jupyter_slml.compute.batch.planner import Planner, is_inside
from jupyter_slml.compute.batch.target import LocalTarget, RemoteTarget, Target, target
from jupyter_slml.compute.batch.writers import Counted, writer
from jupyter_slml.domain.batch import PartRecord
from jupyter_slml.domain.specs import BatchSpec
from jupyter_slml.errors import Invalid, ModelError


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "local":
        return LocalTarget(tmp_path / "out")
    return RemoteTarget(fsspec.filesystem("memory"), f"/{tmp_path.name}/out")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = LocalTarget(tmp_path / "out")
    assert place.names() == []
    with pytest.raises(RuntimeError), place.writing("part-00000.csv") as file:
        file.write(b"half")
        raise RuntimeError
    assert place.names() == []
    with place.writing("part-00000.csv") as file:
        file.write(b"whole")
        assert place.names() == []
    assert place.names() == ["part-00000.csv"] and place.read("part-00000.csv") == b"whole"
    assert place.size("part-00000.csv") == 5 and place.size("nothing") is None


def test_a_store_keeps_files_by_name(place: Target) -> None:
    with place.writing("part-00000.csv") as file:
        file.write(b"old")
    with place.writing("part-00000.csv") as file:
        file.write(b"new one")
    with place.open("part-00000.csv") as found:
        assert found.read() == b"new one"
    assert place.size("part-00000.csv") == 7 and place.names() == ["part-00000.csv"]


def test_one_of_two_creates(place: Target) -> None:
    assert place.create("_manifest/part-00000.json", b"first")
    assert not place.create("_manifest/part-00000.json", b"second")
    assert place.read("_manifest/part-00000.json") == b"first"
    place.delete("_manifest/part-00000.json")
    place.delete("_manifest/part-00000.json")
    assert place.names() == []


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".part-00000.csv.17.tmp").write_text("half")
    found = LocalTarget(tmp_path)
    assert found.names() == []
    found.sweep()
    assert list(tmp_path.iterdir()) == []


def test_unknown_stores_say_so() -> None:
    with pytest.raises(ImportError, match="s3fs"):
        target("s3://bucket/key")
    with pytest.raises(ValueError, match="nowhere"):
        target("nowhere://bucket")


def planned(tmp_path: Path, **options: Any) -> tuple[Planner, BatchSpec]:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        pq.write_table(pa.table({"id": range(10), "x": pa.array(range(10), pa.float32())}), folder / f"{number}.parquet")
    spec = BatchSpec.parse({"input": [str(folder)], "output": str(tmp_path / "out"), "part_rows": 10, **options})
    return Planner(spec, "job-1", "work", 2), spec


def test_only_parts_that_agree_with_their_line_are_done(tmp_path: Path) -> None:
    planner, spec = planned(tmp_path)
    place = target(spec.output)
    plan, done = begin(planner, place, None)
    assert len(plan.parts) == 3 and done == {}
    manifest = Manifest(place)
    for part in plan.parts:
        with place.writing(f"part-{part.number:05d}.parquet") as file:
            file.write(b"content")
        digest = hashlib.sha256(b"content").hexdigest()
        name = f"part-{part.number:05d}.parquet"
        record = PartRecord(part=part.number, rows=10, file=name, bytes=7, sha256=digest, input=plan.fingerprint(part))
        assert manifest.commit(record) == record
        # Whoever comes second is told what holds.
        assert manifest.commit(record.evolve(rows=5)) == record
    assert sorted(begin(planner, place, None)[1]) == [0, 1, 2]
    (tmp_path / "out" / "part-00000.parquet").write_bytes(b"Content")
    place.delete("part-00001.parquet")
    assert sorted(begin(planner, place, None)[1]) == [2]
    # The lines of the others are gone, so they can be committed again.
    assert manifest.holds(0) is None and manifest.holds(2) is not None


def test_the_end_leaves_nothing_that_no_line_names(tmp_path: Path) -> None:
    planner, spec = planned(tmp_path)
    place = target(spec.output)
    plan, _ = begin(planner, place, None)
    for name in ("part-00000.parquet", "part-00007.parquet"):
        with place.writing(name) as file:
            file.write(b"x")
    totals = Manifest(place).finish(plan, [PartRecord(part=0, rows=9, errors=1, file="part-00000.parquet", bytes=1)])
    assert (totals["rows"], totals["errors"], totals["parts"]) == (9, 1, 1)
    assert [name for name in place.names() if "/" not in name] == ["_SUCCESS", "part-00000.parquet"]


def test_small_files_share_a_part(tmp_path: Path) -> None:
    planner, spec = planned(tmp_path, part_rows=1000)
    plan, _ = begin(planner, target(spec.output), None)
    assert [len(part.pieces) for part in plan.parts] == [3] and plan.total == 30


def test_names_that_are_ours() -> None:
    assert all(map(is_ours, ["_SUCCESS", "_manifest/plan.json", "_errors/files.jsonl", "part-00001.csv"]))
    assert not any(map(is_ours, ["part-00001.txt", "mine.csv", "sub/part-00001.csv", "parts.csv", ""]))


def test_paths_inside_each_other() -> None:
    assert is_inside("/a/b", "/a") and is_inside("/a", "/a") and not is_inside("/ab", "/a") and not is_inside("/a", "/a/b")
    assert is_inside("s3://b/x/y", "s3://b/x") and not is_inside("s3://b/xy", "s3://b/x")


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "arrow"])
def test_writers_count_what_they_write(kind: str) -> None:
    batch = pa.RecordBatch.from_pylist([{"a": 1, "b": "x", "c": [1, 2]}, {"a": None, "b": None, "c": None}])
    file = io.BytesIO()
    sink = Counted(file)
    made = writer(kind, sink, batch.schema)
    made.write(batch)
    made.close()
    data = file.getvalue()
    assert sink.count == len(data) and sink.sha256 == hashlib.sha256(data).hexdigest()
    if kind == "jsonl":
        assert [json.loads(line) for line in data.splitlines()] == batch.to_pylist()
    elif kind == "csv":
        assert data.decode() == '"a","b","c"\n1,"x","[1,2]"\n,,\n'
    else:
        found = pq.read_table(io.BytesIO(data)) if kind == "parquet" else pa.ipc.open_file(data).read_all()
        assert found.to_pylist() == batch.to_pylist()


def test_a_matrix_is_used_again() -> None:
    ready = MatrixInput(["b", "a"], "float32")
    first = ready(pa.RecordBatch.from_pydict({"a": [1, None], "b": [True, False], "c": ["x", "y"]})).data
    assert first.tolist()[0] == [1.0, 1.0] and np.isnan(first[1, 1]) and first.flags.c_contiguous
    second = ready(pa.RecordBatch.from_pydict({"a": [5], "b": [False]})).data
    assert second.tolist() == [[0.0, 5.0]] and np.shares_memory(first, second)


def test_a_model_of_whole_numbers_is_given_no_others() -> None:
    found = MatrixInput(["a"], "int64")(pa.RecordBatch.from_pydict({"a": [1.0, 1.5, None]}))
    assert [index for index, _ in found.bad] == [1, 2]


def test_a_frame_is_as_in_training() -> None:
    signature = {
        "inputs": [
            {"name": "colour", "dtype": "category", "categories": ["red", "blue"]},
            {"name": "level", "dtype": "category", "categories": [1, 2]},
            {"name": "at", "dtype": "datetime"},
        ]
    }
    columns = {"colour": ["blue", None, "green"], "level": ["1", "2", "2"], "at": ["2026-01-01", "soon", None]}
    found = FrameInput(["colour", "level", "at"], signature)(pa.RecordBatch.from_pydict(columns))
    assert found.data.colour.cat.categories.tolist() == ["red", "blue"] and found.data.level.tolist() == [1, 2, 2]
    assert found.data["at"].dtype.kind == "M"
    assert [index for index, _ in found.bad] == [1, 2]
    assert "'soon' is not a time" in found.bad[0][1] and "'green' is not one of its categories" in found.bad[1][1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([1.0, 2.0]), {"prediction": [1.0, 2.0]}),
        (np.array([[1.0], [2.0]]), {"prediction": [1.0, 2.0]}),
        (np.array([[1, 2], [3, 4]]), {"prediction_0": [1, 3], "prediction_1": [2, 4]}),
        (["a", None], {"prediction": ["a", None]}),
        (pd.Series([1, 2]), {"prediction": [1, 2]}),
        (pd.DataFrame({"p": [1, 2], "q": ["x", "y"]}), {"p": [1, 2], "q": ["x", "y"]}),
        ({"p": [1, 2]}, {"p": [1, 2]}),
        (pa.array([1, 2]), {"prediction": [1, 2]}),
        ([{"a": 1}, {"a": 2}], {"prediction": [{"a": 1}, {"a": 2}]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_predictions_become_columns(given: Any, expected: dict[str, list[Any]]) -> None:
    work = CellModel({"predict": lambda batch: given}, ["a"])
    found = work.predict(None, 2)
    assert {name: values.to_pylist() for name, values in found.items()} == expected


@pytest.mark.parametrize("given", [None, 5, np.ones(3), np.ones((2, 2, 2)), {"p": 1}, {}, "ab"])
def test_what_is_no_prediction(given: Any) -> None:
    with pytest.raises(ModelError):
        CellModel({"predict": lambda batch: given}, ["a"]).predict(None, 2)


def test_a_cell_without_predict_is_refused() -> None:
    with pytest.raises(Invalid, match="defines no function"):
        CellModel({"predict": 5}, [])
