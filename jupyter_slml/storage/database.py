"""The database: one engine, transactions, migrations.

SQLite in WAL mode with synchronous=FULL: a commit that returned survives a power cut. Every write transaction begins
IMMEDIATE, so that two writers queue instead of failing half way, and carries its events: they are inserted by the same
transaction and told to the listener after the commit, in the order of their ids.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from jupyter_slml.domain.records import Event
from jupyter_slml.errors import Invalid, StorageFull, Unavailable, VersionMismatch
from jupyter_slml.ports.clock import Clock, SystemClock
from jupyter_slml.storage import schema

Listener = Callable[[list[Event]], None]
T = TypeVar("T")

_RECORD = insert(schema.events)

#: At most so many writes share one commit.
GROUP = 128

#: File systems on which SQLite's locks and shared memory cannot be trusted.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "lustre", "beegfs", "9p", "ceph", "gpfs"})


class Transaction:
    """A write in progress: a connection, and the events that commit with it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self.now = clock.now()
        self.events: list[Event] = []

    def record(self, kind: str, subject: str, subject_id: str, data: Mapping[str, Any] | None = None) -> Event:
        """Append an event to the log."""
        body = dict(data or {})
        values = {"at": self.now, "kind": kind, "subject": subject, "subject_id": subject_id}
        found = self.connection.execute(_RECORD, values | {"data": json.dumps(body)})
        key = found.inserted_primary_key
        assert key is not None
        done = Event(id=key[0], data=body, **values)
        self.events.append(done)
        return done


class Database:
    """Opens `url` and brings its tables up to date.

    Raises `VersionMismatch` when a newer jupyter-slml has written it, `Invalid` when it lies on a network file system.
    """

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.listener: Listener = lambda events: None
        #: Why the last write was not done; empty when it was.
        self.problem = ""
        self._writing = threading.Lock()
        self._leading = threading.Lock()
        self._waiting: deque[tuple[Callable[[Transaction], Any], Future[Any]]] = deque()
        self.engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            _configure_sqlite(self.engine)
        self._migrate()

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A write transaction. Nests in nothing; the events reach the listener after the commit."""
        with self._writing:
            try:
                with _translated(), self.engine.begin() as connection:
                    if self.engine.dialect.name == "sqlite":
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                    transaction = Transaction(connection, self.clock)
                    yield transaction
            except StorageFull as error:
                self.problem = error.message
                raise
            self.problem = ""
            # Still under the lock: listeners hear the commits in the order in which they happened.
            if transaction.events:
                self.listener(transaction.events)

    def write_together(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a write transaction that it may share with others that wait at the same moment: one commit, one
        fsync, for all of them. One that raises takes nothing else along, and none returns before the commit. For small
        writes that many clients make at once; `work` runs again when one of the others raised.
        """
        mine: Future[T] = Future()
        self._waiting.append((work, mine))
        with self._leading:
            # Whoever comes first does the work of all who came meanwhile; for the others it is then done.
            if not mine.done():
                self._commit_waiting()
        return mine.result()

    def _commit_waiting(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP))]
        done: list[Any] | None = None
        try:
            with self.write() as transaction:
                done = [work(transaction) for work, _ in batch]
        except Exception as error:
            if done is None:
                # One of them cannot be done, and nothing is stored: again, each by itself.
                self._commit_each(batch)
                return
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), result in zip(batch, done, strict=True):
            future.set_result(result)

    def _commit_each(self, batch: list[tuple[Callable[[Transaction], Any], Future[Any]]]) -> None:
        for work, future in batch:
            try:
                with self.write() as transaction:
                    result = work(transaction)
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Never waits for writers."""
        with _translated(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            stored = None
            if inspect(connection).has_table("alembic_version"):
                stored = connection.scalar(select(text("version_num")).select_from(text("alembic_version")))
        if stored == schema.HEAD:
            return
        if stored is not None and stored > schema.HEAD:
            raise VersionMismatch(
                f"This database was written by a newer jupyter-slml (schema {stored}, this version knows {schema.HEAD}).",
                field="SLML_HOME",
                remedy="Install the newer version again (pip install -U jupyter-slml), or choose another SLML_HOME.",
            )
        # alembic is slow to import and needed only on the first start after an installation.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        with self.engine.connect() as connection:
            config.attributes["connection"] = connection
            if self.engine.dialect.name == "sqlite":
                # SQLite changes a table by building it anew and dropping the old one, which would cascade to its children.
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            command.upgrade(config, "head")
            connection.commit()
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def sqlite_url(path: Path) -> str:
    """The URL of a database file. Raises Invalid when it lies on a network file system."""
    kind = _file_system(path.parent)
    if kind in _NETWORK:
        raise Invalid(
            f"{path} lies on a network file system ({kind}), where SQLite can lose data.",
            field="SLML_HOME",
            value=path.parent,
            remedy="Set SLML_HOME to a directory on a local disk of this machine.",
        )
    return f"sqlite:///{path}"


def _file_system(path: Path) -> str:
    """Type of the mount that holds `path`, from /proc/mounts; empty where that does not exist."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    resolved = path.resolve()
    best, kind = Path("/"), ""
    for line in mounts:
        _, point, name, *_ = line.split(" ")
        mount = Path(point.encode().decode("unicode_escape"))
        if resolved.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, name
    return kind


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: object) -> None:
        # Transactions are begun by hand (IMMEDIATE for writers); the driver must not begin its own.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        cause = str(error.orig)
        if "disk is full" in cause or "disk I/O error" in cause:
            raise StorageFull(
                "The disk that holds the database is full; nothing of this request was stored.",
                remedy="Make room, then try again: the database is sound.",
            ) from error
        raise Unavailable(f"The database cannot be used now: {cause}.") from error
