"""Files that a job left below its output directory, and the executed cell as a notebook."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jupyter_slml.errors import NotFound
from jupyter_slml.notebook.table import Table, human_size

if TYPE_CHECKING:
    from jupyter_slml.domain.outcomes import Artifact
    from jupyter_slml.domain.records import Job
    from jupyter_slml.notebook.session import Session


class OutputFile:
    """One file, by the path that it had below `slml.output_dir`."""

    def __init__(self, session: Session, artifact: Artifact) -> None:
        self._session = session
        self.path = artifact.name
        self.size = artifact.size
        self.digest = artifact.digest

    def open(self, mode: str = "r", encoding: str = "utf-8") -> IO[Any]:
        """Open a local copy for reading, as text or (`rb`) as bytes; it is gone when it is closed."""
        if mode not in ("r", "rb", "rt"):
            raise ValueError(
                f"mode {mode!r}: a job's files are read only; use 'r' or 'rb', or .save(path) for a copy of yours"
            )
        copy = tempfile.TemporaryFile(prefix="slml-")  # noqa: SIM115 — handed to the caller
        self._session.client.blobs.fetch(self.digest, copy)
        copy.seek(0)
        return copy if mode == "rb" else io.TextIOWrapper(copy, encoding=encoding)

    def save(self, path: str | Path | None = None) -> Path:
        """Write it to a file of yours; a folder keeps the file's name, None means the working directory."""
        target = Path(path) if path is not None else Path()
        if target.is_dir():
            target = target / Path(self.path).name
        with target.open("wb") as file:
            self._session.client.blobs.fetch(self.digest, file)
        return target

    def __repr__(self) -> str:
        return f"<file {self.path}: {human_size(self.size)}; .open() reads it, .save(path) copies it>"


class OutputFiles(Mapping[str, OutputFile]):
    """A job's files by relative path."""

    def __init__(self, session: Session, job: Job, files: Sequence[Artifact]) -> None:
        self._job = job
        self._items = {item.name: OutputFile(session, item) for item in files}

    def __getitem__(self, path: str) -> OutputFile:
        try:
            return self._items[path]
        except KeyError:
            ended = self._job.state.is_final
            raise NotFound(
                f"Job {self._job.id} left no file {path!r}."
                if ended
                else f"Job {self._job.id} is {self._job.state.value}: its files come when it has ended.",
                field="file",
                value=path,
                remedy=f"Its files: {', '.join(list(self._items)[:20]) or 'none'}."
                if ended
                else "Wait for it first: job.wait().",
            ) from None

    def __contains__(self, path: object) -> bool:
        return path in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def save(self, folder: str | Path) -> list[Path]:
        """Write all of them below a folder of yours, with their relative paths."""
        made = []
        for path, item in self._items.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            made.append(item.save(target))
        return made

    def _table(self) -> Table:
        return Table(["path", "size"], [[item.path, human_size(item.size)] for item in self.values()], empty="No files.")

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


class ExecutedCell:
    """The executed cell as a notebook of one cell; `node` is nbformat's, `save(path)` writes it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def node(self) -> Any:
        import nbformat

        return nbformat.reads(self._content.decode(), as_version=4)  # type: ignore[no-untyped-call]

    def save(self, path: str | Path) -> Path:
        target = Path(path)
        target.write_bytes(self._content)
        return target

    def __repr__(self) -> str:
        cells = json.loads(self._content)["cells"]
        outputs = sum(len(cell.get("outputs", [])) for cell in cells)
        return f"<notebook of {len(cells)} cell{'s' if len(cells) > 1 else ''}, {outputs} outputs; .save(path) writes it>"
