"""What a data format takes it gives back: value, dtypes, index, names, attrs. Everything else is pickled."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd

from jupyter_slml.domain import formats

_few = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class FrontToBack(io.RawIOBase):
    """A file that can only be written on, like the notebook's spool."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return memoryview(data).nbytes

    def tell(self) -> int:
        return len(self.data)


def round_trip(value: Any, tmp_path: Path) -> tuple[str, Any]:
    chosen = formats.choose(value, formats.CAPTURE_FORMATS)
    file = FrontToBack()
    chosen.write(value, file)  # type: ignore[arg-type]
    path = tmp_path / "stored"
    path.unlink(missing_ok=True)
    path.write_bytes(file.data)
    return chosen.key, formats.by_key(chosen.key).read(path)


def assert_same_frame(left: Any, right: Any) -> None:
    pd.testing.assert_frame_equal(
        left, right, check_exact=True, check_freq=True, check_index_type=True, check_column_type=True
    )
    assert list(left.dtypes) == list(right.dtypes)
    assert type(left.index) is type(right.index) and left.index.names == right.index.names
    assert left.columns.names == right.columns.names and left.attrs == right.attrs


_scalars = st.one_of(
    st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint64", "float32", "float64", "bool"]).map(np.dtype),
    st.sampled_from(["datetime64[ns]", "datetime64[us]", "datetime64[s]", "timedelta64[ns]", "timedelta64[ms]"]).map(
        np.dtype
    ),
)


def _filled(kind: Any, size: int, draw: Any) -> Any:
    return draw(hnp.arrays(kind, size))


@st.composite
def frames(draw: Any) -> Any:
    size = draw(st.integers(0, 6))
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    columns: dict[str, Any] = {}
    for name in draw(st.lists(text, unique=True, max_size=4)):
        kind = draw(st.sampled_from(["numpy", "string", "categorical", "ordered", "Int64", "boolean", "tz", "object"]))
        if kind == "numpy":
            columns[name] = pd.Series(_filled(draw(_scalars), size, draw))
        elif kind in ("string", "categorical", "ordered"):
            values = pd.Series(draw(st.lists(st.none() | text, min_size=size, max_size=size)), dtype="str")
            extra = draw(st.lists(text, unique=True, max_size=2))
            if kind != "string":
                known = [*dict.fromkeys([*values.dropna(), *extra])]
                values = values.astype(pd.CategoricalDtype(known, ordered=kind == "ordered"))
            columns[name] = values
        elif kind == "Int64":
            columns[name] = pd.Series(
                draw(st.lists(st.none() | st.integers(-9, 9), min_size=size, max_size=size)), dtype="Int64"
            )
        elif kind == "boolean":
            columns[name] = pd.Series(
                draw(st.lists(st.none() | st.booleans(), min_size=size, max_size=size)), dtype="boolean"
            )
        elif kind == "tz":
            stamps = draw(st.lists(st.integers(0, 10**9), min_size=size, max_size=size))
            columns[name] = pd.Series(pd.to_datetime(stamps, unit="s", utc=True).tz_convert("Europe/Berlin"))
        else:
            mixed = st.one_of(st.none(), st.integers(), text, st.tuples(st.integers()))
            columns[name] = pd.Series(draw(st.lists(mixed, min_size=size, max_size=size)), dtype=object)
    index = draw(
        st.sampled_from(
            [
                pd.RangeIndex(size),
                pd.RangeIndex(5, 5 + 3 * size, 3),
                pd.Index(np.arange(size) * 2),
                pd.Index([str(number) for number in range(size)], dtype="str"),
                pd.DatetimeIndex(pd.to_datetime(np.arange(size) * 7, unit="s"), freq=None),
                pd.date_range("2024-01-01", periods=size),
                pd.CategoricalIndex(["ab"[number % 2] for number in range(size)], categories=["b", "a", "c"]),
                pd.MultiIndex.from_arrays([np.arange(size), np.arange(size)]),
                pd.interval_range(0, size),
            ]
        )
    )
    index = index.rename([None] * index.nlevels if index.nlevels > 1 else draw(st.none() | text))
    frame = pd.DataFrame({name: series.set_axis(index) for name, series in columns.items()}, index=index)
    frame.attrs = draw(st.sampled_from([{}, {"unit": "m", "n": [1, None]}, {"pair": (1, 2)}]))
    frame.columns.name = draw(st.sampled_from([None, None, "c"]))
    return frame


