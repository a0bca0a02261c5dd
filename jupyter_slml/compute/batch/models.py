"""What predicts: a registered version, or the cell's `predict`."""

from __future__ import annotations

import asyncio
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from jupyter_slml.compute.batch.inputs import FrameInput, MatrixInput, Ready
from jupyter_slml.domain.specs.batch import BatchModel
from jupyter_slml.errors import Invalid, ModelError
from jupyter_slml.predictors.loading import load

#: Name of the predictions' column; with several columns, the beginning of their names.
PREDICTION = "prediction"

Columns = dict[str, pa.Array]


class Work(Protocol):
    """Made in the host and inherited by every slot."""

    def begin(self, threads: int) -> None:
        """In a slot, before its first part. Raises what the user's code raises."""

    def prepare(self, batch: pa.RecordBatch) -> Ready:
        """What `predict` takes."""

    def take(self, data: Any, rows: slice) -> Any:
        """Some rows of what `prepare` gave."""

    def predict(self, data: Any, count: int) -> Columns:
        """Columns of predictions, a value per row. Raises what the model raises, ModelError for a wrong number of rows."""


class RegisteredModel:
    """A version of the registry, loaded once, before the slots are forked."""

    def __init__(self, path: Path, model: BatchModel, features: list[str], *, allow_pickle: bool) -> None:
        """Raises what `predictors.loading.load` raises."""
        self._signature = model.signature or {}
        self._path, self._about, self._allow_pickle = path, model, allow_pickle
        self._load(1)
        dtype = getattr(self._predictor, "dtype", "frame")
        signature = self._signature
        # A model without names gets its rows as it got them in training: as a matrix.
        self._input: Callable[[pa.RecordBatch], Ready] = (
            FrameInput(features, signature) if dtype == "frame" else MatrixInput(features, dtype)
        )
        classes = signature.get("classes")
        self._classes = list(classes) if isinstance(classes, list) else []
        self._handle = getattr(self._predictor, "handle", None)

    def _load(self, threads: int) -> None:
        model = self._about
        _, self._predictor = load(self._path, model.digest, model.format, model.signature, threads, self._allow_pickle)

    def begin(self, threads: int) -> None:
        if threads > 1 or self._about.format == "onnx":
            # Threads do not come along in a fork.
            self._load(threads)
            self._handle = getattr(self._predictor, "handle", None)

    def prepare(self, batch: pa.RecordBatch) -> Ready:
        return self._input(batch)

    def take(self, data: Any, rows: slice) -> Any:
        return data.iloc[rows] if hasattr(data, "iloc") else data[rows]

    def predict(self, data: Any, count: int) -> Columns:
        if self._handle is not None:
            found = _handled(self._handle, data)
        else:
            found = self._predictor.predict(data)  # type: ignore[union-attr]
            if inspect.isawaitable(found):
                found = asyncio.run(_awaited(found))
        return _columns(found, count, self._classes)


class CellModel:
    """`predict(batch)` of the cell, and `setup()` if there is one. A batch is a DataFrame, or what the annotation says:
    `pa.RecordBatch` or `pa.Table`."""

    def __init__(self, names: Mapping[str, Any], features: list[str]) -> None:
        """Raises Invalid when the cell defines no `predict`."""
        self._predict = names.get("predict")
        if not callable(self._predict):
            raise Invalid(
                "The cell defines no function `predict(batch)`.",
                field="cell",
                remedy="Write `def predict(batch): …`; it gets a DataFrame and gives a value or a line for each row.",
            )
        self._setup = names.get("setup")
        self._features = features
        self._kind = _wanted(self._predict)

    def begin(self, threads: int) -> None:
        if callable(self._setup):
            self._setup()

    def prepare(self, batch: pa.RecordBatch) -> Ready:
        chosen = batch.select(self._features)
        if self._kind is pa.RecordBatch:
            return Ready(chosen, [])
        if self._kind is pa.Table:
            return Ready(pa.Table.from_batches([chosen]), [])
        return Ready(chosen.to_pandas(), [])

    def take(self, data: Any, rows: slice) -> Any:
        if hasattr(data, "iloc"):
            return data.iloc[rows].reset_index(drop=True)
        return data.slice(rows.start, rows.stop - rows.start)

    def predict(self, data: Any, count: int) -> Columns:
        found = self._predict(data)  # type: ignore[misc]
        if inspect.isawaitable(found):
            found = asyncio.run(_awaited(found))
        return _columns(found, count, [])


