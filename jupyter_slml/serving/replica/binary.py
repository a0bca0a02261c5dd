"""Binary bodies: npy and Arrow streams. Nothing in them is trusted: no pickles, no sizes that the bytes do not have."""

from __future__ import annotations

import io
import math
import struct
from functools import lru_cache
from typing import Any

import numpy as np

from jupyter_slml.errors import BadRequest, Invalid
from jupyter_slml.serving.replica.columns import Columns
from jupyter_slml.serving.replica.frame import Frame
from jupyter_slml.serving.replica.matrix import Matrix

#: A longer header of an npy file is none that describes a table.
LONGEST_HEADER = 10_000

Array = np.ndarray[Any, Any]


def read_npy(body: bytes, columns: Columns, target: Matrix | Frame) -> Any:
    """The rows of an array: a matrix, one row, or records with names. Raises BadRequest, Invalid."""
    start = _header_end(body)
    dtype, fortran, shape = _header(body[:start])
    if dtype.hasobject:
        raise Invalid(
            "The array holds Python objects, which would have to be unpickled.",
            field="body",
            value="object",
            remedy="Send an array of numbers; for texts send JSON, CSV or Arrow.",
        )
    if math.prod(shape) * dtype.itemsize != len(body) - start:
        raise BadRequest(
            f"The array should have {math.prod(shape) * dtype.itemsize} bytes, the body has {len(body) - start}.",
            field="body",
            remedy="Send the whole of what numpy.save writes.",
        )
    if not shape or 0 in shape:
        raise Invalid("There are no rows in the array.", field="body", value=str(shape))
    array = np.frombuffer(body, dtype=dtype, offset=start).reshape(shape, order="F" if fortran else "C")
    if dtype.names is not None:
        if array.ndim != 1:
            raise Invalid("An array of records must have one dimension.", field="body", value=str(shape))
        order = columns.order(dtype.names)
        return target.of_arrays([array[dtype.names[place]] for place in order], columns)
    if array.ndim == 1:
        array = array.reshape(1, -1)
    if array.ndim > 2 and (columns.width is not None or isinstance(target, Frame)):
        raise Invalid(
            f"The array has {array.ndim} dimensions, rows have two.", field="body", value=str(shape), remedy="Send a matrix."
        )
    columns.check_width(array.shape[1], 0)
    return target.of_array(array, columns)


def _header_end(body: bytes) -> int:
    if len(body) < 12 or not body.startswith(b"\x93NUMPY") or body[6] not in (1, 2, 3):
        raise BadRequest("The body is not an npy array.", field="body", remedy="Send what numpy.save writes.")
    if body[6] == 1:
        return 10 + int(struct.unpack_from("<H", body, 8)[0])
    return 12 + int(struct.unpack_from("<I", body, 8)[0])


