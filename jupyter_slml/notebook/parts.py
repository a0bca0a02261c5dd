"""The output of a batch job in Python: its parts, its errors, its first rows; and what a card shows of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_slml.domain.batch import spec_of
from jupyter_slml.errors import NotFound

if TYPE_CHECKING:
    from jupyter_slml.domain.records import Job
    from jupyter_slml.domain.views import PartList

_COLUMNS = ("part", "state", "rows", "errors", "file", "bytes", "sha256", "source", "sources", "seconds", "tries", "message")


class Predicted:
    """What a batch job has written; the output is read here, with this kernel's rights."""

    def __init__(self, job: Job) -> None:
        """Raises Conflict for a job of another kind."""
        self._job = job
        self.uri = spec_of(job).output

    def preview(self, rows: int) -> Any:
        """The first rows as a DataFrame. Raises NotFound while no part is committed."""
        import pandas

        frames: list[Any] = []
        left = rows
        for record in self._committed():
            found = _head(self._open(record["file"]), record["file"].rpartition(".")[2], left)
            frames.append(found)
            left -= len(found)
            if left <= 0:
                break
        if not frames:
            raise NotFound(
                f"Job {self._job.id} has committed no part yet.",
                field="job",
                value=self._job.id,
                remedy="Wait for it (job.wait()), or look at job.parts.",
            )
        return pandas.concat(frames, ignore_index=True)

    def errors(self, limit: int) -> Any:
        """The records that failed: file, row (from 1, a header not among them), reason, and for how many records it is."""
        import pandas

        fs, root = self._place()
        found: list[dict[str, Any]] = []
        folder = f"{root}/_errors"
        fs.invalidate_cache()
        for path in sorted(fs.find(folder)) if fs.exists(folder) else []:
            with fs.open(path, "rb") as file:
                for line in file:
                    found.append(json.loads(line))
                    if len(found) >= limit:
                        break
        return pandas.DataFrame(found[:limit], columns=["file", "row", "reason", "count"])

    def _committed(self) -> list[dict[str, Any]]:
        fs, root = self._place()
        folder = f"{root}/_manifest"
        fs.invalidate_cache()
        paths = [path for path in sorted(fs.find(folder)) if "/part-" in path] if fs.exists(folder) else []
        lines = (json.loads(fs.cat_file(path)) for path in paths)
        return [line for line in lines if line["file"]]

    def _open(self, name: str) -> Any:
        fs, root = self._place()
        return fs.open(f"{root}/{name}", "rb")

    def _place(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        fs, root = url_to_fs(self.uri)
        return fs, root.rstrip("/")


def _head(file: Any, kind: str, rows: int) -> Any:
    import pandas

    with file:
        if kind == "csv":
            return pandas.read_csv(file, nrows=rows)
        if kind == "jsonl":
            return pandas.read_json(file, lines=True, nrows=rows)
        if kind == "parquet":
            import pyarrow.parquet

            batches = pyarrow.parquet.ParquetFile(file).iter_batches(min(rows, 65_536))
        else:
            import pyarrow

            reader = pyarrow.ipc.open_file(file)
            batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
        found, left = [], rows
        for batch in batches:
            found.append(batch.slice(0, left).to_pandas())
            left -= len(found[-1])
            if left <= 0:
                break
        return pandas.concat(found, ignore_index=True) if found else pandas.DataFrame()


def as_frame(found: PartList) -> Any:
    """A DataFrame with a row per part."""
    import pandas

    return pandas.DataFrame(
        [{name: getattr(item, name) for name in _COLUMNS} for item in found.parts], columns=list(_COLUMNS)
    ).set_index("part")
