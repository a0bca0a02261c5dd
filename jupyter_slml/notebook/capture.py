"""The values of the names that a cell reads, encoded and ready to travel.

`Collector.collect` either knows how everything travels or raises; nothing has been sent by then.
"""

from __future__ import annotations

import builtins
import errno
import sys
import tempfile
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from jupyter_slml.domain.formats import CLOUDPICKLE, type_name
from jupyter_slml.domain.specs import Capture
from jupyter_slml.errors import CaptureError, Invalid, StorageFull
from jupyter_slml.notebook.bundle import named_files, write_bundle
from jupyter_slml.notebook.cargo import MODULE, Cargo
from jupyter_slml.notebook.files import asked_files
from jupyter_slml.notebook.modules import LocalModules, imported_by
from jupyter_slml.notebook.names import PLATFORM, Reading
from jupyter_slml.notebook.pickling import culprit, encode, importable
from jupyter_slml.notebook.spool import Spool, Store, Tally


class Collector:
    """Collects from `namespace` (and `extra`, names that exist for this cell alone).

    `hidden` are names that IPython itself put into the namespace, `directory` is the notebook's. Large values are written to
    `store`'s folder, when it has one, and stay unpublished there; `sent` remembers them for the next time, by name and
    identity.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        directory: Path,
        *,
        hidden: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        title: str = "the cell",
        store: Callable[[], Store] | None = None,
        sent: set[tuple[str, int]] | None = None,
    ) -> None:
        self.namespace = namespace
        self.extra = dict(extra or {})
        self.directory = directory
        self.hidden = dict(hidden or {})
        self.title = title
        self._store = store
        self._sent = set() if sent is None or store is None else sent
        self._cargo = Cargo()
        self._modules: set[str] = set()
        self._strings: set[str] = set()
        self._done: set[str] = set()
        #: What each name's functions read.
        self._needs: dict[str, set[str]] = {}

    def known(self, name: str) -> bool:
        """Whether the notebook has a value of its own under this name."""
        if name in self.extra:
            return True
        if name not in self.namespace or name in PLATFORM:
            return False
        return not (name in self.hidden and self.hidden[name] is self.namespace[name])

    def collect(
        self, reading: Reading, *, also: Iterable[str] = (), without: Collection[str] = (), files: Sequence[str] = ()
    ) -> Cargo:
        """Encode what the cell reads, `also` these names, never those `without`; bundle what it names, and `files`.

        Raises Invalid for an undefined name, CaptureError for one that cannot travel.
        """
        self._check_defined(reading, also, without)
        asked = asked_files(files, Path.cwd())
        waiting = [(name, line, "") for name, line in reading.reads.items() if name not in without]
        waiting += [(name, 0, "") for name in also]
        try:
            while waiting:
                name, line, via = waiting.pop()
                if name in self._done or name in without or not self.known(name):
                    continue
                self._done.add(name)
                needed = self._capture(name, line, via, reading)
                self._needs[name] = needed
                waiting += [(other, line, name) for other in sorted(needed)]
            self._bundle(reading, asked)
        except BaseException:
            self._cargo.close()
            raise
        self._cargo.captures.sort(key=lambda capture: (capture.format != MODULE, capture.name))
        places = {
            name: place for place, name in enumerate(_in_order([item.name for item in self._cargo.captures], self._needs))
        }
        self._cargo.captures.sort(key=lambda capture: (capture.format != MODULE, places[capture.name]))
        return self._cargo

    def _check_defined(self, reading: Reading, also: Iterable[str], without: Collection[str]) -> None:
        for name in also:
            if not self.known(name):
                raise Invalid(
                    f"--capture {name}: the notebook has no variable of that name.",
                    field="--capture",
                    value=name,
                    remedy=self._near(name) or "Define it in a cell above, or leave the option out.",
                )
        known = [name for name in (*self.namespace, *self.extra) if self.known(name)]
        undefined = {name: line for name, line in reading.undefined(known).items() if name not in without}
        if undefined:
            name, line = min(undefined.items(), key=lambda item: item[1])
            others = sorted(set(undefined) - {name})
            if name in self.hidden:
                remedy = f"IPython's own {name} stays in the notebook: bind what you need of it to a name of yours first."
            else:
                remedy = self._near(name) or (
                    f"Define it in a cell above, or pass --no-capture {name} if the cell can do without."
                )
            raise Invalid(
                f"`{name}` is not defined (line {line} of {self.title})"
                + (f", and neither are {', '.join(f'`{other}`' for other in others)}." if others else "."),
                field=name,
                value=name,
                remedy=remedy,
                detail={"line": line, "names": sorted(undefined)},
            )

    def _near(self, name: str) -> str | None:
        import difflib

        candidates = [other for other in self.namespace if self.known(other)] + dir(builtins)
        near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.7)
        return f"Did you mean `{near[0]}`?" if near else None

    def _capture(self, name: str, line: int, via: str, reading: Reading) -> set[str]:
        """Encode one name; returns the names that its functions read."""
        value = self.extra[name] if name in self.extra else self.namespace[name]
        if isinstance(value, types.ModuleType) and importable(value):
            self._capture_module(name, value, reading)
            return set()
        if (name, id(value)) in self._sent and (found := self._stored(name, value)) is not None:
            self._cargo.captures.append(found)
            return set()
        spool = Spool(self._store)
        try:
            key, pickler = encode(value, cast("IO[bytes]", spool), self.namespace)
            digest, size = spool.finish()
        except BaseException as error:
            place = Path(spool.file.name).parent
            spool.close()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StorageFull(
                    f"The disk is full: `{name}` ({type_name(value)}) could not be written to {place}.",
                    field=name,
                    remedy="Free some space there, or set TMPDIR to a folder on another disk and restart the kernel."
                    if str(place) == tempfile.gettempdir()
                    else "Free some space there: `jupyter slml gc` deletes what no job needs any more.",
                ) from error
            raise self._refusal(name, value, line, via, error) from error
        self._cargo.captures.append(Capture(name=name, format=key, digest=digest, size=size, type=type_name(value)))
        if spool.moved and key != CLOUDPICKLE.key:
            self._sent.add((name, id(value)))
        if digest in self._cargo.files:
            spool.close()
        else:
            self._cargo.files[digest] = spool.file
        self._modules |= pickler.modules
        self._strings |= pickler.strings
        return pickler.names

    def _stored(self, name: str, value: Any) -> Capture | None:
        """A large value that has been sent before and has probably not changed: counted, and written only if it has."""
        assert self._store is not None
        tally = Tally()
        key, _ = encode(value, cast("IO[bytes]", tally), self.namespace)
        digest, size = tally.finish()
        if self._store().missing([digest]):
            return None
        return Capture(name=name, format=key, digest=digest, size=size, type=type_name(value))

    def _capture_module(self, name: str, module: types.ModuleType, reading: Reading) -> None:
        self._modules.add(module.__name__)
        self._add_module(name, module.__name__)
        # `import xml.etree.ElementTree` binds `xml`, whose import alone would not bring the rest.
        for chain in reading.chains.get(name, ()):
            parts = chain.split(".")[1:]
            for end in range(1, len(parts) + 1):
                dotted = ".".join([module.__name__, *parts[:end]])
                if dotted not in sys.modules:
                    break
                self._add_module("_slml_" + dotted.replace(".", "_"), dotted)

    def _add_module(self, name: str, dotted: str) -> None:
        if all(capture.name != name for capture in self._cargo.captures):
            self._cargo.captures.append(Capture(name=name, format=MODULE, digest=dotted, size=0, type="module"))

    def _refusal(self, name: str, value: Any, line: int, via: str, error: Exception) -> CaptureError:
        path, part = culprit(name, value, self.namespace)
        used = f"read by `{via}`, " if via else ""
        where = f"{used}used at line {line} of {self.title}" if line else f"{used}named by --capture"
        inside = "" if path == name else f", because of `{path}` ({type_name(part)})"
        return CaptureError(
            f"`{name}` ({type_name(value)}, {where}) cannot travel to a worker{inside}: {_first_line(error)}",
            field=name,
            value=type_name(part),
            remedy=_remedy(name, part),
            detail={"name": name, "type": type_name(value), "line": line, "path": path},
        )

    def _bundle(self, reading: Reading, asked: Mapping[str, Path]) -> None:
        roots = [self.directory] if self.directory == Path.cwd() else [self.directory, Path.cwd()]
        named = named_files(set(reading.strings) | self._strings, Path.cwd())
        named |= asked
        scripts = {module for path in named.values() if path.suffix == ".py" for module in imported_by(path)}
        files = LocalModules(roots).files(self._modules | reading.imports | scripts)
        files |= named
        if not files:
            return
        file = tempfile.NamedTemporaryFile(prefix="slml-")  # noqa: SIM115 — closed with the cargo
        try:
            self._cargo.bundle = write_bundle(files, file)
            self._cargo.sizes = {name: path.stat().st_size for name, path in files.items()}
        except BaseException:
            file.close()
            raise
        self._cargo.files[self._cargo.bundle.digest] = file


def _in_order(names: Sequence[str], needs: Mapping[str, Collection[str]]) -> list[str]:
    """The names with what they need before them: building a class may run code that reads other names."""
    made: dict[str, None] = {}
    begun: set[str] = set()

    def add(name: str) -> None:
        if name not in begun:
            begun.add(name)
            for other in sorted(needs.get(name, ())):
                add(other)
            made[name] = None

    for name in names:
        add(name)
    return list(made)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if text.endswith(".") else f"{text}."


def _remedy(name: str, part: Any) -> str:
    if isinstance(part, types.GeneratorType):
        return f"Turn the generator into a list first, or create it inside the cell; or pass --no-capture {name}."
    return f"Create it inside the cell, so that it is made where the cell runs; or pass --no-capture {name}."