def _wanted(function: Any) -> Any:
    try:
        hints = typing.get_type_hints(function)
    except Exception:
        return None
    return next((kind for name, kind in hints.items() if name != "return" and kind in (pa.RecordBatch, pa.Table)), None)


async def _awaited(found: Any) -> Any:
    return await found


def _handled(handle: Any, rows: Any) -> Any:
    """Through handlers as a client's JSON would go."""
    body = rows.to_json(orient="values").encode() if hasattr(rows, "to_json") else json.dumps(rows.tolist()).encode()
    found = handle(body, "application/json", "application/json")
    answer, kind = asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found
    if not kind.startswith("application/json"):
        raise ModelError(f"The handlers answered {kind!r}, and batch prediction reads application/json.")
    data = json.loads(answer)
    return data["predictions"] if isinstance(data, dict) and "predictions" in data else data


def _columns(found: Any, count: int, classes: list[Any]) -> Columns:
    """Whatever a model gives, as columns. Raises ModelError for another number of rows."""
    if isinstance(found, (pa.Table, pa.RecordBatch)):
        made = {name: _flat(found.column(name)) for name in found.schema.names}
    elif hasattr(found, "columns") and hasattr(found, "to_dict"):
        made = {str(name): _array(found[name]) for name in found.columns}
    elif isinstance(found, Mapping):
        made = {str(name): _array(values) for name, values in found.items()}
    else:
        made = _matrix(found, classes)
    for name, values in made.items():
        if len(values) != count:
            raise ModelError(f"predict gave {len(values)} values of {name!r} for {count} rows.")
    if not made:
        raise ModelError("predict gave nothing.")
    return made


def _matrix(found: Any, classes: list[Any]) -> Columns:
    values = found if isinstance(found, (np.ndarray, pa.Array, pa.ChunkedArray)) else _sequence(found)
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if not isinstance(values, np.ndarray) or values.ndim == 1:
        return {PREDICTION: _array(values)}
    if values.ndim != 2:
        raise ModelError(f"predict gave an array of {values.ndim} dimensions.")
    if len(classes) == values.shape[1]:
        # Probabilities: the class that has the largest one, then all of them.
        best = values.argmax(axis=1)
        made = {PREDICTION: pa.array([classes[place] for place in best])}
        return made | {f"probability_{label}": _array(values[:, place]) for place, label in enumerate(classes)}
    return {f"{PREDICTION}_{place}": _array(values[:, place]) for place in range(values.shape[1])}


def _sequence(found: Any) -> Any:
    if hasattr(found, "to_numpy") or isinstance(found, (list, tuple)) or hasattr(found, "__array__"):
        return found if hasattr(found, "dtype") and not hasattr(found, "__array__") else _numpy(found)
    raise ModelError(f"predict gave a {type(found).__name__}, not a value per row.")


def _numpy(found: Any) -> Any:
    try:
        array = np.asarray(found)
    except ValueError:
        return list(found)
    # Texts, None and nested values are Arrow's to judge.
    return array if array.dtype.kind in "biuf" else found


def _array(values: Any) -> pa.Array:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return _flat(values)
    if isinstance(values, np.ndarray):
        return pa.array(np.ascontiguousarray(values))
    try:
        return _flat(pa.array(values, from_pandas=True))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise ModelError(f"The predictions fit into no column: {str(error)[:200]}.") from error


def _flat(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
