"""A stored Arrow file as a frame whose plain columns lie in the file itself.

The file is mapped copy-on-write: what the cell writes to its frame stays in its process, and what it does not touch is never
copied. Neighbouring columns of one dtype become one two-dimensional block, as pandas has it in the notebook. Text,
categories, nullable columns and columns with missing dates are converted as pyarrow does it.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, NamedTuple

#: Kinds of dtype that are the same bytes in Arrow and in numpy.
_PLAIN = frozenset("iufmM")
#: More pieces than this cost more to put together than they save.
_MOST_PIECES = 500


class _Place(NamedTuple):
    """Where a column's values lie: bytes from the beginning of the file."""

    name: str
    dtype: Any
    offset: int


class MappedTable:
    """The file at `path`, written as one batch (or several, which are copied). Its pages go with the last array on them."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._whole = pa.py_buffer(self._map)
        self.table = pa.ipc.open_file(self._whole).read_all()

    def frame(self) -> Any:
        """The pandas DataFrame that was written."""
        # Without rows, it has all that is not values.
        about = self.table.slice(0, 0).to_pandas()
        places = {name: self._place(name, dtype) for name, dtype in about.dtypes.items()}
        runs = _runs([places[name] for name in about.columns])
        if not any(places.values()) or len(runs) > _MOST_PIECES:
            return _converted(self.table)
        copied = self.table.select([name for name in self.table.column_names if places.get(name) is None])
        return self._assembled(about, runs, _converted(copied))

    def _assembled(self, about: Any, runs: list[list[_Place | None]], copied: Any) -> Any:
        """One piece for each run, side by side: none of them is copied."""
        import pandas as pd

        pieces, done = [], 0
        for run in runs:
            if (block := self._block(run)) is None:
                pieces.append(copied.iloc[:, done : done + len(run)])
                done += len(run)
            else:
                pieces.append(pd.DataFrame(block, index=copied.index, copy=False))
        if len(pieces) > 1:
            # Before version 3 it would copy; since then it must not be told.
            older = {"copy": False} if int(pd.__version__.partition(".")[0]) < 3 else {}
            frame = pd.concat(pieces, axis=1, **older)
        else:
            frame = pieces[0]
        frame.columns = about.columns
        frame.attrs = about.attrs
        return frame

    def _place(self, name: str, dtype: Any) -> _Place | None:
        """None for a column that must be converted."""
        import numpy as np
        import pyarrow as pa

        column = self.table.column(name)
        if not isinstance(dtype, np.dtype) or dtype.kind not in _PLAIN or column.type != pa.from_numpy_dtype(dtype):
            return None
        if not len(column) or column.num_chunks > 1 or column.null_count or column.chunk(0).offset:
            return None
        return _Place(name, dtype, column.chunk(0).buffers()[1].address - self._whole.address)

    def _block(self, run: list[_Place | None]) -> Any:
        """The columns of a run as an array of shape (rows, columns); None when they are to be copied."""
        import numpy as np

        first, last = run[0], run[-1]
        if first is None or last is None:
            return None
        size = first.dtype.itemsize
        step = (last.offset - first.offset) // (len(run) - 1) if len(run) > 1 else size
        return np.ndarray((len(run), len(self.table)), first.dtype, self._map, first.offset, (step, size)).T


def _converted(table: Any) -> Any:
    import pandas as pd

    frame = table.to_pandas()
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            # pyarrow leaves their codes where they are, and read-only.
            frame[name] = frame[name].array.copy()
    return frame


def _runs(places: list[_Place | None]) -> list[list[_Place | None]]:
    """Neighbours that one array can show: of one dtype, at equal distances; and neighbours that are to be copied."""
    runs: list[list[_Place | None]] = []
    for place in places:
        if runs and _continues(runs[-1], place):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _continues(run: list[_Place | None], place: _Place | None) -> bool:
    last = run[-1]
    if place is None or last is None:
        return place is last
    distance = place.offset - last.offset
    before = run[-2].offset if len(run) > 1 and run[-2] is not None else last.offset - distance
    return place.dtype == last.dtype and distance == last.offset - before > 0
