"""JSON for what JSON gives back exactly, and cloudpickle for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format

_MOST_ITEMS = 10_000
_MOST_BITS = 1024


def is_json(value: object, depth: int = 4) -> bool:
    """Whether JSON gives it back: no tuples, no NaN, no keys but strings, no integers too long for Python to read."""
    kind = type(value)
    if kind is float:
        return value == value and value not in (float("inf"), float("-inf"))
    if isinstance(value, int) and kind is int:
        return value.bit_length() <= _MOST_BITS
    if kind in (str, bool, type(None)):
        return True
    if depth == 0:
        return False
    if isinstance(value, list) and kind is list:
        return len(value) <= _MOST_ITEMS and all(is_json(item, depth - 1) for item in value)
    if isinstance(value, dict) and kind is dict:
        return len(value) <= _MOST_ITEMS and all(
            type(key) is str and is_json(item, depth - 1) for key, item in value.items()
        )
    return False


def _write_json(value: Any, file: BinaryIO) -> None:
    # Escaped: half a surrogate pair is a string, too.
    file.write(json.dumps(value).encode())


def _read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _write_pickle(value: Any, file: BinaryIO) -> None:
    import cloudpickle

    cloudpickle.dump(value, file, protocol=5)


def _read_pickle(path: Path) -> Any:
    import cloudpickle

    with path.open("rb") as file:
        return cloudpickle.load(file)


JSON = Format("json", True, is_json, _write_json, _read_json)
CLOUDPICKLE = Format("cloudpickle", False, lambda value: True, _write_pickle, _read_pickle)