@_few
@given(frames())
def test_a_frame_comes_back_as_it_went(tmp_path: Path, frame: Any) -> None:
    _, back = round_trip(frame, tmp_path)
    assert_same_frame(frame, back)


@_few
@given(frames(), st.none() | st.text(max_size=3) | st.integers(0, 3))
def test_a_series_comes_back_as_it_went(tmp_path: Path, frame: Any, name: Any) -> None:
    for column in frame:
        series = frame[column].rename(name)
        series.attrs = frame.attrs
        _, back = round_trip(series, tmp_path)
        pd.testing.assert_series_equal(series, back, check_exact=True, check_freq=True)
        assert (series.attrs, series.name, series.dtype) == (back.attrs, back.name, back.dtype)
        assert type(series.index) is type(back.index) and series.index.names == back.index.names


@_few
@given(hpd.data_frames(hpd.columns(["a", "b"], dtype=float)))
def test_floats_and_missing_values(tmp_path: Path, frame: Any) -> None:
    key, back = round_trip(frame, tmp_path)
    assert key == "arrow"
    assert_same_frame(frame, back)


@_few
@given(hnp.arrays(hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_an_array_comes_back_as_it_went(tmp_path: Path, array: Any) -> None:
    _, back = round_trip(array, tmp_path)
    assert type(back) is np.ndarray and (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.tuples(st.integers())
    | st.builds(lambda: 10**5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@_few
@given(_json)
def test_plain_values_come_back_as_they_went(tmp_path: Path, value: Any) -> None:
    _, back = round_trip(value, tmp_path)
    assert np.testing.assert_equal(back, value) is None and type(back) is type(value)  # type: ignore[func-returns-value]


@pytest.mark.parametrize("face", ["matrix", "array"])
@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
def test_a_sparse_matrix_comes_back_as_it_went(tmp_path: Path, layout: str, face: str) -> None:
    for dtype in ("float64", "float32", "int8", "bool", "complex64"):
        dense = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]], dtype=dtype)
        matrix = getattr(scipy.sparse, f"{layout}_{face}")(dense)
        key, back = round_trip(matrix, tmp_path)
        assert key == ("cloudpickle" if layout in ("lil", "dok") else "sparse-npz")
        assert type(back) is type(matrix) and back.dtype == matrix.dtype and (back.toarray() == dense).all()
    assert b"pickle" not in (tmp_path / "stored").read_bytes() or layout in ("lil", "dok")


def test_a_table_comes_back_as_it_went(tmp_path: Path) -> None:
    words = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", None]).dictionary_encode()])
    table = pa.table(
        {"n": [1, 2, None, 4], "list": [[1], [], None, [2]], "word": words, "s": [{"x": 1}] * 4}
    ).replace_schema_metadata({"k": "v"})
    key, back = round_trip(table, tmp_path)
    assert key == "arrow-table" and back.equals(table, check_metadata=True) and back.schema == table.schema


def test_what_plain_frames_are_stored_as(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "c": pd.Categorical(["u", "v"])})
    for other in (frame, frame.set_index("a"), frame.iloc[:0], frame.set_index("c"), frame.rename_axis("id")):
        key, back = round_trip(other, tmp_path)
        assert key == "arrow"
        assert_same_frame(other, back)
    for other in (frame.set_index(["a", "b"]), frame.T, frame.astype({"b": object}), frame.assign(d=[(1,), [2]])):
        assert round_trip(other, tmp_path)[0] == "cloudpickle"
    assert round_trip(frame["b"], tmp_path)[0] == "arrow-series"


