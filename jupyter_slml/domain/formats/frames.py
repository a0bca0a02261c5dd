"""pandas through Arrow, where Arrow gives back exactly what it got; the others are pickled."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format, is_exactly
from jupyter_slml.domain.formats.mapped import MappedTable
from jupyter_slml.domain.formats.plain import is_json

_KINDS = frozenset("biufmM")
_VALUE = "value"
_ABOUT = b"jupyter_slml"


def _is_frame(value: object) -> bool:
    """Plain, nullable, date, categorical and string columns under unique names; an index of the same kinds."""
    if not is_exactly("pandas", "DataFrame", value):
        return False
    frame: Any = value
    names = frame.columns
    if not all(type(name) is str and not name.startswith("__index_level_") for name in names) or not names.is_unique:
        return False
    if not frame.flags.allows_duplicate_labels or not _are_attrs(frame.attrs) or not _is_index(frame.index, set(names)):
        return False
    return all(map(_is_exact, frame.dtypes)) and _returns(frame.iloc[:0])


def _is_series(value: object) -> bool:
    if not is_exactly("pandas", "Series", value):
        return False
    series: Any = value
    if not isinstance(series.name, str | None) or not series.flags.allows_duplicate_labels or not _are_attrs(series.attrs):
        return False
    if not _is_exact(series.dtype) or not _is_index(series.index, {_VALUE}):
        return False
    return _returns(series.iloc[:0].to_frame(_VALUE))


def _are_attrs(attrs: Any) -> bool:
    return is_json(dict(attrs))


def _is_exact(dtype: Any) -> bool:
    pandas = sys.modules["pandas"]
    if isinstance(dtype, pandas.CategoricalDtype):
        return _is_exact(dtype.categories.dtype) and dtype.categories.name is None
    if isinstance(dtype, pandas.StringDtype | pandas.BooleanDtype | pandas.DatetimeTZDtype):
        return True
    if hasattr(dtype, "numpy_dtype"):
        # Nullable floats may hold both NaN and NA, which Arrow makes one.
        return dtype.kind in "iu" and not isinstance(dtype, pandas.ArrowDtype)
    return getattr(dtype, "kind", "O") in _KINDS and getattr(dtype, "isnative", True)


def _is_index(index: Any, columns: set[str]) -> bool:
    pandas = sys.modules["pandas"]
    if not isinstance(index.name, str | None) or index.name in columns or (index.name or "").startswith("__index_level_"):
        return False
    if type(index) is pandas.RangeIndex:
        return True
    if type(index) not in (pandas.Index, pandas.DatetimeIndex, pandas.TimedeltaIndex, pandas.CategoricalIndex):
        return False
    return _is_exact(index.dtype) and getattr(index, "freq", None) is None


def _returns(empty: Any) -> bool:
    """Whether all that is no value comes back: tried on a frame of the same shape without rows."""
    try:
        back = _table(empty).to_pandas()
    except Exception:
        return False
    if not all(_same_dtype(old, new) for old, new in zip(empty.dtypes, back.dtypes, strict=True)):
        return False
    for old, new in ((empty.index, back.index), (empty.columns, back.columns)):
        if type(old) is not type(new) or not _same_dtype(old.dtype, new.dtype) or list(old.names) != list(new.names):
            return False
    return bool(back.attrs == empty.attrs)


def _same_dtype(old: Any, new: Any) -> bool:
    if hasattr(old, "categories") and hasattr(new, "categories"):
        return bool(old == new) and bool(old.categories.dtype == new.categories.dtype)
    # Dates of one zone are equal whichever library's it is.
    return bool(old == new) and type(getattr(old, "tz", None)) is type(getattr(new, "tz", None))


def _table(frame: Any) -> Any:
    """What `Table.from_pandas` makes, but that NaN stays NaN: a null costs a bitmap here and a copy where it is read."""
    import pyarrow as pa

    schema = pa.Schema.from_pandas(frame, preserve_index=None)
    return pa.table([_column(frame, field) for field in schema], schema=schema)


def _column(frame: Any, field: Any) -> Any:
    import pyarrow as pa

    values = frame[field.name] if field.name in frame.columns else frame.index
    if getattr(values.dtype, "kind", "O") == "f" and not hasattr(values.dtype, "numpy_dtype"):
        return pa.array(values.to_numpy(), type=field.type, from_pandas=False)
    return pa.array(values, type=field.type, from_pandas=True)


def _write(table: Any, file: BinaryIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(file, table.schema) as writer:
        if len(table):
            writer.write_table(table)
        else:
            # Without a batch, the categories of an empty frame would not be written.
            writer.write_batch(pa.record_batch([column.chunk(0) for column in table.columns], schema=table.schema))


def _write_frame(value: Any, file: BinaryIO) -> None:
    _write(_table(value), file)


def _read_frame(path: Path) -> Any:
    return MappedTable(path).frame()


def _write_series(value: Any, file: BinaryIO) -> None:
    table = _table(value.to_frame(_VALUE))
    about = json.dumps({"name": value.name, "attrs": dict(value.attrs)}).encode()
    _write(table.replace_schema_metadata({**table.schema.metadata, _ABOUT: about}), file)


def _read_series(path: Path) -> Any:
    mapped = MappedTable(path)
    about = json.loads(mapped.table.schema.metadata[_ABOUT])
    series = mapped.frame()[_VALUE].rename(about["name"])
    series.attrs = about["attrs"]
    return series


ARROW = Format("arrow", True, _is_frame, _write_frame, _read_frame)
SERIES = Format("arrow-series", True, _is_series, _write_series, _read_series)