@lru_cache(maxsize=256)
def _header(head: bytes) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Type, order and shape; the same few come again and again."""
    try:
        file = io.BytesIO(head)
        major, _ = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=LONGEST_HEADER)
        if any(side < 0 for side in shape):
            raise ValueError("a negative shape")
    except Exception as error:
        raise BadRequest(f"The body is not an npy array: {str(error)[:200]}.", field="body") from error
    return dtype, fortran, shape


def read_arrow(body: bytes, columns: Columns, target: Matrix | Frame) -> Any:
    """The rows of an Arrow IPC stream, matched by name. Raises BadRequest, Invalid."""
    import pyarrow

    try:
        _refuse_compressed(pyarrow, body)
        with pyarrow.ipc.open_stream(body) as reader:
            _refuse_kinds(pyarrow, reader.schema)
            table = reader.read_all()
        table.validate(full=True)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise BadRequest(
            f"The body is not an Arrow stream: {str(error).strip().partition(chr(10))[0][:200]}.",
            field="body",
            remedy="Write it with pyarrow.ipc.new_stream, without compression.",
        ) from error
    names = table.column_names
    if not table.num_rows or not names:
        raise Invalid("There are no rows in the table.", field="body", remedy="Send at least one row.")
    # A column of nothing but nulls takes no bytes at all.
    if table.num_rows * len(names) > 8 * len(body):
        raise Invalid("The table has more values than its bytes can hold.", field="body", value=table.num_rows)
    if columns.names is not None:
        table = table.select(columns.order(names))
    else:
        columns.check_width(len(names), 0)
    batches = table.to_batches()
    if isinstance(target, Matrix) and len(batches) == 1 and all(_is_float(pyarrow, field.type) for field in table.schema):
        return target.of_array(batches[0].to_tensor(null_to_nan=True, row_major=True).to_numpy(), columns)
    arrays = [_values(pyarrow, column) for column in table.columns]
    if isinstance(target, Matrix):
        for place, array in enumerate(arrays):
            if array.dtype.kind not in "fiub":
                kind = str(table.schema.types[place])
                raise Invalid(
                    f"The column {columns.name(place)} holds {kind}, not numbers.",
                    field=names[place] if columns.names is None else columns.names[place],
                    value=kind,
                    remedy="Send a column of floats or integers.",
                )
    return target.of_arrays(arrays, columns)


def _is_float(pyarrow: Any, kind: Any) -> bool:
    return bool(pyarrow.types.is_float32(kind) or pyarrow.types.is_float64(kind))


def _values(pyarrow: Any, column: Any) -> Array:
    """Numbers and times as they are, missing ones as NaN; everything else as objects."""
    kind = column.type
    if pyarrow.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind):
        if column.null_count:
            column = column.cast(pyarrow.float64(), safe=False)
        found: Array = column.to_numpy()
        return found
    if pyarrow.types.is_boolean(kind) and not column.null_count:
        truths: Array = column.to_numpy()
        return truths
    if pyarrow.types.is_timestamp(kind) and kind.tz is None:
        times: Array = column.cast(pyarrow.timestamp("ns")).to_numpy()
        return times
    values = column.to_pylist()
    found = np.empty(len(values), dtype=object)
    found[:] = [value.isoformat() if hasattr(value, "isoformat") else value for value in values]
    return found


def _refuse_kinds(pyarrow: Any, schema: Any) -> None:
    """Only kinds whose values cannot be larger in memory than in the stream. Raises Invalid."""
    types = pyarrow.types
    plain = (
        types.is_integer,
        types.is_floating,
        types.is_boolean,
        types.is_null,
        types.is_string,
        types.is_large_string,
        types.is_timestamp,
        types.is_date,
    )
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not any(check(kind) for check in plain):
            raise Invalid(
                f"The column {field.name[:60]!r} holds {str(field.type)[:60]}, which is not read.",
                field=field.name[:60],
                value=str(field.type),
                remedy="Send columns of numbers, texts, truth values or times.",
            )


def _refuse_compressed(pyarrow: Any, body: bytes) -> None:
    """A few compressed bytes can be gigabytes of zeros. Raises Invalid."""
    reader = pyarrow.ipc.MessageReader.open_stream(body)
    for message in reader:
        kind = message.type
        if kind not in ("record batch", "dictionary"):
            continue
        data = message.metadata.to_pybytes()
        header = _table(data, _field(data, struct.unpack_from("<I", data)[0], 2))
        if kind == "dictionary":
            header = _table(data, _field(data, header, 1))
        if _field(data, header, 3):
            raise Invalid(
                "The Arrow stream is compressed.",
                field="body",
                value="compression",
                remedy="Write it without compression; compress nothing or the connection.",
            )


def _field(data: bytes, table: int, slot: int) -> int:
    """Where a flatbuffer's table keeps its field, 0 when it has none."""
    virtual = table - int(struct.unpack_from("<i", data, table)[0])
    size = int(struct.unpack_from("<H", data, virtual)[0])
    place = 4 + 2 * slot
    offset = int(struct.unpack_from("<H", data, virtual + place)[0]) if place < size else 0
    return table + offset if offset else 0


def _table(data: bytes, place: int) -> int:
    """The table that a field points to."""
    return place + int(struct.unpack_from("<I", data, place)[0])
