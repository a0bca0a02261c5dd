"""The work of an evaluation job, run in its child: read a table, predict as an endpoint would, measure, draw."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_slml.domain import evaluations
from jupyter_slml.domain.figures import Figures, draw
from jupyter_slml.domain.signatures import takes_frame
from jupyter_slml.errors import Invalid
from jupyter_slml.predictors.loading import load

Array = np.ndarray[Any, Any]

#: Rows that are predicted at once.
BATCH = 50_000


class Evaluation:
    """A version of a model, loaded from its bytes at `path`. `version` holds its digest, format and signature."""

    def __init__(self, path: Path, version: dict[str, Any], *, allow_pickle: bool = False) -> None:
        threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        self.signature: dict[str, Any] = version["signature"] or {}
        key, digest = version["format"], version["digest"]
        self.model, self._predictor = load(path, digest, key, self.signature, threads, allow_pickle)

    def measure(self, table: Any, target: str) -> tuple[dict[str, float], Figures]:
        """Metrics and figures of the predictions for a DataFrame, of which one column is what is true. Raises Invalid."""
        if hasattr(table, "to_pandas"):
            table = table.to_pandas()
        table.columns = [str(name) for name in table.columns]
        if target not in table.columns:
            raise Invalid(
                f"The input has no column {target!r}.",
                field="--target",
                value=target,
                remedy=f"Its columns: {', '.join(map(repr, table.columns[:40]))}.",
            )
        predictions = self.predict(table.drop(columns=target))
        found, figures = evaluations.evaluate(table[target].to_numpy(), predictions, self.signature)
        return found, figures | evaluations.importance(self.model, self.signature.get("columns"))

    def predict(self, table: Any) -> Array:
        """One prediction per row of a DataFrame. Raises Invalid for a table without the model's columns."""
        rows = self._rows(table)
        parts = [self._batch(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _batch(self, rows: Any) -> Array:
        handle = getattr(self._predictor, "handle", None)
        if handle is not None:
            return _handled(handle, rows)
        predict: Any = getattr(self._predictor, "predict")  # noqa: B009 — one of two protocols
        found = predict(rows)
        return np.asarray(asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found)

    def _rows(self, table: Any) -> Any:
        names = self.signature.get("columns")
        if names is None and takes_frame(self.signature):
            names = [item["name"] for item in self.signature["inputs"]]
        if names is not None:
            missing = [name for name in map(str, names) if name not in table.columns]
            if missing:
                raise Invalid(
                    f"The input has no column {missing[0]!r}, which the model takes"
                    + (f" ({len(missing)} are missing)." if len(missing) > 1 else "."),
                    field="--input",
                    value=missing[0],
                    remedy=f"The model's columns: {', '.join(map(repr, names[:40]))}.",
                )
            table = table[[str(name) for name in names]]
        width = self.signature.get("features")
        if width is not None and table.shape[1] != width:
            raise Invalid(
                f"The input has {table.shape[1]} columns beside the target, and the model takes {width}.",
                field="--input",
                remedy="The model was trained without names, so the columns must be those of the training, in their order.",
            )
        dtype = getattr(self._predictor, "dtype", "frame")
        if dtype == "frame":
            return _as_trained(table, self.signature.get("inputs") or [])
        try:
            return np.ascontiguousarray(table.to_numpy(dtype=dtype, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise Invalid(
                f"The input has values that are no numbers, and the model takes numbers alone: {error}.",
                field="--input",
                remedy="Give the columns that the model was trained with, encoded as they were.",
            ) from None

    def show(self, figures: Figures) -> None:
        """Display the figures, which the job's card keeps."""
        from IPython.display import SVG, display

        for name, figure in figures.items():
            display(SVG(draw(figure, name)))  # type: ignore[no-untyped-call]


def _as_trained(table: Any, inputs: list[dict[str, Any]]) -> Any:
    """The columns in the kinds of the training: a file has texts for categories and times."""
    import pandas as pd

    found = table.copy(deep=False)
    for item in inputs:
        name, kind = item["name"], item["dtype"]
        if name not in found.columns:
            continue
        if kind == "category" and item.get("categories") is not None:
            categories = item["categories"]
            if found[name].dtype != object and not isinstance(found[name].dtype, pd.CategoricalDtype):
                found[name] = pd.Categorical(found[name], categories=categories)
            else:
                meant = {str(label): label for label in categories}
                labels = [meant.get(str(value)) for value in found[name]]
                found[name] = pd.Categorical(labels, categories=categories)
        elif kind == "datetime" and not pd.api.types.is_datetime64_any_dtype(found[name]):
            found[name] = pd.to_datetime(found[name])
        elif kind == "string" and not pd.api.types.is_string_dtype(found[name]):
            found[name] = found[name].astype(object).map(lambda value: value if pd.isna(value) else str(value))
    return found


def _handled(handle: Any, rows: Any) -> Array:
    """Through handlers as a client's JSON would go: a list of rows, and a list or `{"predictions": …}` back."""
    body = rows.to_json(orient="values").encode()
    found = handle(body, "application/json", "application/json")
    answer, kind = asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found
    if not kind.startswith("application/json"):
        raise Invalid(
            f"The handlers answered {kind!r}, and an evaluation reads JSON.",
            field="model",
            remedy="Let output_fn answer application/json when it is accepted.",
        )
    data = json.loads(answer)
    return np.asarray(data["predictions"] if isinstance(data, dict) and "predictions" in data else data)


async def _awaited(found: Any) -> Any:
    return await found


#: How a file is read, by the end of its name.
_READERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("read_csv", {}),
    ".tsv": ("read_csv", {"sep": "\t"}),
    ".parquet": ("read_parquet", {}),
    ".pq": ("read_parquet", {}),
    ".feather": ("read_feather", {}),
    ".arrow": ("read_feather", {}),
    ".jsonl": ("read_json", {"lines": True}),
    ".ndjson": ("read_json", {"lines": True}),
    ".json": ("read_json", {"orient": "records"}),
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def read_table(path: Path) -> Any:
    """A file, or a directory of files of one kind, as a DataFrame. Raises Invalid for a kind that nobody reads."""
    import pandas as pd

    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    tables = [_read_file(item) for item in files if not item.name.startswith((".", "_"))]
    if not tables:
        raise Invalid(f"There are no files in {path.name!r}.", field="--input", value=path.name)
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]


def _read_file(path: Path) -> Any:
    import pandas as pd

    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    reader, options = _READERS.get(suffixes[-1] if suffixes else "", ("", {}))
    if not reader:
        raise Invalid(
            f"{path.name!r} is of no kind that an evaluation reads.",
            field="--input",
            value=path.name,
            remedy=f"Kinds: {', '.join(_READERS)}; or pass a DataFrame.",
        )
    try:
        return getattr(pd, reader)(path, **options)
    except (ValueError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise Invalid(f"{path.name!r} cannot be read: {first}.", field="--input", value=path.name) from None
