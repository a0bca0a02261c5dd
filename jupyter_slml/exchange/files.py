"""Which kind of model a file is: by its name, and its first bytes must agree."""

from __future__ import annotations

import zipfile
from pathlib import Path

from jupyter_slml.domain.archives import is_archive
from jupyter_slml.errors import Invalid

#: Kinds that a file can be: the first ones are data, `pickle` runs code, `archive` holds others.
XGBOOST, LIGHTGBM, SKOPS, ONNX, PICKLE, ARCHIVE = "xgboost", "lightgbm", "skops", "onnx", "pickle", "archive"

#: What the end of a name says.
SUFFIXES = {
    ".ubj": XGBOOST,
    ".xgb": XGBOOST,
    ".bst": XGBOOST,
    ".json": XGBOOST,
    ".skops": SKOPS,
    ".onnx": ONNX,
    ".txt": LIGHTGBM,
    ".lgb": LIGHTGBM,
    ".lightgbm": LIGHTGBM,
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".joblib": PICKLE,
    ".cloudpickle": PICKLE,
    ".gz": ARCHIVE,
    ".tgz": ARCHIVE,
    ".tar": ARCHIVE,
    ".zip": ARCHIVE,
}

KNOWN = "xgboost (.ubj, .json), .skops, .onnx, lightgbm (.txt), model.tar.gz, .zip, .pkl or .joblib with --allow-pickle"


def kind(path: Path) -> str:
    """The kind of a file. Raises Invalid when it is none of ours, or its bytes are not what its name says."""
    named = SUFFIXES.get(path.suffix.lower())
    found = _sniffed(path)
    # One name stands for two libraries' files.
    if {named, found} <= {XGBOOST, LIGHTGBM} and found is not None:
        return found
    if found == PICKLE and named in (PICKLE, None):
        return PICKLE
    if found is None and named == PICKLE:
        # joblib compresses as its user likes.
        return PICKLE
    if found is None and named == ONNX:
        # Protocol buffers have no mark of their own.
        return ONNX
    if found is not None and named in (found, None):
        return found
    what = f"its first bytes are those of {_WORDS[found]}" if found else "its first bytes are those of no model"
    raise Invalid(
        f"{path.name!r} is not imported: {what}" + (f", and its name says {_WORDS[named]}." if named else "."),
        field="path",
        value=path.name,
        remedy=f"What can be imported: {KNOWN}; an MLflow directory; a directory with handlers.",
    )


_WORDS = {
    XGBOOST: "an xgboost model",
    LIGHTGBM: "a lightgbm model",
    SKOPS: "a skops file",
    ONNX: "an ONNX model",
    PICKLE: "a pickle, which runs code when it is loaded",
    ARCHIVE: "an archive",
}


def _sniffed(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(512)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return PICKLE
    if head.startswith(b"tree\n"):
        return LIGHTGBM
    # UBJ: an object whose first key is `learner`, and JSON the same.
    if head[:1] == b"{" and (b"learner" in head[:64] or b"version" in head[:64]):
        return XGBOOST
    if is_archive(path):
        return SKOPS if _is_skops(path) else ARCHIVE
    return None


def _is_skops(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "schema.json" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