def _mixed(rows: int) -> Any:
    return pd.DataFrame(
        {
            "a": np.arange(rows, dtype="int8"),
            "b": np.arange(rows, dtype="int8"),
            "word": ["x", "y"] * (rows // 2),
            "x": np.linspace(0, 1, rows),
            "y": np.where(np.arange(rows) % 3, 0.5, np.nan),
            "kind": pd.Categorical(["u", "v"] * (rows // 2)),
            "day": pd.date_range("2024-01-01", periods=rows).to_numpy(),
            "seen": pd.Series(pd.date_range("2024-01-01", periods=rows)).where(np.arange(rows) > 1),
            "flag": np.arange(rows) % 2 == 0,
            "many": pd.array([1, None] * (rows // 2), dtype="Int64"),
            "there": pd.date_range("2024-01-01", periods=rows, tz="Europe/Berlin"),
        },
        index=pd.Index(np.arange(rows) * 2.0, name="key"),
    )


@pytest.mark.filterwarnings("error")
def test_a_frame_is_read_where_it_lies_and_written_in_private(tmp_path: Path) -> None:
    frame = _mixed(1000)
    key, back = round_trip(frame, tmp_path)
    stored = (tmp_path / "stored").read_bytes()
    assert key == "arrow"
    assert_same_frame(frame, back)
    for position, name in enumerate(frame):
        back.iloc[0, position] = back.iloc[3, position]
        pd.testing.assert_series_equal(back[name].iloc[[0]], back[name].iloc[[3]], check_index=False)
    back["x"] += 1
    back.loc[back["x"] > 1.5, "y"] = 0.0
    back["new"] = back["x"] * back["y"]
    assert back.drop(columns=["word", "kind", "there"]).astype(float, errors="ignore").shape == (1000, 9)
    assert (tmp_path / "stored").read_bytes() == stored
    assert_same_frame(frame, formats.by_key("arrow").read(tmp_path / "stored"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint16", "datetime64[us]", "timedelta64[s]"])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_a_frame_of_one_dtype_is_one_block(tmp_path: Path, dtype: str, rows: int) -> None:
    values = np.arange(rows * 5).reshape(rows, 5).astype(dtype)
    frame = pd.DataFrame(values, columns=list("abcde"))
    if dtype.startswith("float") and rows > 3:
        frame.iloc[2, 1] = np.nan
    _, back = round_trip(frame, tmp_path)
    assert_same_frame(frame, back)
    whole = back.to_numpy(copy=False)
    assert whole.base is not None and np.shares_memory(whole, back["c"].to_numpy())
    assert back["a"].to_numpy().strides == (back["a"].dtype.itemsize,)
    back.iloc[0, 4] = back.iloc[-1, 0]
    assert np.shares_memory(whole, back.to_numpy(copy=False))


def test_xgboost_takes_a_frame_that_was_read(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    frame = pd.DataFrame(np.random.default_rng(0).random((200, 4)), columns=list("abcd"))
    frame.iloc[::7, 2] = np.nan
    _, back = round_trip(frame, tmp_path)
    ours, theirs = (xgboost.DMatrix(each, label=each["a"]) for each in (frame, back))
    assert ours.num_nonmissing() == theirs.num_nonmissing() and ours.feature_names == theirs.feature_names
    assert (ours.get_data() != theirs.get_data()).nnz == 0


def test_frames_with_many_changes_of_dtype_and_in_several_batches(tmp_path: Path) -> None:
    wide = pd.DataFrame({f"c{number}": np.arange(4).astype("f4" if number % 2 else "f8") for number in range(1200)})
    _, back = round_trip(wide, tmp_path)
    assert_same_frame(wide, back)
    frame = _mixed(100)
    table = pa.Table.from_pandas(frame)
    # As older versions stored frames: missing values are nulls.
    with pa.ipc.new_file(tmp_path / "batches", table.schema) as writer:
        for begin in (0, 40):
            writer.write_table(table.slice(begin, 40 if begin == 0 else 60))
    assert_same_frame(frame, formats.by_key("arrow").read(tmp_path / "batches"))


def test_polars_if_it_is_there(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], []]}).with_columns(
        polars.col("b").cast(polars.Categorical).alias("d"), polars.lit("2024-01-01").str.to_date().alias("e")
    )
    key, back = round_trip(frame, tmp_path)
    assert key == "polars-ipc" and back.equals(frame) and back.schema == frame.schema
    assert not formats.by_key("polars-ipc").accepts(polars.DataFrame({"o": polars.Series([object], dtype=polars.Object)}))
