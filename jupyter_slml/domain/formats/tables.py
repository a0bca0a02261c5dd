"""Tables of pyarrow and frames of polars."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format, is_exactly


def _is_table(value: object) -> bool:
    # Without columns, the number of rows would be lost.
    return is_exactly("pyarrow", "Table", value) and value.num_columns > 0  # type: ignore[attr-defined]


def _write_table(value: Any, file: BinaryIO) -> None:
    import pyarrow as pa

    # A stream and no file: its dictionaries may change from batch to batch.
    with pa.ipc.new_stream(file, value.schema) as writer:
        writer.write_table(value)


def _read_table(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _is_polars(value: object) -> bool:
    if not is_exactly("polars", "DataFrame", value):
        return False
    frame: Any = value
    return frame.width > 0 and not any("Object" in str(kind) for kind in frame.dtypes)


def _write_polars(value: Any, file: BinaryIO) -> None:
    import polars

    value.write_ipc(file, compat_level=polars.CompatLevel.newest())


def _read_polars(path: Path) -> Any:
    import polars

    return polars.read_ipc(path)


TABLE = Format("arrow-table", True, _is_table, _write_table, _read_table)
POLARS = Format("polars-ipc", True, _is_polars, _write_polars, _read_polars)
