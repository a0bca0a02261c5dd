"""Values that the cell left, written as files in the child and described for the runner."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from jupyter_slml.compute.autolog.samples import Sample
from jupyter_slml.compute.baselines import describe
from jupyter_slml.compute.room import NoRoom, written
from jupyter_slml.domain import formats

#: What comes back without having been asked for.
MAX_IMPLICIT_BYTES = 256 * 2**20


class TooLarge(Exception):
    """A value that nobody asked for is larger than what comes back unasked."""


class NotStored(Exception):
    """An output that was asked for is missing or cannot be stored."""


class _Bounded:
    """A binary file that takes so many bytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._left = limit

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._left -= size
        if self._left < 0:
            raise TooLarge
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def collect(
    names: Mapping[str, Any],
    declared: list[str],
    implicit: Iterable[str],
    folder: Path,
    sample: Callable[[Any], Sample | None] = lambda model: None,
    waits: Callable[[str], None] = lambda message: None,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Write the declared names, or without any the implicit ones, into `folder`. `sample` gives rows of a model's training.

    Returns the outputs (`name, format, path, type, signature, baseline`, which is a path) and the names left out with the
    reason. Raises NotStored that names a declared output, and NoRoom when the disk stays full; meanwhile `waits` hears so.
    """
    outputs: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    for number, name in enumerate(declared or implicit):
        if name not in names:
            if declared:
                raise NotStored(f"The cell did not assign {name!r}, which --output names.")
            continue
        try:
            path, limit = folder / f"{number:04d}", None if declared else MAX_IMPLICIT_BYTES
            item = written(partial(_write, name, names[name], path, limit), path, waits)
            outputs.append(item | _described(name, names[name], folder / f"{number:04d}.baseline", sample))
        except NoRoom:
            raise
        except TooLarge:
            skipped[name] = f"larger than {MAX_IMPLICIT_BYTES >> 20} MiB; ask for it with --output {name}"
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            if declared:
                kind = formats.type_name(names[name])
                raise NotStored(f"The output {name!r} (a {kind}) cannot be stored: {why}") from error
            skipped[name] = why[:500]
    return outputs, skipped


def _write(name: str, value: Any, path: Path, limit: int | None) -> dict[str, Any]:
    if isinstance(value, types.ModuleType):
        raise TypeError("a module does not travel")
    chosen = formats.choose(value, formats.OUTPUT_FORMATS)
    try:
        _fill(chosen, value, path, limit)
        if chosen is formats.SKOPS:
            formats.SKOPS.read(path)
    except TooLarge:
        raise
    except Exception:
        if chosen is formats.CLOUDPICKLE:
            raise
        # Custom parts that a safe format does not hold.
        chosen = formats.CLOUDPICKLE
        _fill(chosen, value, path, limit)
    return {
        "name": name,
        "format": chosen.key,
        "path": str(path),
        "type": formats.type_name(value),
    }


def _described(name: str, model: Any, path: Path, sample: Callable[[Any], Sample | None]) -> dict[str, Any]:
    """What is known of a model beyond its bytes. That something of it is not known keeps no output from coming back."""
    try:
        signature, counts = describe(model, sample(model))
        if counts is not None:
            path.write_text(json.dumps(counts, allow_nan=False))
        json.dumps(signature, allow_nan=False)
        return {"signature": signature, "baseline": str(path) if counts is not None else None}
    except Exception as error:
        text = f"slml: {name!r} is stored without signature and baseline: {type(error).__name__}: {error}"
        print(text.splitlines()[0][:500], file=sys.stderr)  # noqa: T201
        return {"signature": None, "baseline": None}


def _fill(chosen: formats.Format, value: Any, path: Path, limit: int | None) -> None:
    with path.open("wb") as file:
        chosen.write(value, file if limit is None else cast(BinaryIO, _Bounded(file, limit)))
