"""Which columns are read, which the model takes and which stay, checked against the model's signature."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from jupyter_slml.domain.paths import select
from jupyter_slml.domain.signatures import takes_frame
from jupyter_slml.domain.specs.batch import BatchSpec
from jupyter_slml.errors import Invalid

#: Arrow types of the kinds of a signature; a column of CSV or JSON Lines is read as that.
_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "string": pa.string(),
    "datetime": pa.timestamp("ns"),
    **{str(kind): kind for kind in (pa.float32(), pa.float64(), pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): kind for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "float32": pa.float32(),
    "float64": pa.float64(),
}


def chosen(spec: BatchSpec, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the model takes and what the output keeps, of the input's columns. Raises Invalid."""
    given = _selected("--input-filter", spec.input_filter, names)
    features = given if spec.model is None else _features(spec.model.signature, given)
    kept = list(names) if spec.kept is None else spec.kept
    for name in kept:
        if name not in names:
            raise _missing("--keep", name, names)
    return features, kept


def outgoing(spec: BatchSpec, kept: Sequence[str], predictions: Sequence[str]) -> list[str]:
    """Names of the output's columns in their order. Raises Invalid for a name that is there twice, or not at all."""
    twice = [name for name in predictions if name in kept]
    if twice:
        raise Invalid(
            f"The input has a column {twice[0]!r}, and so have the predictions.",
            field="--keep",
            value=twice[0],
            remedy="Name the columns to keep without it (--keep id,date), or keep none.",
        )
    return _selected("--output-filter", spec.output_filter, [*kept, *predictions], predictions)


def _selected(option: str, path: str, names: Sequence[str], predictions: Sequence[str] = ()) -> list[str]:
    try:
        return select(path, names, predictions)
    except KeyError as error:
        raise _missing(option, str(error.args[0]), names) from None
    except IndexError as error:
        raise Invalid(
            f"{option} {path}: there is no column {error.args[0]}; there are {len(names)}.", field=option, value=path
        ) from None


def _missing(option: str, name: str, names: Sequence[str]) -> Invalid:
    near = difflib.get_close_matches(name, list(names), n=1)
    return Invalid(
        f"{option}: the input has no column {name!r}.",
        field=option,
        value=name,
        remedy=f"Did you mean {near[0]!r}?" if near else f"Its columns: {_listed(names)}.",
    )


def _features(signature: dict[str, Any] | None, given: Sequence[str]) -> list[str]:
    """The model's columns, by name where it has names and by place where it has none."""
    found = signature or {}
    names = _names(found)
    if names is not None:
        missing = [name for name in names if name not in given]
        if missing:
            more = f" and {len(missing) - 1} more columns" if len(missing) > 1 else ""
            near = difflib.get_close_matches(missing[0], list(given), n=1)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            raise Invalid(
                f"The input has no column {missing[0]!r}{more}, which the model takes.",
                field="--input",
                value=missing[0],
                remedy=f"{guess}The model takes {_listed(names)}; the input has {_listed(given)}.",
            )
        return names
    width = found.get("features")
    if width is not None and int(width) != len(given):
        raise Invalid(
            f"The model takes {width} columns without names, and the input has {len(given)}: {_listed(given)}.",
            field="--input-filter",
            value=len(given),
            remedy="Choose them by place or name: --input-filter '$[1:]' leaves the first one out.",
        )
    return list(given)


def _names(signature: dict[str, Any]) -> list[str] | None:
    names = signature.get("columns")
    if not names and takes_frame(signature):
        names = [item["name"] for item in signature["inputs"]]
    return [str(name) for name in names] if names else None


def kinds(signature: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What the signature knows of each column."""
    inputs = (signature or {}).get("inputs") or []
    return {str(item.get("name")): item for item in inputs if isinstance(item, dict)}


def text_types(spec: BatchSpec, features: Sequence[str], sampled: pa.Schema) -> pa.Schema:
    """Types of the columns of a text file: the model's where it says, else what its first records look like.

    Raises Invalid for a column of texts where the model takes numbers.
    """
    known = kinds(spec.model.signature) if spec.model else {}
    frames = takes_frame(spec.model.signature) if spec.model else True
    fields = []
    for field in sampled:
        kind = str(known.get(field.name, {}).get("dtype") or "")
        wanted = _TYPES.get(kind)
        if field.name in features and wanted is None and not frames and spec.model is not None:
            wanted = pa.float64() if not pa.types.is_boolean(field.type) else None
        if field.name in features and kind == "category":
            wanted = None
        if field.name in features and wanted is not None:
            fields.append(pa.field(field.name, wanted))
        else:
            fields.append(pa.field(field.name, pa.string() if pa.types.is_null(field.type) else field.type))
    return pa.schema(fields)


def check_types(spec: BatchSpec, features: Sequence[str], schema: pa.Schema, where: str) -> None:
    """Raises Invalid for a column of another kind than the model takes."""
    if spec.model is None:
        return
    known = kinds(spec.model.signature)
    frames = takes_frame(spec.model.signature)
    for name in features:
        kind = str(known.get(name, {}).get("dtype") or ("" if frames else "float64"))
        field = schema.field(name)
        if kind and not _fits(kind, field.type):
            raise Invalid(
                f"Column {name!r} of {where} holds {field.type}, and the model takes {_said(kind)}.",
                field="--input",
                value=name,
                remedy="Convert the column where the input is made, or use %%batch and convert it in predict(batch).",
            )


def _fits(kind: str, found: pa.DataType) -> bool:
    types = pa.types
    value = found.value_type if types.is_dictionary(found) else found
    numeric = types.is_integer(value) or types.is_floating(value) or types.is_decimal(value) or types.is_boolean(value)
    if types.is_null(value):
        return True
    if kind.startswith(("int", "uint", "float")):
        return bool(numeric)
    if kind == "bool":
        return bool(types.is_boolean(value) or types.is_integer(value))
    if kind == "string":
        return bool(types.is_string(value) or types.is_large_string(value) or str(value) == "string_view")
    if kind == "datetime":
        return bool(types.is_timestamp(value) or types.is_date(value))
    return True


def _said(kind: str) -> str:
    return {"string": "texts", "datetime": "times", "bool": "true or false"}.get(kind, f"numbers ({kind})")


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
