"""Figures of an evaluation, as the JSON that evidence keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.figures import FIGURES, Bars, Lines, Matrix, Points
from jupyter_slml.domain.formats.format import Format


def _are_figures(value: object) -> bool:
    kinds = (Bars, Lines, Matrix, Points)
    return isinstance(value, dict) and bool(value) and all(isinstance(item, kinds) for item in value.values())


def _write_figures(value: Any, file: BinaryIO) -> None:
    file.write(FIGURES.dump_json(value))


def _read_figures(path: Path) -> Any:
    return FIGURES.validate_json(path.read_bytes())


PLOTS = Format("figures", True, _are_figures, _write_figures, _read_figures)
