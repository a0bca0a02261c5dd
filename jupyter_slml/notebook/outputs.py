"""What a job left behind, loaded when it is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from jupyter_slml.domain import formats
from jupyter_slml.errors import NotFound
from jupyter_slml.notebook.table import Table, human_size

if TYPE_CHECKING:
    from jupyter_slml.domain.outcomes import Artifact
    from jupyter_slml.notebook.handle import JobHandle
    from jupyter_slml.notebook.session import Session

_UNSET = object()


class Output:
    """One output: `load()` fetches it from the store, checks its digest and gives the value (the same one each time)."""

    def __init__(self, session: Session, job: str, artifact: Artifact) -> None:
        self._session = session
        self._job = job
        self._value: Any = _UNSET
        self.name = artifact.name
        self.type = artifact.type
        self.format = artifact.format
        self.size = artifact.size
        self.digest = artifact.digest

    def load(self) -> Any:
        """The value. Raises IntegrityError when the stored bytes are not those that the job wrote."""
        if self._value is _UNSET:
            # Readers may map the file: on Linux the mapping outlives the name.
            with tempfile.TemporaryDirectory(prefix="slml-") as folder:
                path = Path(folder) / "value"
                with path.open("wb") as file:
                    key = self._fetch(file)
                self._value = formats.by_key(key).read(path)
        return self._value

    def save(self, path: str | Path) -> Path:
        """Write the stored bytes to a file of yours."""
        target = Path(path)
        with target.open("wb") as file:
            self._fetch(file)
        return target

    def _fetch(self, file: BinaryIO) -> str:
        """Write the bytes; returns their format."""
        return self._session.client.jobs.output(self._job, self.name, file)

    def __repr__(self) -> str:
        return f"<output {self.name}: {self.type}, {self.format}, {human_size(self.size)}; .load() gives the value>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "an output's handle stays in the notebook; bind its value first: "
            f"{self.name} = job.outputs[{self.name!r}].load()"
        )


class Outputs(Mapping[str, Output]):
    """The outputs of a job by name; asking for one waits for nothing."""

    def __init__(self, handle: JobHandle, items: Mapping[str, Output]) -> None:
        self._handle = handle
        self._items = items

    def __getitem__(self, name: str) -> Output:
        try:
            return self._items[name]
        except KeyError:
            raise self._unknown(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def _unknown(self, name: str) -> NotFound:
        job = self._handle.record
        skipped = job.outcome.skipped if job.outcome else {}
        if name in skipped:
            message = f"Output {name!r} could not be brought back: {skipped[name]}"
            remedy = "Assign something that can be stored, a model or a frame for example."
        elif not job.state.is_final:
            message = f"Job {job.id} is {job.state.value}: it has no outputs yet."
            remedy = "Wait for it first: job.wait()."
        else:
            message = f"Job {job.id} has no output {name!r}."
            remedy = f"Its outputs: {', '.join(self._items) or 'none'}."
        return NotFound(message, field="output", value=name, remedy=remedy)

    def _table(self) -> Table:
        rows = [[item.name, item.type, item.format, human_size(item.size)] for item in self._items.values()]
        return Table(["name", "type", "format", "size"], rows, empty="No outputs.")

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()
