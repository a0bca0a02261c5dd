"""What a format is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Format:
    """One way to store a value. `safe` formats run no code when they are read.

    `write` fills a file from front to back, which may have no `seek`; `read` gets the path of the stored file.
    """

    key: str
    safe: bool
    accepts: Callable[[Any], bool]
    write: Callable[[Any, BinaryIO], None]
    read: Callable[[Path], Any]


def type_name(value: object) -> str:
    """`pandas.DataFrame`, `function`, `int`: how a type is shown to people."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def is_exactly(module: str, name: str, value: object) -> bool:
    """Whether `value` is exactly an instance of `module.name`, without importing the module."""
    found = sys.modules.get(module)
    return found is not None and type(value) is getattr(found, name, None)
