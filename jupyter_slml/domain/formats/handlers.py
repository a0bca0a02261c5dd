"""A directory with code that loads and serves a model: SageMaker's handler functions, or Vertex's predictor class.

Stored as a zip of its plain files, the same bytes for the same files. Whoever reads it gets a directory, and decides
whether to run what is in it.
"""

from __future__ import annotations

import ast
import atexit
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.archives import unpack
from jupyter_slml.domain.formats.format import Format
from jupyter_slml.errors import Invalid

#: Where handlers are looked for, in this order.
PROGRAMS = ("code/inference.py", "inference.py", "code/predictor.py", "predictor.py")

_FUNCTIONS = frozenset({"model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn"})
_METHODS = frozenset({"load", "predict"})


def program(folder: Path) -> Path | None:
    """The file in a directory that has handlers: functions or a predictor class. Reads it and runs nothing."""
    for name in PROGRAMS:
        path = folder / name
        if path.is_file() and kind(path.read_text(encoding="utf-8", errors="replace")) is not None:
            return path
    return None


def kind(source: str) -> str | None:
    """`functions`, `class`, or None when the source defines no handlers. A syntax error is none."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    names = {item.name for item in body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    if names & {"model_fn", "transform_fn"}:
        return "functions"
    if any(_methods(item) >= _METHODS for item in body if isinstance(item, ast.ClassDef)):
        return "class"
    return None


def _methods(found: ast.ClassDef) -> set[str]:
    return {item.name for item in found.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}


def _is_handlers(value: object) -> bool:
    return isinstance(value, Path) and value.is_dir() and program(value) is not None


def _write_handlers(value: Any, file: BinaryIO) -> None:
    """Raises Invalid for a link or a device in the directory: what it leads to is not what is stored."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(value.rglob("*")):
            if "__pycache__" in path.parts:
                continue
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            name = path.relative_to(value).as_posix()
            if not stat.S_ISREG(mode):
                raise Invalid(
                    f"{name!r} in {value.name!r} is a link or a special file, which is not stored.",
                    field="path",
                    value=name,
                    remedy="Put the file itself there.",
                )
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 2**20)


def _read_handlers(path: Path) -> Path:
    """A directory of this process, gone when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="slml-handlers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    unpack(path, folder)
    return folder


HANDLERS = Format("handlers", False, _is_handlers, _write_handlers, _read_handlers)
