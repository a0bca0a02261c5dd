"""Predictions become answers: JSON, CSV, npy or an Arrow stream, as the client asks in Accept."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from jupyter_slml.errors import NotAcceptable

JSON = b"application/json"
CSV = b"text/csv; charset=utf-8"
NPY = b"application/x-npy"
ARROW = b"application/vnd.apache.arrow.stream"

Array = np.ndarray[Any, Any]

#: What a range of Accept stands for.
_OFFERED = {
    "*/*": JSON,
    "application/*": JSON,
    "application/json": JSON,
    "text/*": CSV,
    "text/csv": CSV,
    "application/x-npy": NPY,
    "application/vnd.apache.arrow.stream": ARROW,
}


@lru_cache(maxsize=256)
def accepted(accept: str) -> bytes:
    """The content type of the answer: of those we have the one the client likes best, the first of equals; JSON when it
    does not say. Raises NotAcceptable."""
    best, liked = JSON, 0.0 if accept.strip() else 1.0
    for part in accept.split(","):
        kind, _, rest = part.partition(";")
        found = _OFFERED.get(kind.strip().lower())
        quality = _quality(rest)
        if found is not None and quality > liked:
            best, liked = found, quality
    if liked == 0:
        raise NotAcceptable(
            f"Answers cannot be given as {accept[:100]!r}.",
            field="Accept",
            value=accept,
            remedy="Ask for application/json, text/csv, application/x-npy or application/vnd.apache.arrow.stream.",
        )
    return best


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


class Answers:
    """The predictions of a batch, written once and then cut.

    NaN and infinity become null in JSON and an empty cell in CSV; the binary forms keep them.
    """

    def __init__(self, predictions: Array, classes: list[Any] | None = None) -> None:
        if predictions.dtype.kind in "fc" and predictions.dtype.itemsize > 8:
            # A long double, which JSON's writer does not know.
            predictions = predictions.astype(np.float64) if predictions.dtype.kind == "f" else predictions.astype(object)
        self._predictions = predictions.astype(predictions.dtype.newbyteorder("="), copy=False)
        self._classes = classes or []
        self._deep = predictions.ndim > 1
        self._text = predictions.dtype.kind in "fiub" and predictions.ndim <= 2
        self._written: list[bytes] | None = None

    def encode(self, start: int, end: int, kind: bytes) -> tuple[bytes, bytes]:
        """Content type and body of the answer with the predictions from `start` to before `end`. Raises NotAcceptable."""
        if kind is NPY:
            return NPY, write_npy(self._array(start, end))
        if kind is ARROW:
            return ARROW, self._arrow(start, end)
        if not self._text:
            return self._encode_values(self._predictions[start:end].tolist(), kind)
        if self._written is None:
            self._written = self._write()
        pieces = self._written[start:end]
        if kind is CSV:
            return CSV, b"\n".join(pieces).replace(b"null", b"") + b"\n"
        if self._deep:
            return JSON, b'{"predictions":[[' + b"],[".join(pieces) + b"]]}"
        return JSON, b'{"predictions":[' + b",".join(pieces) + b"]}"

    def _write(self) -> list[bytes]:
        """The text of each row."""
        text = orjson.dumps(self._predictions, option=orjson.OPT_SERIALIZE_NUMPY)
        return text[2:-2].split(b"],[") if self._deep else text[1:-1].split(b",")

    def _encode_values(self, values: list[Any], kind: bytes) -> tuple[bytes, bytes]:
        """Labels: strings, or whatever the model gives."""
        if kind is JSON:
            return JSON, orjson.dumps({"predictions": values}, default=str)
        if self._predictions.ndim > 2:
            raise _no_table("text/csv", self._predictions.ndim)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(value if isinstance(value, list) else [value] for value in values)
        return CSV, out.getvalue().encode()

    def _array(self, start: int, end: int) -> Array:
        found = self._predictions[start:end]
        if found.dtype.hasobject:
            values = found.ravel().tolist()
            if not all(isinstance(value, str) for value in values):
                raise NotAcceptable(
                    "These predictions are neither numbers nor texts, so there is no npy array of them.",
                    field="Accept",
                    remedy="Ask for application/json.",
                )
            return found.astype(str)
        return found

    def _arrow(self, start: int, end: int) -> bytes:
        """One column `prediction`, or one per class, named by it."""
        import pyarrow

        found = self._array(start, end)
        if found.ndim > 2:
            raise _no_table("an Arrow table", found.ndim)
        if found.ndim == 1:
            names, columns = ["prediction"], [found]
        else:
            width = found.shape[1]
            named = len(self._classes) == width and len({str(name) for name in self._classes}) == width
            names = [str(name) for name in self._classes] if named else [f"prediction_{place}" for place in range(width)]
            columns = list(found.T)
        arrays = [pyarrow.array(column.tolist() if column.dtype.kind == "U" else column) for column in columns]
        batch = pyarrow.record_batch(arrays, names=names)
        out = io.BytesIO()
        with pyarrow.ipc.new_stream(out, batch.schema) as writer:
            writer.write_batch(batch)
        return out.getvalue()


def write_npy(array: Array) -> bytes:
    """What numpy.save writes."""
    array = np.ascontiguousarray(array)
    return _npy_head(array.dtype, array.shape) + array.tobytes()


@lru_cache(maxsize=256)
def _npy_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    about = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, about)
    return out.getvalue()


def _no_table(kind: str, dimensions: int) -> NotAcceptable:
    return NotAcceptable(
        f"Predictions of {dimensions} dimensions cannot be given as {kind}.",
        field="Accept",
        remedy="Ask for application/json or application/x-npy.",
    )
